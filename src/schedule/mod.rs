//! Scheduled work: posts the digest, and acts for deploys that are due (see `sweep`).
//!
//! The work is done before the event is answered. An error is the answer, so that the scheduler retries
//! the same event. `post` is idempotent: a retry does not post the digest twice.

mod post;
mod series;
pub mod sweep;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::ready;
use tokio::time::Instant;
use tracing::Instrument;

use crate::bot::Context;
use crate::bot::tasks::Deadline;
use crate::digest::Period;
use crate::discord::DiscordError;
use crate::discord::channel::trouble;
use crate::store::StoreError;
use crate::telemetry::{self, About, Telemetry};

/// Our clock may be so much behind the scheduler's. A digest that ends later than that would miss the runs until
/// its end, and keep all others from being posted until then.
const FUTURE: TimeDelta = TimeDelta::hours(1);

/// Tries stop this long before the work is told to stop, so that the error says why it was not posted.
const STOP_BEFORE: Duration = Duration::from_secs(1);

/// How long to try where there is no deadline.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(120);

/// The task that acts for the deploys that are due.
pub const SWEEP: &str = "sweep";

/// The task that posts the digest.
pub const DIGEST: &str = "digest";

/// An event that asks for the digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The digest's period. `None`: `DIGEST_PERIOD`.
    pub period: Option<String>,
    /// When the event was due. Retries carry the same time, so it identifies the digest.
    pub time: Option<DateTime<Utc>>,
}

/// The result of a schedule that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The digest was posted.
    Posted,
    /// An earlier try had posted it.
    AlreadyThere,
}

impl Done {
    /// The result in words, for the log.
    pub fn words(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::AlreadyThere => "already there",
        }
    }
}

/// Why the digest was not posted, and what to do. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// The period is unknown.
    #[error("the schedule's period {0:?} is not known, only \"daily\" and \"weekly\" are")]
    UnknownPeriod(String),
    /// Settings or agents are not valid.
    #[error("Deckhand is not set up; fix:\n{0}")]
    NotSetUp(String),
    /// No channel is set.
    #[error("DIGEST_CHANNEL_ID is not set: set it to the id of the channel that the digest is for")]
    NoChannel,
    /// No bot token is set.
    #[error(
        "DISCORD_BOT_TOKEN is not set: the digest on a schedule is posted with the bot's token"
    )]
    NoBotToken,
    /// No agent has a workflow that is reported.
    #[error(
        "there is nothing to sum up: in agents.toml no agent has a workflow, or each has `reported = false`"
    )]
    NothingReported,
    /// The runs of no agent could be read.
    #[error("no agent's runs could be read: {0}")]
    NothingRead(String),
    /// The store cannot tell whether it was posted before.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Discord refused it, or could not be reached.
    #[error("{}", said(.0))]
    Discord(DiscordError),
    /// Another digest for the same channel is being posted.
    #[error(
        "another digest is being posted to the channel; the next try will see what became of it"
    )]
    Busy,
    /// The deadline came first.
    #[error("there was not enough time to post the digest")]
    OutOfTime,
    /// The work panicked.
    #[error("a fault of our own; the log has the details")]
    Fault,
}

fn said(error: &DiscordError) -> String {
    let (what, fix) = trouble(error);
    format!("{what} {fix}")
}

/// Does what a schedule asks for, until `deadline`.
pub async fn run(
    context: &Arc<Context>,
    schedule: Schedule,
    deadline: Option<Deadline>,
) -> Result<Done, NotDone> {
    let now = context.clock.now();
    let time = schedule.time.filter(|time| *time - now < FUTURE);
    let time = time.and_then(|time| time.duration_trunc(TimeDelta::seconds(1)).ok());
    let time = time.unwrap_or_else(|| {
        tracing::warn!(
            "the schedule's event says no time, or one to come: taken is the minute of its arrival"
        );
        now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now)
    });
    let about = About::digest(context.digest.channel_id, time, now);
    let work = async {
        match asked(&schedule, context.digest.period) {
            Ok(period) => in_time(context, period, time, deadline).await,
            Err(error) => Err(error),
        }
    };
    context.telemetry.scope(about, work.inspect(noted)).await
}

/// The result of a schedule while settings or agents are not valid. `problems` names them, without values.
pub async fn not_set_up(telemetry: &Telemetry, problems: &str) -> Result<Done, NotDone> {
    let error = NotDone::NotSetUp(problems.to_owned());
    telemetry.scope(About::digest_of_nobody(), ready(Err(error)).inspect(noted)).await
}

fn noted(done: &Result<Done, NotDone>) {
    match done {
        Ok(done) => telemetry::done(done.words()),
        Err(error) => telemetry::failed(error),
    }
}

/// The digest's period, if the event is valid.
fn asked(schedule: &Schedule, default: Period) -> Result<Period, NotDone> {
    let cut = |text: &str| text.chars().take(50).collect::<String>();
    match schedule.period.as_deref() {
        None => Ok(default),
        Some(name) => Period::named(name).ok_or_else(|| NotDone::UnknownPeriod(cut(name))),
    }
}

/// Posts in a task of its own, so that a panic becomes an error and the deadline holds.
async fn in_time(
    context: &Arc<Context>,
    period: Period,
    time: DateTime<Utc>,
    deadline: Option<Deadline>,
) -> Result<Done, NotDone> {
    let owned = context.clone();
    let span = tracing::info_span!("scheduled", channel_id = context.digest.channel_id, %time);
    let until = match deadline {
        Some(deadline) => {
            deadline.wind_up - STOP_BEFORE.min((deadline.wind_up - Instant::now()) / 4)
        }
        None => Instant::now() + WITHOUT_DEADLINE,
    };
    let work = async move { post::digest(&owned, period, time, until).await };
    let mut work = context.tasks.spawn(work.instrument(span));
    tokio::select! {
        biased;
        joined = &mut work => joined.unwrap_or(Err(NotDone::Fault)),
        () = context.tasks.wind_up(deadline) => {
            work.abort();
            Err(NotDone::OutOfTime)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(None, Ok(Period::Weekly))]
    #[case(Some("daily"), Ok(Period::Daily))]
    #[case(Some("monthly"), Err("the schedule's period \"monthly\" is not known"))]
    fn a_schedules_event_gives_a_period_or_an_error(
        #[case] period: Option<&str>,
        #[case] expected: Result<Period, &str>,
    ) {
        let period = period.map(str::to_owned);
        let asked = asked(&Schedule { period, time: None }, Period::Weekly);
        match expected {
            Ok(period) => assert_eq!(asked, Ok(period)),
            Err(words) => assert!(asked.unwrap_err().to_string().contains(words)),
        }
    }
}
