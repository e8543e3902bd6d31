//! The scenarios that have a name, for the playground and the binary.

use super::{
    artifact::Artifact,
    fault::{Fault, On, What},
    gate::Gate,
    permission::Permission,
    review::Review,
    run::{NewRun, Timetable},
    scenario::Scenario,
    workflow::{Title, Workflow},
};
use chrono::TimeDelta;
use std::time::Duration;

const NAMES: &[(&str, &str)] = &[
    ("success", "the run succeeds after about 7 s"),
    ("failure", "the run fails in its step Build"),
    ("cancelled", "somebody cancels the run"),
    ("timed-out", "the run times out"),
    ("startup-failure", "the run fails before any job starts"),
    ("approval", "the run waits for an approval for ever"),
    ("wait-timer", "the run waits for the wait timer of its environment"),
    ("approved", "grace approves the deployment after 6 s"),
    ("rejected", "grace rejects the deployment after 6 s"),
    ("queue", "the run waits in a concurrency group until another run has ended"),
    ("no-runner", "no runner takes the job; that is named after two minutes"),
    ("matrix", "the run has 301 jobs, which take 60 s"),
    ("slow", "the run takes 60 s, so it can be cancelled"),
    ("cancel-ignored", "as slow, but a cancel ends it only if it is forced"),
    ("rerun", "the run fails in its step Build; when it is run again, it succeeds"),
    ("stuck", "the run stays in progress for ever"),
    ("slow-dispatch", "the dispatch is answered after 5 s"),
    ("late-run", "no run details; the run can be seen after 8 s"),
    ("twin-runs", "no run details; two other runs start with ours and end otherwise"),
    ("no-correlation-id", "no run details, and no run's title holds a correlation id"),
    ("ambiguous", "as no-correlation-id, with two other runs by the same account"),
    ("lost-answer", "the run is started, but the dispatch's answer is lost"),
    ("github-down", "every request is answered 502"),
    ("flaky", "several polls are answered 502"),
    ("rate-limited", "the second poll is answered 429 with Retry-After: 3"),
    ("forbidden", "the token may not dispatch"),
    ("enterprise-server", "the field return_run_details is refused with 400"),
    ("diagnose-failing", "the diagnose run fails; its summary has failing checks"),
    ("site-down", "runs succeed, but the website and its API answer 503"),
    ("hostile-artifact", "the diagnose run's summary is a zip bomb"),
    ("expired-artifact", "the diagnose run's summary is kept no more"),
    ("denied", "the token may read the repository and its runs, and nothing else"),
    ("foreign-workflow", "the workflow was never made for Deckhand: no inputs of its, no run name"),
    ("busy-week", "a success, after 400 runs in the last two weeks"),
];

impl Scenario {
    /// The named scenarios, each with what it shows.
    pub fn names() -> &'static [(&'static str, &'static str)] {
        NAMES
    }

    /// A named scenario with its faults.
    pub fn named(name: &str) -> Option<Self> {
        let ending =
            |conclusion: &str| Self { timetable: Timetable::ending(conclusion), ..Self::default() };
        let going = |timetable| Self { timetable, ..Self::default() };
        let reviewed = |review| Self {
            gates: vec![Gate {
                reviewers: vec!["grace".into(), "octo-org/ops".into()],
                ..Gate::approval("production")
            }],
            review: Some(review),
            ..going(Timetable::waiting())
        };
        let taking_a_minute = || {
            let running = Duration::from_secs(60);
            going(Timetable { running, ..Timetable::default() })
        };
        let failing = |fault: Fault| Self { faults: vec![fault], ..Self::default() };
        let without_details = Self { run_details: false, ..Self::default() };
        let scenario = match name {
            "success" => Self::default(),
            "failure" => ending("failure"),
            "cancelled" => ending("cancelled"),
            "timed-out" => ending("timed_out"),
            "startup-failure" => going(Timetable::startup_failure()),
            "approval" => going(Timetable::waiting()),
            "wait-timer" => {
                Self { gates: vec![Gate::timer("production", 1)], ..going(Timetable::timer()) }
            }
            "approved" => reviewed(Review::approval(Duration::from_secs(6))),
            "rejected" => reviewed(Review::rejection(Duration::from_secs(6))),
            "queue" => {
                let ahead = Timetable { running: Duration::from_secs(10), ..Timetable::default() };
                let ahead = NewRun {
                    title: "Client Deploy — by hand".into(),
                    actor: "grace".into(),
                    created: TimeDelta::seconds(-3),
                    timetable: ahead,
                    ..NewRun::default()
                };
                Self { history: vec![ahead], ..Self::default() }
                    .deploying(|workflow| workflow.concurrency("production"))
            }
            "no-runner" => going(Timetable::without_a_runner())
                .deploying(|workflow| workflow.runs_on(&["self-hosted", "gpu"])),
            "matrix" => taking_a_minute().deploying(|workflow| workflow.matrix(300)),
            "slow" => taking_a_minute(),
            "cancel-ignored" => Self { cancel_takes: None, ..taking_a_minute() },
            "rerun" => Self { reruns: vec![Timetable::default()], ..ending("failure") },
            "stuck" => going(Timetable::stuck()),
            "slow-dispatch" => {
                let delay = What::Delay(Duration::from_secs(5));
                failing(Fault::new(On::Dispatch, delay).always())
            }
            "late-run" => Self {
                timetable: Timetable {
                    appears: Duration::from_secs(8),
                    queued: Duration::from_secs(10),
                    ..Timetable::default()
                },
                ..without_details
            },
            "twin-runs" => Self { twins: 2, ..without_details },
            "no-correlation-id" => Self { title: Title::Neither, ..without_details },
            "ambiguous" => Self { title: Title::Neither, twins: 2, ..without_details },
            "lost-answer" => {
                let lost = What::AnswerLost { status: None };
                failing(Fault::new(On::Dispatch, lost))
            }
            "github-down" => failing(Fault::bad_gateway().always()),
            "flaky" => failing(Fault::bad_gateway().on(On::RunGet).skip(1).times(5)),
            "rate-limited" => {
                let wait = Duration::from_secs(3);
                failing(Fault::too_many(wait).on(On::RunGet).skip(1))
            }
            "forbidden" => failing(Fault::forbidden().on(On::Dispatch).always()),
            "enterprise-server" => Self { enterprise_server: Some(400), ..Self::default() },
            "diagnose-failing" => ending("failure").diagnosing(Artifact::diagnose_summary(&[
                ("Frontend /", 200, "200 in 120 ms"),
                ("Frontend /index.html", 403, "403 AccessDenied from S3"),
                ("API /health", 503, "503 Service Unavailable"),
                ("API /hello", 0, "no answer within 10 s"),
            ])),
            "site-down" => Self::default().diagnosing(Artifact::diagnose_summary(&[
                ("Frontend /", 503, "503 Service Unavailable"),
                ("Frontend /index.html", 503, "503 Service Unavailable"),
                ("API /health", 503, "503 Service Unavailable"),
                ("API /hello", 503, "503 Service Unavailable"),
            ])),
            "hostile-artifact" => {
                let bomb = Artifact::bomb("diagnose-summary", "summary.json", 512);
                Self::default().diagnosing(bomb)
            }
            "expired-artifact" => {
                Self::default().diagnosing(Artifact::diagnose_summary(&[]).expired())
            }
            "denied" => Self {
                denied: vec![
                    Permission::ActionsWrite,
                    Permission::Variables,
                    Permission::Secrets,
                    Permission::Contents,
                ],
                ..Self::default()
            },
            "foreign-workflow" => Self::default().deploying(|mut workflow| {
                workflow.run_name = None;
                workflow.inputs.retain(|input| input.name == "VITE_API_BASE");
                workflow
            }),
            "busy-week" => {
                Self { history: NewRun::history(400, TimeDelta::days(14)), ..Self::default() }
            }
            _ => return None,
        };
        Some(scenario)
    }

    /// Changes the workflow of `/deploy-client`.
    fn deploying(mut self, change: impl FnOnce(Workflow) -> Workflow) -> Self {
        let workflow = self.workflow_mut("client-deploy.yml");
        *workflow = change(workflow.clone());
        self
    }

    /// Replaces the diagnose workflow's artifact.
    fn diagnosing(mut self, artifact: Artifact) -> Self {
        self.workflow_mut("diagnose-dispatch.yml").artifacts = vec![artifact];
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_has_a_scenario() {
        for (name, _) in Scenario::names() {
            assert!(Scenario::named(name).is_some(), "{name}");
        }
        assert!(Scenario::named("no-such").is_none());
    }
}
