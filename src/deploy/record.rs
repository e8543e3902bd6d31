//! A deploy as it is stored. The record holds all that another process needs to go on with it.
//!
//! `step` says how it changes, `next` what is to be done; `advance` loads, does and stores.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::approval::{Approval, Asking};
use super::cause::Cause;
use super::click::Click;
use super::failure::FailedAt;
use super::order::{How, Order, RollBack};
use super::outcome::Outcome;
use super::past::Past;
use super::place::Place;
use super::progress::Progress;
pub use super::sender::Sender;
use super::target::Target;
use super::watched::Watched;
use crate::discord::InteractionId;

/// For how long a deploy is followed. GitHub ends a workflow run after 35 days.
/// <https://docs.github.com/en/actions/reference/limits>
pub const FOLLOWED_FOR: TimeDelta = TimeDelta::days(35);

/// A deploy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deploy {
    /// What was requested.
    pub order: Order,
    /// What is special about it if it is a run that nobody started here, and that a watch covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
    /// Where it is shown. `None`: nowhere, another message tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Whether the requester waits for the outcome, which then is a message of its own.
    pub waits: bool,
    /// When it was requested.
    pub began_at: DateTime<Utc>,
    /// Until when it is looked at every few seconds, if it is waited for.
    pub wait_until: DateTime<Utc>,
    /// How long that is for each attempt that somebody waits for, in seconds.
    #[serde(default)]
    pub wait_seconds: i64,
    /// How it stands.
    pub phase: Phase,
    /// Its run, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What keeps GitHub from showing its run, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Its run's jobs when they were last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What earlier deploys tell about this one. `None`: not asked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// What people did to it, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clicks: Vec<Click>,
    /// When somebody last asked to see how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_at: Option<DateTime<Utc>>,
    /// Where it failed, and other details of its end. `None`: not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// When somebody must look at it again, if nobody acts for it.
    pub look_at: DateTime<Utc>,
    /// Until when the end of its run, of which a webhook has told, is looked for every few seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_is_near_until: Option<DateTime<Utc>>,
    /// Whether the outcome pings the requester.
    pub pings: bool,
    /// Whether its run was started again after it had ended.
    #[serde(default)]
    pub reopened: bool,
    /// Which text its message surely shows, by its fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// When its message was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_at: Option<DateTime<Utc>>,
    /// Whether its message shows the run.
    #[serde(default)]
    pub shows_run: bool,
    /// For which approval a message of its own was posted: the attempt and the environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Approval>,
    /// Messages that ask for an approval, as long as they do not tell what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asking: Vec<Asking>,
    /// Until when an edit whose answer was lost may still replace that text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_in_doubt_until: Option<DateTime<Utc>>,
    /// Who acts for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
}

/// How a deploy stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was sent to GitHub.
    Requested,
    /// One process sends the dispatch, or has sent it.
    Dispatching {
        /// Since when.
        since: DateTime<Utc>,
        /// The only call of `advance` that may send it.
        by: Uuid,
    },
    /// GitHub may have taken the dispatch, and the run is looked for.
    Searching(Search),
    /// The run is known.
    Running,
    /// How it ended is known, and is being told.
    Ending(Ending),
    /// It was told, as far as it could be.
    Ended(Ending),
}

/// A search for the run of a dispatch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// When the dispatch was sent, by our clock.
    pub sent_at: DateTime<Utc>,
    /// Whether GitHub's answer was lost, so that it may not have taken the dispatch.
    pub lost: bool,
    /// Whether GitHub has returned its list of runs at least once.
    pub listed: bool,
    /// The only run that fits by time, so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<u64>,
}

/// The end of a deploy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// How it ended.
    pub outcome: Outcome,
    /// When that became known.
    pub at: DateTime<Utc>,
    /// Whether the requester was told.
    pub telling: Telling,
    /// An attempt of the run that began before this was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<u64>,
}

/// Whether the requester was told how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Telling {
    /// There is nobody to tell.
    Nobody,
    /// Not yet.
    Open,
    /// Somebody is about to post the message, or has posted it.
    Tried {
        /// When that was stored, which is before the post.
        at: DateTime<Utc>,
        /// By whose token.
        by: Sender,
    },
    /// Told.
    Told {
        /// By whose token.
        by: Sender,
        /// The message's id, if Discord told it.
        message_id: Option<u64>,
        /// Whether the message shows the details, or never will.
        detailed: bool,
    },
    /// It was not told, or nobody can know whether it was.
    Untold {
        /// Why, for the log.
        why: String,
    },
}

/// What keeps GitHub from showing a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What GitHub says, and the cure: Markdown that is safe to show. `None`: the run is completed, but has
    /// no conclusion yet.
    pub said: Option<String>,
    /// Whether only an admin of the bot can mend it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_admins: bool,
    /// Since when GitHub has answered that it does not know the run, if that is the trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<DateTime<Utc>>,
}

/// Details of an end, which are read after it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The job and step that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<FailedAt>,
    /// Why it failed, and what changed since the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Whole lines of Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
    /// What the run has checked, of a diagnosis. `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
}

/// The checks of a diagnosis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// How many failed.
    pub failed: usize,
    /// How many there are.
    pub total: usize,
}

/// The right to act for a deploy. It lapses by itself, so whoever holds it may be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// One call of `advance`.
    pub by: Uuid,
    /// Until when.
    pub until: DateTime<Utc>,
}

impl Deploy {
    /// The interaction that requested it.
    pub fn interaction(&self) -> InteractionId {
        self.order.key.interaction_id
    }

    /// The attempt of its run that is followed, from 1.
    pub fn attempt(&self) -> u64 {
        self.target.as_ref().map_or(1, Target::attempt)
    }

    /// Whether the interaction's token still lives.
    pub fn token_lives(&self, now: DateTime<Utc>) -> bool {
        let has_token = self.place.as_ref().is_some_and(|place| place.token.is_some());
        has_token && !self.interaction().token_left(now).is_zero()
    }

    /// Its end, if that is known.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Ending(ending) | Phase::Ended(ending) => Some(ending),
            _ => None,
        }
    }

    pub(super) fn ending_mut(&mut self) -> Option<&mut Ending> {
        match &mut self.phase {
            Phase::Ending(ending) | Phase::Ended(ending) => Some(ending),
            _ => None,
        }
    }

    /// Whether the wait for its run is over, while the deploy goes on.
    pub fn is_past_its_wait(&self, now: DateTime<Utc>) -> bool {
        self.waits && !self.reopened && now >= self.wait_until
    }

    /// Whether it failed because a reviewer has refused to approve it.
    pub fn is_rejected(&self) -> bool {
        let cause = self.details.as_ref().and_then(|details| details.cause.as_ref());
        cause.is_some_and(|cause| cause.rejected.is_some())
    }

    /// The full hash of the commit that it deploys, as far as is known. That of a roll back by an input is the one
    /// that was asked for: GitHub does not tell what a workflow makes of its inputs.
    pub fn commit(&self) -> Option<&str> {
        if let Some(RollBack { to, how: How::Input { .. } }) = &self.order.rolls_back {
            return to.sha.as_deref();
        }
        self.target.as_ref()?.run.as_deref()?.head_sha.as_deref()
    }

    /// Whether somebody else acts for it.
    pub fn is_held(&self, by_other_than: Uuid, now: DateTime<Utc>) -> bool {
        self.lease.is_some_and(|lease| lease.by != by_other_than && lease.until > now)
    }
}

impl Telling {
    /// Why the requester was not told, or why nobody can know it.
    pub fn untold(&self) -> Option<&str> {
        match self {
            Self::Untold { why } => Some(why),
            _ => None,
        }
    }
}
