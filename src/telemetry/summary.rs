//! What a summary line tells, before it has a form.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Level;

use super::Deployed;

/// In characters; what GitHub or a user wrote may be in it.
const MAX_ERROR: usize = 400;

/// What it is a summary of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Event {
    /// A slash command.
    Command,
    /// A ping of Discord's, or an interaction of a kind that is not known: not counted in the metrics.
    #[default]
    Other,
    /// Suggestions while somebody types: not counted, and told only at `LOG_LEVEL=debug`.
    Autocomplete,
    /// A scheduled digest.
    Digest,
}

impl Event {
    /// The word in the line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command | Self::Autocomplete | Self::Other => "interaction",
            Self::Digest => "digest",
        }
    }

    /// Whether its metrics are worth paying for.
    pub fn is_counted(self) -> bool {
        matches!(self, Self::Command | Self::Digest)
    }
}

/// How it ended for whoever wanted something. The worst that was noted counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum InteractionOutcome {
    /// Done and said. A run that failed was reported, so that is one, too.
    #[default]
    Answered,
    /// Nothing was done, and the user was told why: not allowed, options that do not fit, an unknown
    /// command, an interaction that was taken already.
    Refused,
    /// Not done, or not wholly: GitHub refused or could not be reached, Discord did not take what we
    /// said, time ran out, or Deckhand has a fault.
    Failed,
}

impl InteractionOutcome {
    /// The value of the dimension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What stands for a command where none was typed.
const SCHEDULED: &str = "scheduled-digest";

/// What is known of it from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// What it is.
    pub event: Event,
    /// The interaction's id.
    pub interaction_id: Option<u64>,
    /// What the run that the interaction asks for carries in its name.
    pub correlation_id: Option<String>,
    /// The command's name, if it is one of ours: it is a dimension, so it must be one of few.
    pub command: Option<String>,
    /// Who typed it.
    pub user_id: Option<u64>,
    /// In which server.
    pub guild_id: Option<u64>,
    /// In which channel.
    pub channel_id: Option<u64>,
    /// From the interaction's creation, by Discord's clock, until it arrived here, by ours; in
    /// milliseconds.
    pub age_ms: Option<i64>,
    /// Whether it is the first of this process; set when its ledger is opened.
    pub cold_start: bool,
    /// The Lambda invocation; set when its ledger is opened.
    pub request_id: Option<String>,
}

impl About {
    /// A digest for this channel that was due and arrived.
    pub fn digest(channel_id: Option<u64>, due: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            channel_id,
            age_ms: Some((now - due).num_milliseconds()),
            ..Self::digest_of_nobody()
        }
    }

    /// A digest while the bot is not set up.
    pub fn digest_of_nobody() -> Self {
        Self { event: Event::Digest, command: Some(SCHEDULED.to_owned()), ..Self::default() }
    }
}

/// What was noted while it went on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notes {
    /// The kind of the answer.
    pub reply: Option<&'static str>,
    /// From the arrival until the answer.
    pub time_to_answer: Option<Duration>,
    /// How it ended.
    pub outcome: InteractionOutcome,
    /// Why it was refused or failed; several reasons are joined.
    pub error: Option<String>,
    /// Requests sent to GitHub, answered or not.
    pub github_calls: u64,
    /// Those that were answered 304, which costs no rate limit.
    pub github_not_modified: u64,
    /// The least that GitHub said was left.
    pub rate_limit_left: Option<u64>,
    /// Messages that could not be delivered after the answer; `None` when nothing followed it.
    pub follow_up_failures: Option<u64>,
    /// What came of a dispatch.
    pub deployed: Option<Deployed>,
}

impl Notes {
    pub(super) fn ended(&mut self, outcome: InteractionOutcome, why: &str) {
        self.outcome = self.outcome.max(outcome);
        let error = match self.error.take() {
            Some(before) if before.contains(why) => before,
            Some(before) => format!("{before}; {why}"),
            None => why.to_owned(),
        };
        self.error = Some(error.chars().take(MAX_ERROR).collect());
    }
}

/// All of it, when it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What it was.
    pub about: About,
    /// From the arrival until all was done.
    pub took: Duration,
    /// How it went.
    pub notes: Notes,
}

impl Summary {
    /// How loud it is.
    pub fn level(&self) -> Level {
        match (self.about.event, self.notes.outcome) {
            (_, InteractionOutcome::Failed) => Level::ERROR,
            (Event::Autocomplete, _) => Level::DEBUG,
            _ => Level::INFO,
        }
    }

    /// Whether it is to be written. Only suggestions depend on `LOG_LEVEL`: the metrics are in the
    /// other lines.
    pub fn is_wanted(&self) -> bool {
        self.about.event != Event::Autocomplete || tracing::enabled!(Level::DEBUG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_counts_and_every_reason_is_kept_once() {
        let mut notes = Notes::default();
        notes.ended(InteractionOutcome::Failed, "GitHub cannot be reached");
        notes.ended(InteractionOutcome::Failed, "GitHub cannot be reached");
        notes.ended(InteractionOutcome::Refused, "not here");
        assert_eq!(notes.outcome, InteractionOutcome::Failed);
        assert_eq!(notes.error.as_deref(), Some("GitHub cannot be reached; not here"));
        notes.ended(InteractionOutcome::Failed, &"é".repeat(1000));
        assert_eq!(notes.error.unwrap().chars().count(), MAX_ERROR);
    }
}
