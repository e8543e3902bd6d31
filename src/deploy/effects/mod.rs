//! What `advance` does for a deploy: one request, or a few that belong together. Each returns what became known,
//! and when it is worth another try. `github` asks about the run, `message` keeps the deploy's message up to date,
//! `outcome` posts the outcome's own.

mod approval;
mod github;
mod message;
mod outcome;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use super::event::Event;
use super::order::Order;
use super::record::Checks;
use super::settings::WaitSettings;
use crate::clock::Clock;
use crate::discord::{Discord, DiscordError};
use crate::github::{Github, Run};
use crate::store::Store;
use crate::telemetry::Telemetry;

/// How long an edit without an answer may still land.
pub(super) const LANDS_WITHIN: TimeDelta = TimeDelta::seconds(30);

/// What the outcome of an order shows besides its run.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Whole lines of Markdown.
    pub lines: String,
    /// What was checked. `None`: not known.
    pub checks: Option<Checks>,
}

/// Reads what the outcome of an order shows besides its run.
pub(crate) type ReadExtra =
    for<'a> fn(&'a Github, &'a Order, &'a Run) -> BoxFuture<'a, Option<Findings>>;

/// What a deploy is advanced with.
#[derive(Clone, Copy)]
pub(crate) struct Services<'a> {
    /// GitHub.
    pub github: &'a Github,
    /// Discord.
    pub discord: &'a Discord,
    /// Where deploys are stored.
    pub store: &'a dyn Store,
    /// Wall time.
    pub clock: &'a dyn Clock,
    /// Writes a summary line for each deploy that ends outside of its interaction.
    pub telemetry: &'a Telemetry,
    /// How long and how often a run is looked at.
    pub wait: WaitSettings,
    /// Reads what some outcomes show besides.
    pub extra: ReadExtra,
    /// Whether GitHub's webhooks are accepted.
    pub webhooks: bool,
    /// Since when no other process can write to the store; `None`: others can. Leases of before are void.
    pub alone_since: Option<DateTime<Utc>>,
}

/// What came of an effect.
#[derive(Debug)]
pub(super) struct Done {
    pub events: Vec<Event>,
    /// The effect failed, and may succeed later. The pause that was asked for, if one was.
    pub again: Option<Option<Duration>>,
    /// Whether Discord has answered, be it with a refusal.
    pub discord_answers: bool,
}

impl Done {
    fn with(event: Event) -> Self {
        Self::of(vec![event])
    }

    fn of(events: Vec<Event>) -> Self {
        Self { events, again: None, discord_answers: false }
    }

    pub(super) fn nothing() -> Self {
        Self::of(Vec::new())
    }

    fn again(after: Option<Duration>) -> Self {
        Self { again: Some(after), ..Self::nothing() }
    }

    fn of_discord(error: &DiscordError) -> Self {
        let asked = match error {
            DiscordError::RateLimited(wait) | DiscordError::EditLimit(wait) => Some(*wait),
            _ => None,
        };
        Self { discord_answers: error.is_discords_word(), ..Self::again(asked) }
    }

    fn answered(self) -> Self {
        Self { discord_answers: true, ..self }
    }
}

/// Whether Discord does not know the interaction, or not yet.
fn is_unknown(error: &DiscordError) -> bool {
    error.is_dead_interaction() || (matches!(error, DiscordError::NotFound(_)) && !error.is_gone())
}

/// Whether the bot's token cannot be read, or is refused: whoever runs Deckhand may mend it.
fn lacks_sign_in(error: &DiscordError) -> bool {
    matches!(error, DiscordError::NoSignIn(_) | DiscordError::Refused { status: 401, .. })
}
