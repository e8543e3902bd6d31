//! What all steps share: the settings, the person, and how they are told and asked.

use std::sync::Arc;
use std::time::Duration;

use super::flags::Flags;
use super::given::Given;
use super::home::Home;
use super::person::{Person, Question};
use super::pick::picked;
use super::stopped::Stopped;
use crate::agents::Registry;
use crate::bot::Command;
use crate::net::transport::Https;
use crate::secrets::Secret;

/// Reads the agents that these settings name, as the bot does when it starts.
pub type Registries<'a> = &'a dyn Fn(&dyn Fn(&str) -> Option<String>) -> Result<Registry, String>;

/// Settings that are taken from the environment if they are there. The other ones are kept by the steps that read them.
const GIVEN: [&str; 9] = [
    "ADMIN_ROLE_IDS",
    "ADMIN_USER_IDS",
    "ALLOWED_GUILD_IDS",
    "DISCORD_GUILD_ID",
    "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_REPO",
    "GITHUB_WEBHOOK_SECRET",
];

/// What all steps share.
pub(super) struct Work<'a> {
    pub flags: &'a Flags,
    /// What was in the files of the flags.
    pub files: Given,
    /// The environment, without the file.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub table: &'a [Command],
    pub registries: Registries<'a>,
    pub person: &'a dyn Person,
    pub transport: Arc<Https>,
    pub home: Home,
    /// Whether `agents.toml` was written.
    pub agents_changed: bool,
}

/// A secret, and where it was found.
pub(super) struct Found {
    pub secret: Secret,
    /// In words.
    pub place: String,
    /// Whether another one can be asked for if it is refused.
    pub may_be_asked: bool,
}

impl Work<'_> {
    /// A setting: of the environment, or else of the file.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.given(name).or_else(|| self.home.value(name))
    }

    /// A setting of the environment alone. An empty one counts as not set.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.trim().is_empty())
    }

    /// Keeps what the environment alone has: the bot will run without it.
    pub(super) fn keep_given(&mut self) {
        for name in GIVEN {
            if let Some(given) = self.given(name) {
                self.home.keep(name, given.trim());
            }
        }
    }

    /// Writes the settings that are new. Names them in a dry run.
    pub(super) async fn save(&mut self) -> Result<(), Stopped> {
        let names = self.home.untold();
        if !names.is_empty() {
            let place = self.home.place();
            self.goes(&format!("keep {} in {place}", names.join(", ")));
        }
        self.home.save().await
    }

    /// The heading of a step.
    pub(super) fn step(&self, name: &str) {
        self.person.tell(&format!("\n{name}"));
    }

    /// Something is as it should be.
    pub(super) fn done(&self, what: &str) {
        self.person.tell(&format!("  ✓ {what}"));
    }

    /// Something that the person should know.
    pub(super) fn note(&self, what: &str) {
        self.person.tell(&format!("  ! {what}"));
    }

    /// Whether to do something. Says what in a dry run, in which nothing is done.
    pub(super) fn goes(&self, what: &str) -> bool {
        if self.flags.dry_run {
            self.person.tell(&format!("  would {what}"));
        }
        !self.flags.dry_run
    }

    /// Asks. With `--yes` a default is taken without asking.
    pub(super) async fn ask(&self, question: Question) -> Result<Secret, Stopped> {
        if let (Some(default), true) = (&question.default, self.flags.yes) {
            return Ok(Secret::new(default.clone()));
        }
        let answer = self.person.ask(&question).await;
        let answer = answer.map_err(|why| Stopped::of(why, &question))?;
        match (answer.expose().trim(), question.default) {
            ("", Some(default)) => Ok(Secret::new(default)),
            (given, _) => Ok(Secret::new(given)),
        }
    }

    /// Asks for a text, until `read` takes it.
    pub(super) async fn ask_for<T>(
        &self,
        question: Question,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Stopped> {
        loop {
            let answer = self.ask(question.clone()).await?;
            match read(answer.expose()) {
                Ok(read) => return Ok(read),
                // The same default would be taken again.
                Err(why) if self.flags.yes => return Err(Stopped::mend(format!("{why}."))),
                Err(why) => self.note(&format!("{why}.")),
            }
        }
    }

    /// Asks whether. `default`: what Enter means.
    pub(super) async fn confirm(
        &self,
        text: &str,
        default: bool,
        flag: &'static str,
    ) -> Result<bool, Stopped> {
        let default = if default { "yes" } else { "no" };
        let question = Question {
            text: format!("{text} (yes or no)"),
            default: Some(default.to_owned()),
            flag,
            is_secret: false,
        };
        self.ask_for(question, |answer| match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("yes or no".to_owned()),
        })
        .await
    }

    /// Lets the person choose one of a list; the first by default.
    pub(super) async fn choose_one(
        &self,
        text: &str,
        items: &[String],
        flag: &'static str,
    ) -> Result<usize, Stopped> {
        self.list(items);
        let question = Question {
            text: format!("{text} (its number)"),
            default: Some("1".to_owned()),
            flag,
            is_secret: false,
        };
        let one = |answer: &str| match picked(answer, items.len())?[..] {
            [one] => Ok(one),
            _ => Err("choose one of them".to_owned()),
        };
        self.ask_for(question, one).await
    }

    fn list(&self, items: &[String]) {
        for (number, item) in (1..).zip(items) {
            self.person.tell(&format!("  {number}) {item}"));
        }
    }

    /// Lets the person choose from a list: at least one, unless the default is `none`.
    pub(super) async fn choose(
        &self,
        text: &str,
        items: &[String],
        default: Option<&str>,
        flag: &'static str,
    ) -> Result<Vec<usize>, Stopped> {
        self.list(items);
        let question = Question {
            text: format!("{text} (numbers like 1,3, or all)"),
            default: default.map(str::to_owned),
            flag,
            is_secret: false,
        };
        let may_be_none = default == Some("none");
        let some = |answer: &str| match picked(answer, items.len())? {
            none if none.is_empty() && !may_be_none => Err("choose at least one".to_owned()),
            picked => Ok(picked),
        };
        self.ask_for(question, some).await
    }

    /// Looks for a secret: in the file of a flag, in the environment, in what is kept.
    pub(super) fn known_secret(
        &self,
        name: &'static str,
        of_file: Option<&Secret>,
        flag: &'static str,
    ) -> Option<Found> {
        if let Some(secret) = of_file.cloned() {
            let place = format!("the file of {flag}");
            return Some(Found { secret, place, may_be_asked: false });
        }
        if let Some(given) = self.given(name) {
            let place = format!("{name} in the environment");
            let secret = Secret::new(given.trim());
            return Some(Found { secret, place, may_be_asked: false });
        }
        if let Some(kept) = self.home.value(name) {
            let place = self.home.place_of(name);
            return Some(Found { secret: Secret::new(kept.trim()), place, may_be_asked: true });
        }
        None
    }

    pub(super) async fn asked_secret(
        &self,
        asked: &str,
        flag: &'static str,
    ) -> Result<Found, Stopped> {
        let question = Question { text: asked.to_owned(), default: None, flag, is_secret: true };
        let secret = self
            .ask_for(question, |answer| match answer {
                "" => Err("it is needed to go on".to_owned()),
                answer => Ok(Secret::new(answer)),
            })
            .await?;
        Ok(Found { secret, place: "what you entered".to_owned(), may_be_asked: true })
    }

    /// Calls `look` until it finds something, at most as long as the person may take. `None`: in vain. `what` is said
    /// before the first wait.
    pub(super) async fn patiently<T, F>(
        &self,
        what: &str,
        mut look: impl FnMut() -> F,
    ) -> Result<Option<T>, Stopped>
    where
        F: Future<Output = Result<Option<T>, Stopped>>,
    {
        const PAUSE: Duration = Duration::from_secs(2);
        let mut left = self.flags.wait;
        let mut is_first = true;
        loop {
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if is_first {
                self.person.tell(what);
                is_first = false;
            }
            if self.flags.dry_run || left < PAUSE {
                return Ok(None);
            }
            self.person.wait(PAUSE).await;
            left -= PAUSE;
        }
    }
}
