//! What can come next in a half typed line.

use serde_json::Value;
use standins::discord::{Discord, User};
use standins::github::Scenario;
use tokio::runtime::Handle;

use super::input::{WORDS, is_user};
use crate::feed::wire::Post;

/// What completions come from.
pub(super) struct Known {
    pub commands: Value,
    pub post: Post,
    pub user: User,
    pub handle: Handle,
}

impl Known {
    /// Where the part begins that is replaced, and what can stand there.
    pub(super) fn complete(&self, line: &str) -> (usize, Vec<String>) {
        let start = match line.split_once(':') {
            Some((user, text)) if is_user(user) && !text.trim_start().is_empty() => {
                line.len() - text.trim_start().len()
            }
            _ => 0,
        };
        let text = line.get(start..).unwrap_or_default();
        let last = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let typed = text.get(last..).unwrap_or_default();
        let all = if let Some(label) = text.strip_prefix('>') {
            let spaces = label.len() - label.trim_start().len();
            let found = begin_with(label.trim_start(), self.discord().buttons().into_iter());
            return (start + 1 + spaces, found);
        } else if text.starts_with('/') && last > 0 {
            if let Some((option, value)) = typed.split_once(':') {
                let from = start + last + option.len() + 1;
                return (from, self.values(text, option, value));
            }
            self.options(text)
        } else if last == 0 {
            let commands = items(&self.commands).map(|one| format!("/{} ", name(one)));
            commands.chain(WORDS.map(|word| format!("{word} "))).collect()
        } else {
            let names = || Scenario::names().iter().map(|(name, _)| (*name).to_owned());
            match text.split_whitespace().next() {
                Some("scenario") => names().collect(),
                Some("webhooks") => ["on", "off", "lossy"].map(str::to_owned).into(),
                Some("push") => vec!["main".to_owned()],
                _ => Vec::new(),
            }
        };
        (start + last, begin_with(typed, all.into_iter()))
    }

    fn discord(&self) -> &Discord {
        &self.post.discord
    }

    fn command(&self, text: &str) -> Option<&Value> {
        let typed = text.trim_start_matches('/').split_whitespace().next()?;
        items(&self.commands).find(|command| command["name"] == typed)
    }

    /// The options that are not given yet.
    fn options(&self, text: &str) -> Vec<String> {
        let Some(command) = self.command(text) else { return Vec::new() };
        let given = |name: &str| text.contains(&format!(" {name}:"));
        let free = items(&command["options"]).map(name).filter(|name| !given(name));
        free.map(|name| format!("{name}:")).collect()
    }

    /// The values that an option offers; those of autocomplete are the bot's answer.
    fn values(&self, text: &str, option: &str, typed: &str) -> Vec<String> {
        let command = self.command(text);
        let mut options = command.into_iter().flat_map(|command| items(&command["options"]));
        let Some(option) = options.find(|one| one["name"] == option) else { return Vec::new() };
        let choices: Vec<String> =
            items(&option["choices"]).map(|choice| name(choice).to_owned()).collect();
        if !choices.is_empty() {
            return begin_with(typed, choices.into_iter());
        }
        if option["type"] == 5 {
            return begin_with(typed, ["true ", "false "].map(str::to_owned).into_iter());
        }
        if option["autocomplete"] != true {
            return Vec::new();
        }
        let Ok(going) = self.discord().autocomplete(&self.user, &format!("{text}|")) else {
            return Vec::new();
        };
        let answer = self.handle.block_on(self.post.deliver(&going, "suggestions"));
        let offered = answer.body.pointer("/data/choices").into_iter().flat_map(items);
        offered.filter_map(|choice| choice["value"].as_str().map(str::to_owned)).collect()
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn name(of: &Value) -> &str {
    of["name"].as_str().unwrap_or_default()
}

fn begin_with(typed: &str, all: impl Iterator<Item = String>) -> Vec<String> {
    let typed = typed.to_lowercase();
    all.filter(|one| one.to_lowercase().starts_with(&typed)).collect()
}
