//! Prints the conversation as it happens, the way a user of Discord would see it.

use std::collections::HashMap;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use standins::discord::{Discord, Event, EventKind, Message, User};
use tokio::sync::mpsc::UnboundedReceiver;

use super::card::{self, Line};
use super::markdown::{self, Paint};
use super::prompt::Printer;

/// Interval for polling the conversation.
const LOOK: Duration = Duration::from_millis(30);
/// The indentation of a message's text, in columns.
const INDENT: usize = 7;
/// Discord's note on an ephemeral message.
const PRIVATE: &str = "only you can see this";

/// Shows the conversation, and remembers what it has shown.
pub(crate) struct Show {
    /// Whether an interaction got no answer, or Discord refused a request.
    pub trouble: bool,
    discord: Discord,
    notices: UnboundedReceiver<Notice>,
    paint: Paint,
    /// Prints above the prompt, if there is one.
    prompt: Option<Printer>,
    /// Whether commands have numbers, because several can be under way.
    numbered: bool,
    seen: usize,
    talks: HashMap<String, Talk>,
    /// User names by id.
    names: HashMap<String, String>,
    /// The last shown lines of each message, by its id.
    shown: HashMap<String, Vec<Line>>,
    /// The interaction of each message, by its id.
    answers: HashMap<String, String>,
}

/// What happened to the bot while an interaction was under way.
pub(crate) struct Notice {
    pub interaction_id: String,
    pub text: String,
}

/// One typed command.
struct Talk {
    number: usize,
    typed: DateTime<Utc>,
}

impl Show {
    /// Shows the conversation of `discord` and the notices.
    pub(crate) fn new(discord: Discord, notices: UnboundedReceiver<Notice>) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = stdout().is_terminal();
        Self {
            trouble: false,
            discord,
            notices,
            paint: if terminal && !plain { Paint::Colour } else { Paint::Plain },
            prompt: None,
            numbered: false,
            seen: 0,
            talks: HashMap::new(),
            names: HashMap::new(),
            shown: HashMap::new(),
            answers: HashMap::new(),
        }
    }

    /// Shows the conversation while `work` runs.
    pub(crate) async fn until<F: Future>(&mut self, work: F) -> F::Output {
        tokio::pin!(work);
        loop {
            let done = tokio::time::timeout(LOOK, &mut work).await;
            self.catch_up();
            if let Ok(done) = done {
                return done;
            }
        }
    }

    /// Shows it above a prompt from now on.
    pub(super) fn above(&mut self, prompt: Printer) {
        self.prompt = Some(prompt);
        self.numbered = true;
    }

    pub(crate) fn gap(&self) {
        print("\n");
    }

    /// Prints a text on lines of its own.
    pub(crate) fn say(&mut self, text: &str) {
        let end = if text.is_empty() { "" } else { "\n" };
        let text = format!("{text}{end}");
        let above = self.prompt.as_mut().map(|prompt| prompt.print(text.clone()));
        if !matches!(above, Some(Ok(()))) {
            print(&text);
        }
    }

    /// Ends the prompt.
    pub(crate) fn leave_prompt(&mut self) {
        self.prompt = None;
    }

    /// Reports interactions that still show "thinking…" at the end.
    pub(crate) fn report_unanswered(&mut self) {
        let thinks = |id: &&String| self.discord.messages(id).iter().any(|m| m.loading);
        let unanswered = self.talks.keys().filter(thinks).count();
        if unanswered > 0 {
            self.trouble = true;
            let text = format!("✖ never answered after \"Deckhand is thinking…\": {unanswered}");
            self.say(&self.paint.red(&text));
        }
    }

    /// Reports that the outcome of a deploy did not arrive.
    pub(crate) fn report_lost(&mut self) {
        self.trouble = true;
        self.say(&self.paint.red("✖ the outcome of a deploy did not arrive"));
    }

    fn catch_up(&mut self) {
        let events = self.discord.conversation();
        for event in events.iter().skip(self.seen) {
            let text = self.render(event);
            if !text.is_empty() {
                self.say(&text);
            }
        }
        self.seen = events.len();
        while let Ok(notice) = self.notices.try_recv() {
            let head = self.paint.red(&notice.text);
            let text = self.beside_time(&notice.interaction_id, Utc::now(), &head, &[]);
            self.say(&text);
        }
    }

    fn render(&mut self, event: &Event) -> String {
        let id = &self.interaction(event);
        let bot = self.paint.bold("Deckhand");
        let (head, message) = match &event.kind {
            EventKind::UserTyped { user, text } => return self.typed(event, user, text),
            EventKind::UserPressed { user, label, .. } => {
                return self.typed(event, user, &format!("[ {label} ]"));
            }
            EventKind::UserSubmitted { user, title } => {
                return self.typed(event, user, &format!("sends the form {title:?}"));
            }
            EventKind::Thinking { ephemeral: true } => {
                (format!("{bot} is thinking… ({PRIVATE})"), None)
            }
            EventKind::Thinking { ephemeral: false } => (format!("{bot} is thinking…"), None),
            EventKind::Posted { message, .. } => (self.head(message, false), Some(message)),
            EventKind::Edited { message, .. } => (self.head(message, true), Some(message)),
            EventKind::Deleted { .. } => (format!("{bot} deleted its message"), None),
            // Completion shows them.
            EventKind::Choices { .. } => return String::new(),
            EventKind::Modal { modal } => (format!("{bot} opens a form: {}", modal["title"]), None),
            EventKind::NoResponse { why } => {
                self.trouble = true;
                let text = self.paint.red("✖ The application did not respond");
                (format!("{text} ({why})"), None)
            }
            EventKind::Refused { status, code, why } => {
                self.trouble = true;
                let text = self.paint.red("✖ Discord refused what Deckhand sent");
                (format!("{text} ({status}, code {code}: {why})"), None)
            }
        };
        let body = message.map(|message| self.body(message)).unwrap_or_default();
        self.beside_time(id, event.at, &head, &body)
    }

    /// The interaction that an event belongs to: of a reply, that of the message it replies to.
    fn interaction(&mut self, event: &Event) -> String {
        let mut id = event.interaction_id.clone();
        if let EventKind::Posted { message, .. } | EventKind::Edited { message, .. } = &event.kind {
            let replied = message.reply_to.as_ref().and_then(|replied| self.answers.get(replied));
            id = replied.cloned().unwrap_or(id);
            if id.is_empty() {
                // The card of a run that nobody started here: its time begins with it.
                id.clone_from(&message.id);
                let talk = Talk { number: self.talks.len() + 1, typed: event.at };
                self.talks.entry(id.clone()).or_insert(talk);
            }
            self.answers.insert(message.id.clone(), id.clone());
        }
        id
    }

    /// A head and lines below it, beside the time since the command was typed.
    fn beside_time(&self, id: &str, at: DateTime<Utc>, head: &str, body: &[String]) -> String {
        let after = self.talks.get(id).map(|talk| at - talk.typed);
        let after = after.map_or(0.0, |after| after.as_seconds_f64().max(0.0));
        let number = self.number(id);
        let margin = " ".repeat(number.chars().count() + INDENT);
        let time = format!("{number}{:<INDENT$}", format!("+{after:.1}s"));
        let mut text = format!("{}{head}", self.paint.dim(&time));
        for line in body {
            text.push_str(&format!("\n{margin}{line}"));
        }
        text
    }

    fn typed(&mut self, event: &Event, user: &str, text: &str) -> String {
        let (id, number) = (&event.interaction_id, self.talks.len() + 1);
        let typed = event.at;
        self.talks.insert(id.clone(), Talk { number, typed });
        self.names.insert(User::named(user).id, user.to_owned());
        format!("{}{}  {text}", self.number(id), self.paint.bold(user))
    }

    /// The number of a command. Only at the prompt, where several commands can run at once.
    fn number(&self, id: &str) -> String {
        match self.talks.get(id) {
            Some(talk) if self.numbered => format!("#{} ", talk.number),
            _ => String::new(),
        }
    }

    fn head(&self, message: &Message, edited: bool) -> String {
        let mut notes = Vec::new();
        if edited {
            notes.push("edited".to_owned());
        } else if message.follow_up {
            notes.push("follow-up".to_owned());
        } else if message.reply_to.is_some() {
            notes.push("reply".to_owned());
        }
        if message.ephemeral {
            notes.push(PRIVATE.to_owned());
        }
        // An edit notifies nobody.
        if !message.pings.is_empty() && !edited {
            let names: Vec<String> = message.pings.iter().map(|id| self.name(id)).collect();
            notes.push(format!("notifies {}", names.join(", ")));
        }
        let bot = self.paint.bold("Deckhand");
        if notes.is_empty() { bot } else { format!("{bot} ({})", notes.join(", ")) }
    }

    fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// A message's lines. Unchanged lines are dimmed, so that the changes stand out.
    fn body(&mut self, message: &Message) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        if !message.is_v2() {
            lines.extend(message.content.lines().map(str::to_owned));
        }
        for file in &message.attachments {
            let words = file.description.as_deref().unwrap_or_default();
            lines.push(format!("[{}, {} kB] {words}", file.filename, file.size.div_ceil(1000)));
        }
        message.embeds.iter().for_each(|part| texts(part, &mut lines));
        let mut lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
        lines.extend(card::lines(&message.components));
        let before = self.shown.insert(message.id.clone(), lines.clone());
        let before = before.unwrap_or_default();
        let name = |id: &str| self.names.get(id).cloned();
        let shown = lines.iter().map(|line| {
            let bar = line.bar.map(|colour| self.paint.bar(colour)).unwrap_or_default();
            if before.contains(line) {
                let text = markdown::line(&line.text, self.paint.fainter(), &name);
                bar + &self.paint.dim(&text)
            } else {
                bar + &markdown::line(&line.text, self.paint, &name)
            }
        });
        shown.collect()
    }
}

fn print(text: &str) {
    let mut out = stdout().lock();
    // A closed pipe (like `| head`) is no error.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Collects the texts of an embed, in reading order.
fn texts(part: &Value, lines: &mut Vec<String>) {
    for field in ["title", "name", "description", "value"] {
        if let Some(text) = part[field].as_str() {
            lines.extend(text.lines().map(str::to_owned));
        }
    }
    let fields = part["fields"].as_array().map_or(&[][..], Vec::as_slice);
    fields.iter().for_each(|part| texts(part, lines));
}
