//! Reads the runs of a window and sums them up.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::carried::{Carried, Share};
use super::delivery::{Delivery, LOOK_BACK};
use super::deploys::{Deploys, Earlier, earlier_attempts, is_deploy};
use super::message::{Summary, render};
use super::period::{LONGEST, Period, Window};
use super::recorded;
use super::row::{Row, RowRuns};
use super::tally::RunOutcome;
use super::zone::Zone;
use crate::agents::{Registry, Reported};
use crate::discord::Message;
use crate::github::explain::Audience;
use crate::github::runs::Tag;
use crate::github::window::{Listed, Reading, Span};
use crate::github::{Github, GithubError, Run};
use crate::store::{Store, StoreError};
use crate::telemetry;

/// Concurrent calls to GitHub over all workflows. GitHub allows 100.
const CALLS_AT_ONCE: usize = 8;

/// Earlier attempts that are asked for, over all workflows. Each is one call.
const MOST_ATTEMPTS: usize = 30;

/// What to sum up.
#[derive(Debug, Clone)]
pub struct Query {
    /// The period.
    pub period: Period,
    /// The window.
    pub window: Window,
    /// Whose days are counted.
    pub zone: Zone,
    /// What the last scheduled digest left. `None`: somebody asked for this digest, so it leaves nothing to the
    /// next one and counts what has not ended.
    pub carried: Option<Carried>,
    /// Where the last scheduled digest ended, if that is too long ago to look back to.
    pub cut: Option<DateTime<Utc>>,
    /// To whom GitHub's errors are explained.
    pub(crate) audience: Audience,
}

/// A digest, and how much of it could be read.
#[derive(Debug)]
pub struct Digest {
    /// The message.
    pub message: Message,
    /// The number of workflows.
    pub workflows: usize,
    /// One error for each workflow whose runs could not be read.
    pub errors: Vec<GithubError>,
    /// What it leaves to the next scheduled digest.
    pub carried: Carried,
}

/// A workflow's runs as they were read.
struct Found<'a> {
    workflow: Reported<'a>,
    /// `owner/name/file`.
    key: String,
    share: Share,
    listed: Result<Listed, GithubError>,
    /// Carried runs that could not be read.
    unread: Vec<u64>,
    earlier: Earlier,
}

/// Reads the runs of every reported workflow in the window and before it, and what the record knows of the deploys in
/// it, and sums them up.
pub async fn read(
    github: &Github,
    store: &dyn Store,
    registry: &Registry,
    query: &Query,
) -> Digest {
    let calls = Semaphore::new(CALLS_AT_ONCE);
    let workflows = registry.reported(github.default_repository());
    let recorded = recorded::read(store, &workflows, query.window);
    let found = workflows.iter().map(|workflow| look_at(github, workflow.clone(), query, &calls));
    let (mut found, recorded) = tokio::join!(join_all(found), recorded);
    if let Err(error @ (StoreError::Unusable(_) | StoreError::Wrong(_))) = &recorded {
        telemetry::failed(error);
    }
    look_at_attempts(github, &mut found, &calls).await;
    let errors = found.iter().filter_map(|found| found.listed.as_ref().err().cloned()).collect();
    let mut carried = Carried::default();
    for Found { key, share, listed, unread, .. } in &found {
        carried.leave(key, share, listed.as_ref().ok().map(|listed| &listed.runs), unread);
    }
    carried.limit();
    let delivery = deliveries(&found, query);
    let rows: Vec<Row> = found.into_iter().map(|found| row(github, found, query)).collect();
    let workflows = rows.len();
    let Query { period, window, zone, cut, .. } = query.clone();
    let message = render(&Summary { period, window, zone, cut, rows, delivery, recorded });
    Digest { message, workflows, errors, carried }
}

async fn look_at<'a>(
    github: &Github,
    workflow: Reported<'a>,
    query: &Query,
    calls: &Semaphore,
) -> Found<'a> {
    let Reported { repository, file, .. } = workflow;
    let key = format!("{repository}/{file}");
    let carried = query.carried.clone().unwrap_or_default();
    let mut share = carried.of(&key, query.window);
    let longest = query.zone.days_before(query.window.to, LONGEST);
    share.window.from = share.window.from.max(longest);
    let since = if workflow.deploys() {
        // For the window before, and for what was before that.
        let before = share.window.before(&query.zone).from;
        query.zone.days_before(before, LOOK_BACK).min(share.window.from)
    } else {
        share.window.from
    };
    let reading = Reading { repository, workflow: file, calls };
    let listed = github.runs_in(reading, &spans(since, query.window)).await;
    let mut listed = listed.inspect_err(telemetry::failed);
    let mut unread = Vec::new();
    if let Ok(listed) = &mut listed {
        let absent = share.absent(&listed.runs).into_iter().map(async |run_id| {
            let _permit = calls.acquire().await.ok();
            (run_id, github.run(repository, run_id, &mut Tag::default()).await)
        });
        for (run_id, read) in join_all(absent).await {
            match read {
                Ok(run) => listed.runs.extend(run),
                // A run that was deleted.
                Err(GithubError::NotFound) => {}
                Err(error) => {
                    tracing::warn!(run_id, %error, "a run that had not ended could not be read");
                    unread.push(run_id);
                }
            }
        }
        // Only of what succeeded or failed the end is used.
        let decided = listed.runs.iter_mut().filter(|run| RunOutcome::of(run).is_decided());
        github.find_ends(repository, decided.collect(), calls).await;
    }
    Found { workflow, key, share, listed, unread, earlier: Earlier::new() }
}

/// Reads how runs that were repeated had ended before.
async fn look_at_attempts(github: &Github, found: &mut [Found<'_>], calls: &Semaphore) {
    let asked: Vec<Vec<(u64, u64)>> =
        found.iter().map(|found| earlier_attempts(found.deploys())).collect();
    let share = MOST_ATTEMPTS / asked.iter().filter(|asked| !asked.is_empty()).count().max(1);
    let read = found.iter_mut().zip(asked).map(async |(found, asked)| {
        let repository = found.workflow.repository;
        let read = asked.into_iter().take(share.max(1)).map(async |(run_id, attempt)| {
            let _permit = calls.acquire().await.ok();
            let run = github.attempt(repository, run_id, attempt).await;
            let run = run.inspect_err(|error| {
                tracing::warn!(run_id, attempt, %error, "an earlier attempt could not be read");
            });
            Some(((run_id, attempt), run.ok()?))
        });
        found.earlier = join_all(read).await.into_iter().flatten().collect();
    });
    join_all(read).await;
}

impl Found<'_> {
    /// The runs that deploy.
    fn deploys(&self) -> impl Iterator<Item = &Run> {
        let runs = self.listed.iter().flat_map(|listed| &listed.runs);
        runs.filter(|run| is_deploy(run, |git_ref| self.workflow.deploys_from(git_ref)))
    }
}

/// The delivery measures of this window and the one before. A workflow whose runs are not all known is left
/// out. `None`: nothing is left that deploys.
fn deliveries(found: &[Found<'_>], query: &Query) -> Option<(Delivery, Delivery, usize)> {
    let zone = &query.zone;
    let is_whole = |found: &&Found<'_>| found.listed.as_ref().is_ok_and(Listed::is_whole);
    let all: Vec<(&Found<'_>, Deploys)> = found
        .iter()
        .filter(|found| found.workflow.deploys())
        .filter(is_whole)
        .map(|found| (found, Deploys::of(found.deploys(), &found.earlier)))
        .collect();
    if all.is_empty() {
        return None;
    }
    // Both look back equally far, so both know equally well when an outage began.
    let seen_since = |window: Window| zone.days_before(window.from, LOOK_BACK);
    let now = all.iter().map(|(found, deploys)| {
        let window = found.share.window;
        let since = seen_since(window);
        let seen = deploys.all.iter().map(|deploy| (deploy, found.share.counts_deploy(deploy)));
        let seen = seen.filter(move |(deploy, counts)| {
            *counts || (since <= deploy.began && deploy.began < window.to)
        });
        (window.days(zone), seen)
    });
    let then = all.iter().map(|(found, deploys)| {
        let before = found.share.window.before(zone);
        let since = seen_since(before);
        let seen = deploys.all.iter().map(move |deploy| (deploy, before.holds(deploy.began)));
        let seen =
            seen.filter(move |(deploy, _)| since <= deploy.began && deploy.began < before.to);
        (before.days(zone), seen)
    });
    let unknown = all.iter().flat_map(|(found, deploys)| {
        let since = found.share.window.before(zone).from;
        deploys.unknown.iter().filter(move |began| since <= **began)
    });
    let unknown = unknown.count();
    Some((Delivery::of(now), Delivery::of(then), unknown))
}

/// A workflow's row. A scheduled digest leaves what has not ended to the next one.
fn row(github: &Github, found: Found<'_>, query: &Query) -> Row {
    let leaves = query.carried.is_some();
    let Found { workflow, share, listed, unread, .. } = found;
    let deploys = workflow.deploys();
    let Reported { repository, file, agents } = workflow;
    Row {
        agents: agents.iter().map(|agent| (agent.name.clone(), agent.command.clone())).collect(),
        file: file.to_owned(),
        page: github.workflow_page(repository, file),
        since: share.window.from,
        deploys,
        audience: query.audience,
        runs: listed.map(|Listed { runs, left_out, unreadable, is_unsure }| {
            let counted = runs.into_iter().filter(|run| share.counts(run));
            let (runs, left): (Vec<_>, Vec<_>) =
                counted.partition(|run| run.is_completed() || !leaves);
            let (left, unread) = (left.len(), unread.len());
            RowRuns { runs, left, left_out, unread, unreadable, is_unsure }
        }),
    }
}

/// The spans to ask GitHub for: what is before the window, the window, and the current hour so far. All but
/// the last start and end at whole hours. So a second digest within the hour sends the same requests, and
/// GitHub answers them with 304 (cache hit). Runs outside the windows are ignored when counting.
fn spans(since: DateTime<Utc>, window: Window) -> [Span; 3] {
    let hour = |time: DateTime<Utc>| time.duration_trunc(TimeDelta::hours(1)).unwrap_or(time);
    let from = window.from.max(since);
    let [a, b, c] = [hour(since), hour(from), hour(window.to).max(hour(from))];
    [Span { from: a, to: b }, Span { from: b, to: c }, Span { from: c, to: window.to }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_spans_cover_the_window_and_what_is_before(
            now in 1_700_000_000i64..1_900_000_000,
            length in 0i64..2_000_000,
            before in 0i64..2_000_000,
        ) {
            let to = DateTime::from_timestamp(now, 0).unwrap();
            let window = Window { from: to - TimeDelta::seconds(length), to };
            let since = window.from - TimeDelta::seconds(before);
            let [a, b, c] = spans(since, window);
            prop_assert!(a.from <= since && a.to == b.from && b.to == c.from);
            prop_assert!(b.from <= window.from && b.from <= b.to && c.from <= c.to);
            prop_assert_eq!(c.to, to);
        }
    }
}
