//! What a deploy's messages say about it, however it stands: what, where, by whom, how far, and what people did.

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

/// What, where, by whom, and how far.
pub(super) fn about(deploy: &Deploy, now: DateTime<Utc>) -> Vec<String> {
    let mut lines = vec![what(deploy)];
    lines.extend(rolls_back(deploy));
    lines.extend(commit(deploy));
    if deploy.phase == Phase::Running {
        lines.extend(progress(deploy));
        lines.extend(no_runner(deploy));
        lines.extend(pace(deploy, now));
    }
    lines.extend(inputs(deploy));
    lines.extend(clicks(deploy));
    lines
}

/// The run, its branch, where it deploys to, and who asked for it.
pub(super) fn what(deploy: &Deploy) -> String {
    let order = &deploy.order;
    let environment = order.environment.as_ref();
    let environment = environment.map(|name| format!(" → **{}**", escape::plain(name, 50)));
    let (run, environment) = (run_or_runs(deploy), environment.unwrap_or_default());
    let by = match role::started(deploy) {
        Some(started) => format!(", {started}"),
        None => format!(" by <@{}>", order.requester.user_id),
    };
    if order.git_ref.is_empty() {
        return format!("{run}{environment}{by}");
    }
    format!("{run} on {}{environment}{by}", escape::code(&order.git_ref, 100))
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

/// Since when it runs, and how long that usually takes.
fn pace(deploy: &Deploy, now: DateTime<Utc>) -> Option<String> {
    let run = deploy.target.as_ref()?.run.as_deref()?;
    let began = run.began_at().filter(|_| run.status.as_deref() == Some("in_progress"))?;
    let usual = deploy.past.as_ref().and_then(|past| past.usual.as_ref());
    let usual = usual.map(|usual| format!(" · {}", usual.words(now - began)));
    Some(format!("Started {}{}", time::distance(began), usual.unwrap_or_default()))
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

/// The correlation id, and how the run was matched.
pub(super) fn identity(deploy: &Deploy) -> String {
    if let Some(source) = role::source(deploy) {
        return source;
    }
    let matched = deploy.target.as_ref().map(|target| format!(" · {}", target.matched.words()));
    format!("Correlation id `{}`{}", deploy.order.correlation_id, matched.unwrap_or_default())
}

/// The inputs on one line. `None`: there are none.
pub(super) fn inputs(deploy: &Deploy) -> Option<String> {
    given::line(&deploy.order.given)
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
