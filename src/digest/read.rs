//! Reads the runs of a window and sums them up.

use chrono::{DurationRound, TimeDelta};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::message::{AgentRuns, render};
use super::period::{Period, Window};
use crate::agents::{Agent, Kind, Registry, Workflow};
use crate::discord::Message;
use crate::github::window::{Listed, Reading, Span};
use crate::github::{Github, GithubError};
use crate::telemetry;

/// Concurrent calls to GitHub over all agents. GitHub allows 100.
const CALLS_AT_ONCE: usize = 8;

/// A digest, and how much of it could be read.
#[derive(Debug)]
pub struct Digest {
    /// The message.
    pub message: Message,
    /// The number of reported agents.
    pub agents: usize,
    /// One error for each agent whose runs could not be read.
    pub errors: Vec<GithubError>,
}

/// Reads the runs of every reported agent in the window and the one before, and sums them up.
pub async fn read(github: &Github, registry: &Registry, period: Period, window: Window) -> Digest {
    let reports = look(github, registry, window).await;
    let errors = reports.iter().filter_map(|report| report.listed.as_ref().err().cloned());
    Digest {
        message: render(period, window, &reports),
        agents: reports.len(),
        errors: errors.collect(),
    }
}

async fn look(github: &Github, registry: &Registry, window: Window) -> Vec<AgentRuns> {
    let calls = Semaphore::new(CALLS_AT_ONCE);
    let reported = registry.agents().iter().filter_map(|agent| {
        let workflow = agent.workflow().filter(|workflow| workflow.reported)?;
        Some(look_at(github, agent, workflow, window, &calls))
    });
    join_all(reported).await
}

async fn look_at(
    github: &Github,
    agent: &Agent,
    workflow: &Workflow,
    window: Window,
    calls: &Semaphore,
) -> AgentRuns {
    let repository = workflow.repository.as_ref().unwrap_or(github.default_repository());
    let reading = Reading { repository, workflow: &workflow.file, calls };
    let spans = spans(window).map(|span| github.runs_between(reading, span));
    let listed: Result<Vec<Listed>, _> = join_all(spans).await.into_iter().collect();
    AgentRuns {
        agent: agent.name.clone(),
        file: workflow.file.clone(),
        page: github.workflow_page(repository, &workflow.file),
        deploys: matches!(agent.kind, Kind::Deploy(_)),
        listed: listed.map(Listed::joined).inspect_err(telemetry::failed),
    }
}

/// The spans to ask GitHub for: the window before, this window, and the current hour so far. All but the
/// last start and end at whole hours. So a second digest within the hour sends the same requests, and
/// GitHub answers them with 304 (cache hit). Runs outside the windows are ignored when counting.
fn spans(window: Window) -> [Span; 3] {
    let hour = |time: chrono::DateTime<chrono::Utc>| {
        time.duration_trunc(TimeDelta::hours(1)).unwrap_or(time)
    };
    let edges = [hour(window.before().from), hour(window.from), hour(window.to), window.to];
    let [a, b, c, d] = edges;
    [Span { from: a, to: b }, Span { from: b, to: c }, Span { from: c, to: d }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_spans_cover_both_windows(now in 1_700_000_000i64..1_900_000_000, weekly: bool) {
            let now = chrono::DateTime::from_timestamp(now, 0).unwrap();
            let period = if weekly { Period::Weekly } else { Period::Daily };
            let window = Window::ending(now, period);
            let [a, b, c] = spans(window);
            prop_assert!(a.from <= window.before().from && a.to == b.from && b.to == c.from);
            prop_assert_eq!(c.to, window.to);
        }
    }
}
