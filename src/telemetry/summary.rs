//! The content of a summary line, independent of its format.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Level;

use super::Deployed;
use crate::text::escape;

/// Limit in characters. The text may include words of GitHub or of a user.
const MAX_ERROR: usize = 400;

/// Limit of an input's value in characters.
const MAX_INPUT: usize = 256;

/// The kind of event that a summary is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Event {
    /// A slash command.
    Command,
    /// A press of a button.
    Click,
    /// A ping, or an unknown kind of interaction. Not counted in the metrics.
    #[default]
    Other,
    /// Autocomplete suggestions. Not counted in the metrics, and logged only at `LOG_LEVEL=debug`.
    Autocomplete,
    /// A scheduled digest.
    Digest,
    /// A deploy that went on outside of its interaction. Written only if something is worth a line.
    Deploy,
}

impl Event {
    /// Its name in the line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command | Self::Click | Self::Autocomplete | Self::Other => "interaction",
            Self::Digest => "digest",
            Self::Deploy => "deploy",
        }
    }

    /// Whether it has metrics (which cost money).
    pub fn is_counted(self) -> bool {
        matches!(self, Self::Command | Self::Click | Self::Digest | Self::Deploy)
    }
}

/// The outcome for the user. If several are recorded, the worst counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum InteractionOutcome {
    /// Done. This includes a report about a run that failed.
    #[default]
    Answered,
    /// Nothing was done, and the user was told why: no permission, invalid options, an unknown command, or a
    /// replay.
    Refused,
    /// Not done, or not completely: GitHub refused or was not reachable, Discord did not accept a message, a
    /// timeout, or a bug in Deckhand.
    Failed,
}

impl InteractionOutcome {
    /// The value of the metric dimension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The command name of a digest that nobody typed.
const SCHEDULED: &str = "scheduled-digest";

/// What is known at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The kind of event.
    pub event: Event,
    /// The interaction's id.
    pub interaction_id: Option<u64>,
    /// The correlation id that the run's name carries.
    pub correlation_id: Option<String>,
    /// The command, if it is one of ours. It is a metric dimension, so it must be one of a few values.
    pub command: Option<String>,
    /// Who typed it.
    pub user_id: Option<u64>,
    /// In which server.
    pub guild_id: Option<u64>,
    /// In which channel.
    pub channel_id: Option<u64>,
    /// Milliseconds from the interaction's creation (Discord's clock) to its arrival (our clock).
    pub age_ms: Option<i64>,
    /// Whether it is the first one in this process. Set when the ledger is opened.
    pub cold_start: bool,
    /// The id of the Lambda invocation. Set when the ledger is opened.
    pub request_id: Option<String>,
}

impl About {
    /// A digest for this channel, which was due at `due` and started at `now`.
    pub fn digest(channel_id: Option<u64>, due: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            channel_id,
            age_ms: Some((now - due).num_milliseconds()),
            ..Self::digest_of_nobody()
        }
    }

    /// A digest while the bot is not configured.
    pub fn digest_of_nobody() -> Self {
        Self { event: Event::Digest, command: Some(SCHEDULED.to_owned()), ..Self::default() }
    }
}

/// What was recorded while it ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notes {
    /// The kind of the answer.
    pub reply: Option<&'static str>,
    /// From the arrival to the answer.
    pub time_to_answer: Option<Duration>,
    /// The outcome.
    pub outcome: InteractionOutcome,
    /// Why it was refused or failed; several reasons are joined.
    pub error: Option<String>,
    /// Requests sent to GitHub, with or without an answer.
    pub github_calls: u64,
    /// Answers with 304, which cost no rate limit.
    pub github_not_modified: u64,
    /// The lowest remaining rate limit that GitHub reported.
    pub rate_limit_left: Option<u64>,
    /// Messages after the answer that could not be delivered. `None`: there were none to deliver.
    pub follow_up_failures: Option<u64>,
    /// Outcomes that their requesters were not told, as far as is known.
    pub outcomes_not_told: u64,
    /// Deploys that were looked at long after they were due.
    pub overdue_deploys: u64,
    /// The branch or tag that a dispatch was asked for.
    pub git_ref: Option<String>,
    /// The inputs that ship, by the options' names. Never a secret.
    pub inputs: BTreeMap<String, String>,
    /// The run of a dispatch, once known.
    pub run_id: Option<u64>,
    /// How it was matched to the dispatch.
    pub matched: Option<&'static str>,
    /// How the deploy ended.
    pub deployed: Option<Deployed>,
}

impl Notes {
    pub(super) fn given<'a>(
        &mut self,
        git_ref: Option<&str>,
        inputs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        self.git_ref = git_ref.map(|name| escape::clipped(name, MAX_INPUT));
        let cut =
            |(name, value): (&str, &str)| (name.to_owned(), escape::clipped(value, MAX_INPUT));
        self.inputs.extend(inputs.into_iter().map(cut));
    }

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

/// The complete summary.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// When all work was done.
    pub at: DateTime<Utc>,
    /// What was known at the start.
    pub about: About,
    /// From the arrival until all work was done.
    pub took: Duration,
    /// What was recorded while it ran.
    pub notes: Notes,
}

impl Summary {
    /// The log level of the line.
    pub fn level(&self) -> Level {
        match (self.about.event, self.notes.outcome) {
            (_, InteractionOutcome::Failed) => Level::ERROR,
            (Event::Autocomplete, _) => Level::DEBUG,
            _ => Level::INFO,
        }
    }

    /// Whether to write the line. Only autocomplete depends on `LOG_LEVEL`: lines with metrics must always be
    /// written. A deploy that only goes on has none.
    pub fn is_wanted(&self) -> bool {
        match self.about.event {
            Event::Autocomplete => tracing::enabled!(Level::DEBUG),
            Event::Deploy => {
                let Notes { deployed, outcome, outcomes_not_told, overdue_deploys, .. } =
                    &self.notes;
                let failed = *outcome == InteractionOutcome::Failed;
                deployed.is_some() || failed || *outcomes_not_told + *overdue_deploys > 0
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_counts_and_each_reason_is_kept_once() {
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
