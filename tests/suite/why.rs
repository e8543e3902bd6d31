//! Why a run failed, as the messages tell it: the log's lines, the annotation, a rejection, what changed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deckhand::store::{Change, Commit as Writes, Expect, Key, Store, Write};
use rstest::rstest;
use serde_json::json;
use standins::github::{
    Annotation, Commit, Fault, On, OtherJob, Permission, Ranges, Review, Scenario, Timetable, What,
    Workflow,
};

use crate::world::{Lying, Told, World, durable};

const WAIT: &str = "/deploy-client wait:true";
const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

fn failing() -> Scenario {
    let timetable = Timetable { fails_at: "S3 sync".to_owned(), ..Timetable::ending("failure") };
    Scenario { timetable, ..Scenario::default() }
}

/// A scenario whose step S3 sync fails, with this workflow.
fn with(change: impl FnOnce(&mut Workflow)) -> Scenario {
    let mut scenario = failing();
    change(scenario.workflow_mut("client-deploy.yml"));
    scenario
}

fn printing(lines: &[(&str, &str)]) -> Scenario {
    let owned = |(step, line): &(&str, &str)| ((*step).to_owned(), (*line).to_owned());
    with(|workflow| workflow.prints = lines.iter().map(owned).collect())
}

async fn told(scenario: Scenario) -> (World, Told) {
    let world = World::with(scenario).await;
    let told = world.types("ada", WAIT).await;
    world.dispatch();
    (world, told)
}

fn calls(world: &World, part: &str) -> usize {
    world.github.requests().iter().filter(|request| request.path.contains(part)).count()
}

#[tokio::test(start_paused = true)]
async fn the_last_lines_of_the_failed_step_are_shown_and_errors_first() {
    let (world, told) = told(printing(&[
        ("Build", "a line of another step"),
        ("S3 sync", "\u{1b}[36mupload: dist/index.html\u{1b}[0m"),
        ("S3 sync", "##[error]fatal error: Access ```Denied``` <@1>"),
        ("S3 sync", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI"),
        ("S3 sync", &format!("token {}\u{1b}[31m{}", &TOKEN[..9], &TOKEN[9..])),
    ]))
    .await;
    told.card_says(
        "Failed at **deploy** › S3 sync\n```\nfatal error: Access ˋˋˋDeniedˋˋˋ <@1>\n\
         Process completed with exit code 1.\nRun S3 sync\nupload: dist/index.html\n\
         AWS_SECRET_ACCESS_KEY=***\ntoken ***\n```",
    );
    assert_eq!(told.follow_up().pings.len(), 1, "only the requester");
    let download =
        world.github.requests().into_iter().find(|request| request.path.starts_with("/_blob"));
    let download = download.unwrap();
    assert!(!download.authorized && download.status == 200, "the link gets no token: {download:?}");
    assert_eq!(download.headers["range"], "bytes=-4194304");
}

#[tokio::test(start_paused = true)]
async fn an_annotation_says_more_than_the_log() {
    let (_world, told) = told(with(|workflow| {
        workflow.annotations = vec![
            Annotation::warning("old"),
            Annotation::failure("No *such* bucket").at("infra/s3.tf", 12),
        ];
    }))
    .await;
    told.card_says("› S3 sync\n> infra/s3.tf:12: No \\*such\\* bucket\n```\n");
}

#[rstest]
#[case::checks(Permission::Checks, "Checks: read", true)]
#[case::all(Permission::ActionsRead, "Actions: read", false)]
#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named(
    #[case] denied: Permission,
    #[case] name: &str,
    #[case] has_log: bool,
) {
    let (plan, store) = durable(failing());
    let world = World::durable(plan.with_bot()).await;
    let told = if has_log {
        world.github.update(|scenario| scenario.denied.push(denied));
        world.types("ada", WAIT).await
    } else {
        // The log alone is refused.
        world.github.fault(Fault::forbidden().on(On::Logs).always());
        world.types("ada", WAIT).await
    };
    told.card_says(&format!("-# GitHub tells more to a token with the permission {name}."));
    assert_eq!(told.original().content.contains("```"), has_log);
    assert_eq!(store.end().await, "failure");
    world.dispatch();
}

#[rstest]
#[case::not_found(404)]
#[case::broken(502)]
#[tokio::test(start_paused = true)]
async fn what_github_does_not_explain_is_not_explained(#[case] status: u16) {
    let mut scenario = failing();
    scenario.faults = vec![Fault::status(status, "Not Found").on(On::Annotations).always()];
    let (_world, told) = told(scenario).await;
    told.card_says("Process completed with exit code 1.\nRun S3 sync\n```");
    assert!(!told.original().content.contains("permission"), "{}", told.transcript());
}

#[rstest]
#[case::late(Duration::from_secs(6), true)]
#[case::too_late(Duration::from_secs(600), false)]
#[tokio::test(start_paused = true)]
async fn a_late_log_is_asked_for_again_for_a_while(#[case] lag: Duration, #[case] comes: bool) {
    let (world, told) = told(Scenario { logs_lag: lag, ..failing() }).await;
    let late = "-# GitHub did not have the step's log in time; the run shows it.";
    told.card_says(if comes { "exit code 1." } else { late });
    assert_eq!(told.original().content.contains("```"), comes);
    assert!((2..=6).contains(&calls(&world, "/logs")), "{}", calls(&world, "/logs"));
}

#[rstest]
#[case::lost(What::Reset, On::Logs)]
#[case::garbage(What::Garbage, On::Annotations)]
#[case::a_broken_download(What::Truncated, On::Download)]
#[case::slow(What::Delay(Duration::from_secs(8)), On::Logs)]
#[tokio::test(start_paused = true)]
async fn one_fault_loses_nothing_of_the_log(#[case] what: What, #[case] on: On) {
    let (_world, told) = told(Scenario { faults: vec![Fault::new(on, what)], ..failing() }).await;
    told.card_says("exit code 1.");
}

#[tokio::test(start_paused = true)]
async fn what_is_read_is_kept_when_the_rest_takes_too_long() {
    let slow = Fault::new(On::Logs, What::Delay(Duration::from_secs(60))).always();
    let mut scenario =
        with(|workflow| workflow.annotations = vec![Annotation::failure("No bucket")]);
    scenario.faults = vec![slow];
    let (_world, told) = told(scenario).await;
    told.card_says("Failed at **deploy** › S3 sync\n> No bucket");
}

/// A log of about 50 MB: the failed step's lines, before lines of what cleans up after it.
fn huge(after: usize) -> Bytes {
    let noise =
        |second: u32| format!("2026-11-22T10:00:{second:02}.0000000Z {}\n", "noise ".repeat(30));
    let early = noise(1).repeat((50 << 20) / noise(1).len());
    let late = noise(59).repeat(after / noise(59).len());
    // The step runs from the fifth to the eighth second or so, of a story that begins at 10:00:01.
    let step: String = (3..=12)
        .map(|second| format!("2026-11-22T10:00:{second:02}.0000000Z at {second}\n"))
        .collect();
    format!("{early}{step}{late}").into()
}

#[rstest]
#[case::azure(Ranges::FromStart, 2)]
#[case::from_the_end(Ranges::FromEnd, 1)]
#[case::no_ranges(Ranges::Ignored, 2)]
#[case::refused(Ranges::Refused, 2)]
#[tokio::test(start_paused = true)]
async fn of_a_log_of_50_megabytes_only_the_end_is_read(
    #[case] ranges: Ranges,
    #[case] downloads: usize,
) {
    let mut scenario = with(|workflow| workflow.log = Some(huge(1 << 20)));
    scenario.ranges = ranges;
    let (world, told) = told(scenario).await;
    told.card_says("```\nat ");
    assert!(!told.original().content.contains("noise"), "{}", told.transcript());
    assert_eq!(calls(&world, "/_blob"), downloads);
}

#[rstest]
#[case::binary((0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect())]
#[case::one_endless_line(vec![b'x'; 5 << 20])]
#[case::full_of_escapes(b"\x1b]0;\x1b[31m```".repeat(100_000))]
#[case::nothing(Vec::new())]
#[tokio::test(start_paused = true)]
async fn any_log_is_shown_in_bounds(#[case] log: Vec<u8>) {
    let (_world, told) = told(with(|workflow| workflow.log = Some(log.into()))).await;
    told.card_says("Failed at **deploy** › S3 sync");
    let shown = &told.original().content;
    assert!(
        shown.encode_utf16().count() <= 2000 && shown.matches("```").count() % 2 == 0,
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn of_a_job_without_steps_the_end_of_the_log_is_shown() {
    let mut scenario =
        Scenario { timetable: Timetable::ending("cancelled"), ..Scenario::default() };
    let workflow = scenario.workflow_mut("client-deploy.yml");
    workflow.other_jobs = vec![OtherJob::new("lint", "failure")];
    workflow.log =
        Some("2026-11-22T10:00:05.0000000Z one\n2026-11-22T10:00:06.0000000Z two\n".into());
    let (_world, told) = told(scenario).await;
    told.card_says("Failed at **lint**\n```\none\ntwo\n```");
}

#[rstest]
#[case::cancelled("cancelled")]
#[case::success("success")]
#[tokio::test(start_paused = true)]
async fn what_did_not_fail_has_no_log(#[case] conclusion: &str) {
    let scenario = Scenario { timetable: Timetable::ending(conclusion), ..Scenario::default() };
    let (world, told) = told(scenario).await;
    assert!(!told.original().content.contains("```"), "{}", told.transcript());
    told.card_says("**Client deploy**");
    assert_eq!(calls(&world, "/logs") + calls(&world, "annotations") + calls(&world, "compare"), 0);
}

#[rstest]
#[case::private("http://10.0.0.1", "10.0.0.1")]
#[case::metadata("http://169.254.169.254", "169.254.169.254")]
#[case::a_local_name("https://storage.internal", "storage.internal")]
#[tokio::test(start_paused = true)]
async fn a_log_at_a_private_address_is_not_asked_for(#[case] storage: &str, #[case] host: &str) {
    let (world, told) = told(Scenario { storage: Some(storage.to_owned()), ..failing() }).await;
    told.card_says("Failed at **deploy** › S3 sync");
    assert!(!told.transcript().contains(host) && !told.transcript().contains("```"));
    assert!(calls(&world, "/logs") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_deployment_is_no_failure_of_the_code() {
    let comment = "Not on a *Friday* @everyone".to_owned();
    let review = Review { comment, ..Review::rejection(Duration::from_secs(6)) };
    let scenario = Scenario { review: Some(review), ..Scenario::named("rejected").unwrap() };
    let (world, told) = told(scenario).await;
    told.card_says(
        "Rejected by **grace** for `production` on GitHub: the code did not fail.\n\
         > Not on a \\*Friday\\* @\u{200b}everyone",
    );
    told.asks_for_approval();
    let original = &told.original().content;
    assert!(original.starts_with("🔴 **Client deploy** was not approved after 6s\n"), "{original}");
    assert!(!original.contains("Failed at"), "{original}");
    assert_eq!(calls(&world, "/logs"), 0);
}

// What changed since the last success.

const BASE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A deploy that fails, of whose agent this commit was the last success.
async fn after_success(base: &str, scenario: Scenario) -> (World, String) {
    let (plan, store) = durable(scenario);
    let world = World::durable(plan.with_bot()).await;
    let interaction = world.interaction("ada", "/deploy-client");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    remember(&store, base).await;
    world.sweeps(2).await;
    let told = world.told(&interaction, answer);
    let shown = told.original().content.clone();
    world.dispatch();
    world.and_more();
    (world, shown)
}

/// Notes a last success in the only deploy that there is.
async fn remember(store: &Arc<Lying>, sha: &str) {
    let deploys = store.deploys().await;
    let key = &deploys[0].key;
    let key = Key::new(format!("agent#{}", key.agent), format!("{:020}", key.interaction_id.0));
    let item = store.get(&key).await.unwrap().unwrap();
    let mut body = item.body.clone();
    body.insert("past".to_owned(), json!({"last_success": {"run_id": 7, "sha": sha}}));
    let change = Change::Put { body, expires_at: item.expires_at, due: item.due };
    let write = Write { key, expect: Expect::unchanged(Some(&item)), change };
    store.commit(&Writes::of(vec![write])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_changed_since_the_last_success_is_told() {
    let long = "A title of 10,000 characters: ".to_owned() + &"x".repeat(10_000);
    let messages = ["One", "Two", "Three", "Four", &long, "Fix `it`\n\nThe body"];
    let scenario = Scenario { commits: Commit::line(BASE, "main", &messages), ..failing() };
    let (world, shown) = after_success(BASE, scenario).await;
    let begins =
        "```\n6 commits since the last success (`aaaaaaa`) · [compare](<https://github.com/";
    assert!(shown.contains(begins), "{shown}");
    assert!(shown.contains(" Fix \\`it\\` · ada\n- `"), "{shown}");
    assert!(
        shown.contains(" A title of 10,000 characters: xxx") && shown.contains(" Two · ada"),
        "{shown}"
    );
    assert!(!shown.contains(" One · ada") && !shown.contains("The body"), "{shown}");
    assert_eq!(calls(&world, "/compare/"), 1);
}

#[rstest]
#[case::more_than_a_page(300, "300 commits since the last success", 2)]
#[case::one(1, "1 commit since the last success", 1)]
#[tokio::test(start_paused = true)]
async fn the_newest_of_many_commits_are_named(
    #[case] count: usize,
    #[case] expected: &str,
    #[case] requests: usize,
) {
    let messages: Vec<String> = (1..=count).map(|n| format!("Change {n}")).collect();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let scenario = Scenario { commits: Commit::line(BASE, "main", &messages), ..failing() };
    let (world, shown) = after_success(BASE, scenario).await;
    assert!(shown.contains(expected), "{shown}");
    assert!(shown.contains(&format!("Change {count} · ada")), "{shown}");
    assert_eq!(calls(&world, "/compare/"), requests);
}

#[derive(Clone, Copy)]
enum Line {
    Diverged,
    Behind,
    Unrelated,
    Gone,
}

#[rstest]
#[case::diverged(Line::Diverged, "Diverged from the last success (`bbbbbbb`)")]
#[case::rolled_back(Line::Behind, "An older commit: 1 commit behind the last success (`bbbbbbb`)")]
#[case::no_common_history(Line::Unrelated, "What changed since the last success is not known")]
#[case::gone(Line::Gone, "What changed since the last success is not known")]
#[tokio::test(start_paused = true)]
async fn a_base_that_is_not_before_it_is_said_to_be_that(
    #[case] line: Line,
    #[case] expected: &str,
) {
    let base = "b".repeat(40);
    let mut commits = Commit::line(BASE, "main", &["One", "Two"]);
    match line {
        Line::Diverged => commits.push(Commit::new(&base, Some(BASE), "Other")),
        Line::Behind => {
            let head = commits[2].sha.clone();
            commits.push(Commit::new(&base, Some(&head), "Later"));
        }
        Line::Unrelated => commits.push(Commit::new(&base, None, "Alone")),
        Line::Gone => {}
    }
    let (_world, shown) = after_success(&base, Scenario { commits, ..failing() }).await;
    assert!(shown.contains(expected), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn the_same_commit_is_not_compared() {
    let commits = Commit::line(BASE, "main", &["One"]);
    let head = commits[1].sha.clone();
    let (world, shown) = after_success(&head, Scenario { commits, ..failing() }).await;
    assert!(shown.contains("The same commit as the last success"), "{shown}");
    assert_eq!(calls(&world, "/compare/"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_another_form_is_no_part_of_a_path() {
    let (world, shown) = after_success("../../../user", failing()).await;
    assert!(!shown.contains("last success"), "{shown}");
    assert_eq!(calls(&world, "/compare/"), 0);
}
