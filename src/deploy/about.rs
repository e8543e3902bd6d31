//! What a deploy's messages say about it, however it stands: what, where, how far; and as small print since when, by
//! whom, and what people did.

use chrono::{DateTime, Utc};

use super::click::{Acted, Action, Click};
use super::given;
use super::order::{How, RollBack};
use super::progress::Progress;
use super::record::{Deploy, Phase};
use super::role;
use crate::text::{escape, time};

/// The agent's name.
pub(crate) fn title(deploy: &Deploy) -> String {
    format!("**{}**", escape::plain(&deploy.order.title, 50))
}

/// Where and what it deploys, and how far it has come.
pub(super) fn about(deploy: &Deploy) -> Vec<String> {
    let mut lines: Vec<String> = what(deploy).into_iter().collect();
    lines.extend(rolls_back(deploy));
    if deploy.phase == Phase::Running {
        lines.extend(progress(deploy));
        lines.extend(no_runner(deploy));
    }
    lines
}

/// Small print: since when, by whom, which run, the inputs, and what people did.
pub(super) fn small(deploy: &Deploy, now: DateTime<Utc>) -> Vec<String> {
    let mut lines: Vec<String> = pace(deploy, now).into_iter().collect();
    lines.push(identity(deploy));
    lines.extend(given::line(&deploy.order.given));
    lines.extend(clicks(deploy));
    lines
}

/// The branch, where it deploys to, and the commit.
fn what(deploy: &Deploy) -> Option<String> {
    let parts = [place(deploy), commit(deploy)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn place(deploy: &Deploy) -> Option<String> {
    let order = &deploy.order;
    let git_ref = (!order.git_ref.is_empty()).then(|| escape::code(&order.git_ref, 100));
    let environment = order.environment.as_ref();
    let environment = environment.map(|name| format!("→ **{}**", escape::plain(name, 50)));
    let parts: Vec<String> = [git_ref, environment].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The branch of a watched run, and what started it.
pub(super) fn where_from(deploy: &Deploy) -> Option<String> {
    let parts: Vec<String> = [place(deploy), role::started(deploy)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What a roll back goes back to, and whether its run tells that it does.
pub(super) fn rolls_back(deploy: &Deploy) -> Option<String> {
    let RollBack { to, how } = deploy.order.rolls_back.as_ref()?;
    let number = to.number.map_or_else(|| to.run_id.to_string(), |number| format!("#{number}"));
    let commit = to.sha.as_deref().and_then(|sha| deploy.order.commit_link(sha, to.url.as_deref()));
    let commit = commit.unwrap_or_else(|| format!("what run {number} deployed"));
    let line = format!("Roll back to {commit}");
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    let head = run.and_then(|run| run.head_sha.as_deref());
    Some(match how {
        How::Rerun => format!("{line}: run {number} is run again, as it was"),
        How::Input { name } => match head {
            Some(head) if to.sha.as_deref() != Some(head) => format!(
                "{line} by the input {}. The run itself is on another commit: that it deploys this one is up to \
                 the workflow, and GitHub does not tell.",
                escape::code(name, 100)
            ),
            _ => format!("{line} by the input {}", escape::code(name, 100)),
        },
    })
}

/// The commit of its run: short hash, title, author.
fn commit(deploy: &Deploy) -> Option<String> {
    let run = deploy.target.as_ref()?.run.as_deref()?;
    let link = deploy.order.commit_link(run.head_sha.as_deref()?, run.html_url.as_deref())?;
    let known = run.head_commit.as_ref();
    let title = known.and_then(|commit| commit.title.as_ref());
    let title = title.map(|title| format!(" {}", escape::plain(title, 80))).unwrap_or_default();
    let author = known.and_then(|commit| commit.author.as_ref()?.name.as_ref());
    let author = author.map(|name| format!(" · {}", escape::plain(name, 40))).unwrap_or_default();
    Some(format!("{link}{title}{author}"))
}

/// Its jobs, and the one that is at work.
fn progress(deploy: &Deploy) -> Option<String> {
    let progress = known(deploy)?;
    (progress.total > 0).then(|| format!("{} {}", progress.bar(), progress.words()))
}

/// The job that no runner takes.
fn no_runner(deploy: &Deploy) -> Option<String> {
    let words = known(deploy)?.no_runner.as_ref()?.words();
    Some(format!("⏳ There is {words}"))
}

/// How far the attempt that is followed has come.
fn known(deploy: &Deploy) -> Option<&Progress> {
    deploy.progress.as_ref().filter(|known| known.attempt == deploy.attempt())
}

/// Since when it waits or runs, and how long it usually takes.
fn pace(deploy: &Deploy, now: DateTime<Utc>) -> Option<String> {
    let run = deploy.target.as_ref()?.run.as_deref().filter(|_| deploy.phase == Phase::Running)?;
    let began = run.began_at()?;
    // A run begins when it is requested: what it then waits for counts in what is usual, too.
    let since = match run.status.as_deref() {
        _ if run.is_queued() => return Some(format!("Queued {}", time::distance(began))),
        Some("in_progress") => known(deploy).and_then(|known| known.began),
        _ => return None,
    };
    let since = since.map(|since| format!("Running since {}", time::distance(since)));
    let usual = deploy.past.as_ref().and_then(|past| past.usual.as_ref());
    let usual = usual.map(|usual| usual.words(now - began));
    Some(match (since, usual) {
        (Some(since), Some(usual)) => format!("{since} · {usual}"),
        (Some(since), None) => since,
        (None, usual) => format!("In progress · {}", usual?),
    })
}

/// What people did to it, the latest last.
fn clicks(deploy: &Deploy) -> Vec<String> {
    /// The most that are shown.
    const SHOWN: usize = 5;
    let skipped = deploy.clicks.len().saturating_sub(SHOWN);
    deploy.clicks.iter().skip(skipped).map(clicked).collect()
}

fn clicked(click: &Click) -> String {
    let did = match click.action {
        Action::Cancel => "Cancel",
        Action::ForceCancel => "Force cancel",
        Action::Rerun => "Re-run",
        Action::RollBack => "Roll back",
    };
    let result = match &click.result {
        Acted::Asking { .. } | Acted::Done => String::new(),
        Acted::NotAsked { why } => format!(": nothing was done. {why}"),
        Acted::Refused { why } if click.action == Action::RollBack => {
            format!(": it did not begin. {why}")
        }
        Acted::Refused { why } => format!(": GitHub refused it. {why}"),
        Acted::Unknown if click.action == Action::RollBack => {
            ": it is unknown whether it began.".to_owned()
        }
        Acted::Unknown => {
            ": GitHub's answer was lost, so it is unknown whether it was taken.".to_owned()
        }
    };
    format!("{did} by <@{}> {}{result}", click.user_id, time::distance(click.at))
}

/// Who asked for it, the run, the correlation id, and how the run was matched.
fn identity(deploy: &Deploy) -> String {
    let run = run_or_runs(deploy);
    let (by, known_by) = match (role::started(deploy), role::source(deploy)) {
        (Some(started), Some(source)) => (started, source),
        _ => (
            format!("By <@{}>", deploy.order.requester.user_id),
            format!("Correlation id `{}`", deploy.order.correlation_id),
        ),
    };
    let matched = deploy.target.as_ref().map(|target| format!(" · {}", target.matched.words()));
    format!("{by} · {run} · {known_by}{}", matched.unwrap_or_default())
}

/// A link to the run, or to the workflow's runs.
pub(crate) fn run_or_runs(deploy: &Deploy) -> String {
    match &deploy.target {
        Some(target) => {
            let number = target.run.as_ref().and_then(|run| run.run_number);
            let label = match number {
                Some(number) => format!("Run #{number}"),
                None => format!("Run {}", target.run_id),
            };
            escape::link(&label, &target.url)
        }
        None => escape::link("Workflow runs", &deploy.order.workflow_page),
    }
}
