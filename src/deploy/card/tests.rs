//! The card in every state, and with hostile text.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::deploy::cause::{Cause, Changes, Commit, Rejected, Standing};
use crate::deploy::click::{Acted, Action, Click};
use crate::deploy::failure::FailedAt;
use crate::deploy::given::Given;
use crate::deploy::messages::{fingerprint, message};
use crate::deploy::order::{Extra, How, RollBack};
use crate::deploy::outcome::{NotFound, Outcome};
use crate::deploy::past::{Past, Series, Success, Usual};
use crate::deploy::progress::Progress;
use crate::deploy::record::{Checks, Deploy, Details, Ending, Phase, Search, Telling, Trouble};
use crate::deploy::sample;
use crate::github::gates::Gate;
use crate::github::queue::{Ahead, Place};

/// What Discord shows of a card, line by line: its colour, its texts, its buttons.
fn drawn(deploy: &Deploy, now: DateTime<Utc>) -> String {
    let payload = message(deploy, now).to_create();
    assert_eq!(
        payload["allowed_mentions"],
        json!({"parse": [], "users": []}),
        "nobody is pinged by a card"
    );
    let card = &payload["components"][0];
    let mut lines = vec![format!("┃ #{:06x}", card["accent_color"].as_u64().unwrap())];
    for block in card["components"].as_array().unwrap() {
        match block["type"].as_u64().unwrap() {
            10 => lines
                .extend(block["content"].as_str().unwrap().lines().map(|line| format!("┃ {line}"))),
            14 => lines.push("┃ ────".to_owned()),
            1 => {
                let buttons = block["components"].as_array().unwrap().iter().map(button);
                lines.push(format!("┃ {}", buttons.collect::<Vec<_>>().join(" ")));
            }
            other => panic!("a component of type {other}"),
        }
    }
    lines.join("\n")
}

fn button(button: &Value) -> String {
    const STYLES: [&str; 6] = ["", "blue ", "", "green ", "red ", "↗ "];
    let style = usize::try_from(button["style"].as_u64().unwrap()).unwrap();
    format!("[{}{}]", STYLES[style], button["label"].as_str().unwrap())
}

fn began() -> DateTime<Utc> {
    sample::open(2).began_at
}

fn after(seconds: i64) -> DateTime<Utc> {
    began() + TimeDelta::seconds(seconds)
}

fn in_phase(phase: Phase) -> Deploy {
    Deploy { phase, target: None, ..sample::open(2) }
}

/// Its run goes on with this status.
fn running(status: &str) -> Deploy {
    let mut deploy = sample::open(2);
    let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
    run.status = Some(status.to_owned());
    deploy
}

fn ended(conclusion: &str) -> Deploy {
    sample::deploy(2, conclusion)
}

fn with_jobs(mut deploy: Deploy) -> Deploy {
    let step = |name: &str, status: &str| json!({"name": name, "status": status, "number": 1});
    let jobs = json!([
        {"id": 1, "name": "build", "status": "completed", "conclusion": "success"},
        {"id": 2, "name": "deploy", "status": "in_progress",
         "steps": [step("Set up job", "completed"), step("S3 sync", "in_progress")]},
        {"id": 3, "name": "smoke test", "status": "queued", "created_at": began(), "labels": ["self-hosted"]},
    ]);
    let jobs: Vec<_> = serde_json::from_value(jobs).unwrap();
    deploy.progress = Some(Progress::of(1, &jobs, after(130)));
    deploy
}

fn with_past(mut deploy: Deploy, success: bool) -> Deploy {
    let last_success = Success {
        run_id: 90,
        number: Some(90),
        sha: Some("1234567890123456789012345678901234567890".to_owned()),
        url: Some("https://github.com/octo-org/web/actions/runs/90".to_owned()),
        at: Some(began() - TimeDelta::days(1)),
        git_ref: Some("main".to_owned()),
        inputs: None,
    };
    deploy.past = Some(Past {
        usual: Some(Usual { seconds: 185, of: 12 }),
        last_success: Some(last_success),
        series: Some(Series { success, count: 12, or_more: false }),
    });
    deploy
}

fn clicked(mut deploy: Deploy, action: Action, at: i64, result: Acted) -> Deploy {
    let click = Click { action, at: after(at), result, ..sample::click() };
    deploy.clicks.push(click);
    deploy
}

fn searching(lost: bool) -> Deploy {
    in_phase(Phase::Searching(Search { sent_at: began(), lost, listed: true, candidate: None }))
}

fn ending(outcome: Outcome) -> Deploy {
    let at = after(90);
    in_phase(Phase::Ended(Ending { outcome, at, telling: Telling::Nobody, rerun: None }))
}

fn waiting() -> Deploy {
    let mut deploy = running("waiting");
    let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
    let gate = |environment: &str, approval, timer: bool| Gate {
        environment: environment.to_owned(),
        approval,
        timer,
        opens_at: timer.then(|| after(300)),
        reviewers: if approval {
            vec!["grace".to_owned(), "octo-org/ops".to_owned()]
        } else {
            Vec::new()
        },
    };
    run.gates.known = vec![gate("production", true, false), gate("eu", false, true)];
    deploy
}

fn in_line() -> Deploy {
    let mut deploy = running("pending");
    let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
    let url = Some("https://github.com/octo-org/web/actions/runs/99".to_owned());
    let ahead = Some(Ahead { run_id: 99, number: Some(40), url });
    run.gates.place = Some(Place { group: "production".to_owned(), position: Some(2), ahead });
    deploy
}

fn failed() -> Deploy {
    let mut deploy = with_past(ended("failure"), true);
    let newest = Commit {
        sha: "abcdef1".to_owned(),
        title: "Fix the *footer*".to_owned(),
        author: Some("Ada".to_owned()),
    };
    let changes = Changes {
        standing: Standing::Ahead { commits: 3 },
        base: "1234567890123456789012345678901234567890".to_owned(),
        newest: vec![newest],
        url: Some("https://github.com/octo-org/web/compare/1234567...abcdef1".to_owned()),
    };
    let cause = Cause {
        annotation: Some("deploy.sh:12: AccessDenied".to_owned()),
        log: vec!["##[error]AccessDenied".to_owned(), "sync failed".to_owned()],
        errors: 1,
        changes: Some(changes),
        ..Cause::default()
    };
    let failed_at = FailedAt { job: "deploy".to_owned(), step: Some("S3 sync".to_owned()) };
    deploy.details =
        Some(Details { failed_at: Some(failed_at), cause: Some(cause), ..Details::default() });
    deploy
}

fn rejected() -> Deploy {
    let mut deploy = with_past(ended("failure"), true);
    let rejected = Rejected {
        by: Some("grace".to_owned()),
        environments: vec!["production".to_owned()],
        comment: Some("Not today.".to_owned()),
    };
    let cause = Some(Cause { rejected: Some(rejected), ..Cause::default() });
    deploy.details = Some(Details { cause, ..Details::default() });
    deploy
}

fn rolling_back(how: How, sha: &str) -> Deploy {
    let mut deploy = with_past(running("in_progress"), false);
    let to =
        Success { sha: Some(sha.to_owned()), ..deploy.past.clone().unwrap().last_success.unwrap() };
    deploy.order.rolls_back = Some(RollBack { to, how });
    deploy
}

fn in_trouble() -> Deploy {
    let said = Some("GitHub refuses the token.".to_owned());
    let trouble = Some(Trouble { since: began(), said, ..Trouble::default() });
    Deploy { trouble, ..running("in_progress") }
}

fn not_dispatched() -> Deploy {
    let why = "GitHub has no workflow of this name.".to_owned();
    ending(Outcome::NotDispatched { why, for_admins: false })
}

/// The token is refused.
fn lacks_token(by_admin: bool) -> Deploy {
    let why = "GitHub refuses the token (401).".to_owned();
    let mut deploy = ending(Outcome::NotDispatched { why, for_admins: true });
    deploy.order.by_admin = by_admin;
    deploy
}

fn cancelled_for_verify() -> Deploy {
    let mut deploy = ended("cancelled");
    deploy.order.verified_by = Some("verify-latest".to_owned());
    deploy
}

/// How many checks failed, of how many.
fn diagnosis(checks: Option<(usize, usize)>, conclusion: &str) -> Deploy {
    let mut deploy = ended(conclusion);
    deploy.order.extra = Extra::Diagnosis;
    let checks = checks.map(|(failed, total)| Checks { failed, total });
    let extra = if checks.is_some() {
        "❌ API /health — 503\n✅ Frontend /"
    } else {
        "⚠️ There is no summary to show: it has expired."
    };
    let extra = Some(extra.to_owned());
    deploy.details = Some(Details { extra, checks, ..Details::default() });
    deploy
}

#[test]
fn every_state_has_its_card() {
    let by_input = How::Input { name: "commit".to_owned() };
    let (sha, cancel) = ("1234567890123456789012345678901234567890", Action::Cancel);
    let cancelling = clicked(running("in_progress"), cancel, 20, Acted::Done);
    let why = "The permission Actions: write is missing.".to_owned();
    let refused = clicked(running("in_progress"), cancel, 20, Acted::Refused { why });
    let states: Vec<(&str, Deploy, i64)> = vec![
        (
            "is being dispatched",
            in_phase(Phase::Dispatching { since: began(), by: Uuid::nil() }),
            1,
        ),
        ("its run is looked for", searching(false), 5),
        ("GitHub's answer was lost", searching(true), 5),
        ("GitHub's answer was lost, and half a minute later", searching(true), 40),
        ("queued", running("queued"), 5),
        ("in progress", running("in_progress"), 10),
        (
            "in progress, with jobs and history",
            with_past(with_jobs(running("in_progress")), true),
            140,
        ),
        ("longer than usual", with_past(running("in_progress"), true), 186),
        ("waits for approval and a timer", waiting(), 30),
        ("waits for a concurrency group", in_line(), 30),
        ("a status of the future", running("hibernating"), 30),
        ("cannot be followed", in_trouble(), 30),
        ("after the wait", with_jobs(running("in_progress")), 181),
        ("is being cancelled", cancelling.clone(), 30),
        ("may be forced", cancelling, 20 + 301),
        ("a cancellation that GitHub refused", refused, 30),
        (
            "rolls back by an input",
            rolling_back(by_input.clone(), "abcdef2000000000000000000000000000000000"),
            10,
        ),
        ("rolls back, and the run is on another commit", rolling_back(by_input, sha), 10),
        ("rolls back by a re-run", rolling_back(How::Rerun, sha), 10),
        ("succeeded", with_past(ended("success"), true), 95),
        ("succeeded after failures", with_past(ended("success"), false), 95),
        ("failed, details not read yet", with_past(ended("failure"), true), 95),
        ("failed", failed(), 95),
        ("failed again", with_past(ended("failure"), false), 95),
        ("rejected", rejected(), 95),
        ("timed out", ended("timed_out"), 95),
        ("could not start", ended("startup_failure"), 95),
        ("cancelled here", clicked(ended("cancelled"), cancel, 20, Acted::Done), 95),
        ("cancelled on GitHub", ended("cancelled"), 95),
        ("re-run asked for", clicked(ended("failure"), Action::Rerun, 95, Acted::Done), 99),
        ("skipped", ended("skipped"), 95),
        ("neutral", ended("neutral"), 95),
        ("stale", ended("stale"), 95),
        ("needs action", ended("action_required"), 95),
        ("a conclusion of the future", ended("exploded"), 95),
        (
            "nothing was done",
            ending(Outcome::NothingDone { why: "It came too late.".to_owned() }),
            95,
        ),
        ("not dispatched", not_dispatched(), 95),
        ("only an admin can mend it", lacks_token(false), 95),
        ("only an admin can mend it, who has asked for it", lacks_token(true), 95),
        ("cancelled while it deployed", with_jobs(cancelled_for_verify()), 95),
        ("a diagnosis with failed checks", diagnosis(Some((1, 2)), "success"), 95),
        ("a diagnosis that failed", diagnosis(Some((1, 2)), "failure"), 95),
        ("a diagnosis that is fine", diagnosis(Some((0, 2)), "success"), 95),
        ("a diagnosis without a summary", diagnosis(None, "success"), 95),
        (
            "no run was found",
            ending(Outcome::NotFound(NotFound::Nowhere { lost: false, listed: true })),
            95,
        ),
        ("ambiguous", ending(Outcome::NotFound(NotFound::Ambiguous { runs: 2 })), 95),
        ("another deploy", ending(Outcome::NotFound(NotFound::AnotherDeploy)), 95),
        ("deleted", ending(Outcome::Deleted), 95),
        ("given up", ending(Outcome::GivenUp), 95),
    ];
    let drawn: Vec<String> = states
        .iter()
        .map(|(name, deploy, at)| format!("# {name}\n{}", drawn(deploy, after(*at))))
        .collect();
    insta::assert_snapshot!(drawn.join("\n\n"));
}

/// A card shows the same for the same record and time, and says the same as its text.
#[test]
fn where_components_are_refused_it_is_text_that_says_the_same() {
    let mut deploy = failed();
    let card = message(&deploy, after(95));
    let shown = fingerprint(&deploy, after(95));
    assert!(card.is_card());
    deploy.place.as_mut().unwrap().text_only = true;
    let text = message(&deploy, after(95));
    assert!(!text.is_card());
    assert_eq!(text.content(), card.shown());
    assert_ne!(fingerprint(&deploy, after(95)), shown);
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        r"[*_~|`<>@#:\[\]()\\\PC]{0,300}",
        Just("\u{202e}\u{2066}@everyone <@&1> ".repeat(120)),
        Just("feature/".repeat(250)),
        Just("](https://evil.example) ```\n# ".repeat(100)),
        Just("\u{1f469}\u{200d}\u{1f680}".repeat(700)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Discord's limits: <https://docs.discord.com/developers/components/reference>
    #[test]
    fn no_text_breaks_a_card(
        texts in proptest::collection::vec(hostile(), 12),
    ) {
        let mut all = texts.into_iter().cycle();
        let mut text = || all.next().unwrap();
        let mut deploy = clicked(with_jobs(failed()), Action::Cancel, 20, Acted::Refused { why: "No.".to_owned() });
        deploy.order.title = text();
        deploy.order.git_ref = text();
        deploy.order.environment = Some(text());
        deploy.order.given = (0..25).map(|_| Given { name: text(), value: text() }).collect();
        let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
        run.head_commit = serde_json::from_value(json!({"message": text(), "author": {"name": text()}})).ok();
        let details = deploy.details.as_mut().unwrap();
        details.failed_at = Some(FailedAt { job: text(), step: Some(text()) });
        let cause = details.cause.as_mut().unwrap();
        cause.annotation = Some(text());
        cause.log = vec![text(), text()];
        let drawn = drawn(&deploy, after(95));
        let card = message(&deploy, after(95)).to_create()["components"][0].clone();
        let blocks = card["components"].as_array().unwrap().clone();
        let texts: Vec<&str> = blocks.iter().filter_map(|block| block["content"].as_str()).collect();
        prop_assert!(texts.iter().map(|text| text.encode_utf16().count()).sum::<usize>() <= 4000);
        prop_assert!(texts.iter().all(|text| !text.is_empty()));
        let turned = drawn.contains(['\u{202e}', '\u{2066}']);
        prop_assert!(!turned, "{}", drawn);
        prop_assert_eq!(drawn.matches("```").count() % 2, 0, "{}", drawn);
        prop_assert!(drawn.contains("[↗ Open]") && drawn.contains("Correlation id"), "{}", drawn);
    }
}
