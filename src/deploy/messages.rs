//! All Discord messages of a deploy, as pure functions of the order and its state.

use chrono::TimeDelta;

use super::failure::has_failed_step;
use super::given;
use super::order::Order;
use super::state::{Ended, FailedAt, Followed, NotFound, Stage, Target, Why};
use crate::discord::{FinalReply, Message};
use crate::github::explain::{Subject, explain};
use crate::github::words::{conclusion, running, took};
use crate::github::{Github, GithubError, Run};
use crate::text::{duration, escape};

const FOLLOWS: &str = "`wait:true` follows the run and reports its outcome here.";
const FINDS: &str = "GitHub did not say which run it is; `wait:true` finds it, follows it and reports its outcome here.";

/// What the messages need besides the order. The workflow's page is linked if the run is not known.
pub(crate) struct Messages<'a> {
    order: &'a Order,
    workflow_page: String,
    timeout: TimeDelta,
}

impl<'a> Messages<'a> {
    /// The messages of this order.
    pub(crate) fn new(github: &Github, order: &'a Order, timeout: std::time::Duration) -> Self {
        let workflow_page = github.workflow_page(&order.repository, &order.workflow);
        Self { order, workflow_page, timeout: TimeDelta::from_std(timeout).unwrap_or_default() }
    }

    /// The answer of a command that does not wait.
    pub(crate) fn dispatched(&self, target: Option<&Target>) -> Message {
        let (run, hint) = match target {
            Some(target) => (run_link(target), FOLLOWS),
            None => (self.runs_link(), FINDS),
        };
        Message::public(&format!(
            "🚀 {title} dispatched\n{details}\n-# {hint}",
            title = self.title(),
            details = self.details(&run, target),
        ))
    }

    /// The message during the deploy.
    pub(crate) fn progress(&self, stage: &Stage) -> Message {
        let (icon, status) = match stage {
            Stage::Dispatching => ("🔵", "is being dispatched".to_owned()),
            Stage::Searching { lost: false } => {
                ("🔵", "dispatched, looking for its run".to_owned())
            }
            Stage::Searching { lost: true } => {
                ("🔵", "GitHub's answer to the dispatch was lost, looking for its run".to_owned())
            }
            Stage::Following(target) => running(target.run.as_deref()),
        };
        Message::public(&format!("{icon} {}: {status}\n{}", self.title(), self.where_(stage)))
    }

    /// The final message, and the follow-up that pings the requester. `added` is extra text from the command.
    pub(crate) fn finish(&self, followed: &Followed, added: Option<&str>) -> FinalReply {
        let outcome = self.outcome(followed);
        let added = added.map(|added| format!("\n{added}")).unwrap_or_default();
        let place = self.where_(&followed.stage);
        let message = Message::public(&format!("{outcome}\n{place}{added}"));
        let user_id = self.order.requester.user_id;
        let run = match &followed.stage {
            Stage::Following(target) => run_link(target),
            _ => self.runs_link(),
        };
        let id = self.order.correlation_id;
        let inputs = self.inputs();
        let follow_up =
            format!("<@{user_id}> {outcome}\n{run} · Correlation id `{id}`{inputs}{added}");
        let follow_up = Message::public(&follow_up).pinging(user_id);
        FinalReply { message, follow_up: Some(follow_up) }
    }

    /// The answer of a command that does not wait, if the dispatch failed or its result is unknown.
    pub(crate) fn not_dispatched(&self, ended: Ended) -> Message {
        let followed = Followed { stage: Stage::Dispatching, ended };
        Message::public(&format!("{}\n{}", self.outcome(&followed), self.where_(&followed.stage)))
    }

    fn outcome(&self, Followed { stage, ended }: &Followed) -> String {
        let title = self.title();
        let target = match stage {
            Stage::Following(target) => Some(target),
            _ => None,
        };
        let run = target.and_then(|target| target.run.as_deref());
        match ended {
            Ended::Concluded => {
                let (icon, words) = conclusion(run.and_then(|run| run.conclusion.as_deref()));
                let after = run.and_then(took).map_or_else(
                    || ", duration not known".to_owned(),
                    |took| format!(" after {took}"),
                );
                let failed = match target.and_then(|target| target.failed_at.as_ref()) {
                    Some(at) => Some(failed_at(at)),
                    None => run.filter(|run| has_failed_step(run)).map(|_| {
                        "\nGitHub did not tell at which step; the run shows it.".to_owned()
                    }),
                };
                format!("{icon} {title} {words}{after}{}", failed.unwrap_or_default())
            }
            Ended::NotDispatched(error) => {
                format!("🔴 {title}: nothing was dispatched. {}", refused(error, self.order))
            }
            Ended::NotFound(NotFound::Nowhere { lost: true, listed: false }) => format!(
                "⚠️ {title}: GitHub's answer to the dispatch was lost, and GitHub cannot be reached since, \
                 so it is unknown whether it was taken. It was not sent again. Look at the workflow's \
                 runs before you try again; githubstatus.com tells about outages.",
            ),
            Ended::NotFound(NotFound::Nowhere { lost: true, listed: true }) => format!(
                "⚠️ {title}: GitHub's answer to the dispatch was lost and no run with this correlation \
                 id showed up, so it is unknown whether it was taken. It was not sent again. Look at the \
                 workflow's runs before you try again.",
            ),
            Ended::NotFound(NotFound::Nowhere { lost: false, listed: false }) => format!(
                "⏱️ {title}: GitHub took the dispatch, but cannot be reached since. Look at the workflow's \
                 runs.",
            ),
            Ended::NotFound(NotFound::Nowhere { lost: false, listed: true }) => format!(
                "⏱️ {title}: GitHub took the dispatch, but its run did not show up in time. Look at the \
                 workflow's runs. If it is there under another name, let the workflow's `run-name` \
                 carry the `correlation_id` input.",
            ),
            Ended::NotFound(NotFound::Ambiguous(count)) => format!(
                "⚠️ {title}: ambiguous, {count} runs could be the one that was dispatched, so none is \
                 reported. Look at the workflow's runs. When the workflow's `run-name` carries the \
                 `correlation_id` input, its run can be told from others.",
            ),
            Ended::NotFound(NotFound::NotTold { error, lost }) => {
                let dispatched = if *lost {
                    "it is unknown whether GitHub took the dispatch, and its run"
                } else {
                    "dispatched, but its run"
                };
                let why = not_told(error);
                format!(
                    "⏱️ {title}: {dispatched} could not be looked for. {why} Look at the workflow's runs."
                )
            }
            Ended::StillRunning(why) => self.still_running(stage, run, why),
        }
    }

    fn still_running(&self, stage: &Stage, run: Option<&Run>, why: &Why) -> String {
        let title = self.title();
        let why = match why {
            Why::TimedOut => format!("after {}", duration::compact(self.timeout)),
            Why::Stopped => "when Deckhand had to stop".to_owned(),
            Why::NotTold(error) => {
                return format!(
                    "⏱️ {title}: the run could not be followed to its end. {}",
                    not_told(error)
                );
            }
        };
        match stage {
            Stage::Dispatching => format!(
                "⏱️ {title}: GitHub had not answered {why}, so it is unknown whether the dispatch was \
                 taken. It is not sent again. Look at the workflow's runs before you try again.",
            ),
            Stage::Searching { .. } => {
                format!("⏱️ {title}: its run had not shown up {why}. Look at the workflow's runs.")
            }
            Stage::Following(_) => {
                let status = match running(run).1 {
                    waiting if waiting.starts_with("waiting") => format!("still {waiting} {why}"),
                    status => format!("still running {why} ({status})"),
                };
                format!("⏱️ {title}: {status}. The link shows how it goes on.")
            }
        }
    }

    fn title(&self) -> String {
        format!("**{}**", escape::plain(&self.order.title, 50))
    }

    fn where_(&self, stage: &Stage) -> String {
        match stage {
            Stage::Following(target) => self.details(&run_link(target), Some(target)),
            _ => self.details(&self.runs_link(), None),
        }
    }

    fn details(&self, run: &str, target: Option<&Target>) -> String {
        let Order { git_ref, requester, correlation_id, .. } = self.order;
        let matched = target.map(|target| format!(" · {}", target.matched.words()));
        format!(
            "{run} on {git_ref} by <@{user}>{inputs}\nCorrelation id `{correlation_id}`{matched}",
            inputs = self.inputs(),
            git_ref = escape::code(git_ref, 100),
            user = requester.user_id,
            matched = matched.unwrap_or_default(),
        )
    }

    /// The inputs on a line of their own, after a line feed; empty if there are none.
    fn inputs(&self) -> String {
        given::line(&self.order.given).map(|line| format!("\n{line}")).unwrap_or_default()
    }

    fn runs_link(&self) -> String {
        escape::link("Workflow runs", &self.workflow_page)
    }
}

fn failed_at(FailedAt { job, step }: &FailedAt) -> String {
    let step = step.as_ref().map(|step| format!(" › {}", escape::plain(step, 100)));
    format!("\nFailed at **{}**{}", escape::plain(job, 100), step.unwrap_or_default())
}

fn run_link(target: &Target) -> String {
    let number = target.run.as_ref().and_then(|run| run.run_number);
    let label = match number {
        Some(number) => format!("Run #{number}"),
        None => format!("Run {}", target.run_id),
    };
    escape::link(&label, &target.url)
}

/// Why GitHub accepted no dispatch, and the fix.
fn refused(error: &GithubError, order: &Order) -> String {
    let subject = Subject::Dispatch(&order.workflow, &order.repository);
    explain(error, subject, "Actions: read and write")
}

/// Why the run cannot be read, and the fix.
fn not_told(error: &GithubError) -> String {
    explain(error, Subject::Run, "Actions: read")
}
