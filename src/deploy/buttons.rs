//! The buttons of a deploy's message: what can be done to it as it stands.

use chrono::{DateTime, TimeDelta, Utc};

use super::click::Action;
use super::outcome::Outcome;
use super::past::Success;
use super::press::{Epoch, Press, Wants};
use super::record::{Deploy, Phase};
use crate::discord::components::{Button, Does, Style};

/// A cancellation that has not come through after this long may be forced.
/// <https://docs.github.com/en/rest/actions/workflow-runs#force-cancel-a-workflow-run>
const FORCED_AFTER: TimeDelta = TimeDelta::minutes(5);

/// GitHub runs a run again for this long.
/// <https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs>
const RERUN_FOR: TimeDelta = TimeDelta::days(30);

/// How many attempts of a run GitHub makes.
const ATTEMPTS: u64 = 50;

/// What can be done to a deploy now. Whether somebody may do it is decided when they press.
pub(crate) fn offered(deploy: &Deploy, now: DateTime<Utc>) -> Vec<Wants> {
    let attempt = deploy.attempt();
    match &deploy.phase {
        Phase::Requested | Phase::Dispatching { .. } => Vec::new(),
        Phase::Searching(_) => vec![Wants::Refresh],
        Phase::Running => {
            let cancelled = deploy.clicked(Action::Cancel, attempt);
            let forced = deploy.clicked(Action::ForceCancel, attempt);
            match (cancelled, forced) {
                (None, _) => vec![Wants::Act(Action::Cancel), Wants::Refresh],
                (Some(click), None) if now - click.at >= FORCED_AFTER => {
                    vec![Wants::Act(Action::ForceCancel), Wants::Refresh]
                }
                _ => vec![Wants::Refresh],
            }
        }
        Phase::Ending(ending) | Phase::Ended(ending) => {
            let mut offered = Vec::new();
            let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
            let conclusion = run.and_then(|run| run.conclusion.as_deref());
            let is_concluded = ending.outcome == Outcome::Concluded;
            let can_rerun = attempt < ATTEMPTS
                && now - deploy.began_at < RERUN_FOR
                && deploy.clicked(Action::Rerun, attempt).is_none();
            let has_failed_jobs = matches!(conclusion, Some("failure" | "timed_out" | "cancelled"));
            if is_concluded && has_failed_jobs && can_rerun {
                offered.push(Wants::Act(Action::Rerun));
            }
            // Of a success it must be another commit, else nothing would be rolled back.
            let goes_back = |before: &Success| {
                conclusion != Some("success")
                    || before.sha.is_none()
                    || before.sha.as_deref() != deploy.commit()
            };
            let before = deploy.past.as_ref().and_then(|past| past.last_success.as_ref());
            let is_possible = deploy.watched.as_ref().is_none_or(|watched| watched.rolls_back);
            if is_concluded && is_possible && before.is_some_and(goes_back) {
                offered.push(Wants::Act(Action::RollBack));
            }
            offered
        }
    }
}

/// The buttons of its message. Once it has ended they stay as they were then: nobody would edit it.
pub(super) fn buttons(deploy: &Deploy, now: DateTime<Utc>) -> Vec<Button> {
    let now = deploy.ending().map_or(now, |ending| ending.at);
    let mut buttons: Vec<Button> =
        offered(deploy, now).into_iter().map(|wants| button(deploy, wants)).collect();
    let url = deploy.target.as_ref().map_or(&deploy.order.workflow_page, |target| &target.url);
    buttons.push(Button {
        label: "Open".to_owned(),
        style: Style::Secondary,
        does: Does::Open(url.clone()),
    });
    buttons
}

/// The button that asks for something of a deploy as it stands.
pub(crate) fn button(deploy: &Deploy, wants: Wants) -> Button {
    let (label, style) = match wants {
        Wants::Act(Action::Cancel) => ("Cancel", Style::Danger),
        Wants::Act(Action::ForceCancel) => ("Force cancel", Style::Danger),
        Wants::Act(Action::Rerun) => ("Re-run failed jobs", Style::Primary),
        Wants::Act(Action::RollBack) => ("Roll back", Style::Secondary),
        Wants::RollBackNow => ("Roll back now", Style::Danger),
        Wants::Dismiss => ("Do not roll back", Style::Secondary),
        Wants::Refresh => ("Refresh", Style::Secondary),
    };
    let press = Press { wants, key: deploy.order.key.clone(), epoch: Epoch::of(deploy) };
    Button { label: label.to_owned(), style, does: Does::Press(press.to_string()) }
}
