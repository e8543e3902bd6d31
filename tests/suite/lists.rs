//! GitHub's lists as they really answer: filters that lag behind, large pages that fail, odd items, late jobs
//! and artifacts, times that move.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use standins::github::{Fault, NewRun, On, OtherJob, Scenario, Timetable, What};
use standins::site::Site;

use crate::world::{Plan, Told, World};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: TimeDelta = TimeDelta::days(1);

fn text(told: &Told) -> String {
    told.original().content.clone()
}

async fn says(world: &World, command: &str) -> String {
    text(&world.types("ada", command).await)
}

fn runs(count: i64) -> impl Iterator<Item = NewRun> {
    (1..=count).map(|n| NewRun { created: TimeDelta::minutes(-10 * n), ..NewRun::default() })
}

fn calls(world: &World, part: &str) -> usize {
    world.github.requests().iter().filter(|request| request.path.contains(part)).count()
}

// The digest.

/// Only one workflow is looked at.
const ONE_AGENT: &str = r#"
    [[agent]]
    id = "status_reporter"
    name = "Status"
    description = "Tells"
    command = "status"
    kind = "status"

    [[agent]]
    id = "deploy_client"
    name = "Client deploy"
    description = "Deploys the client"
    command = "deploy-client"
    kind = "deploy"
    workflow = "client-deploy.yml"
"#;

async fn with_one_agent(scenario: Scenario) -> World {
    World::of(Plan { agents: Some(ONE_AGENT), scenario, ..Plan::default() }).await
}

#[rstest]
#[case::a_few_runs(5, "5 runs:")]
#[case::more_than_a_page(140, "140 runs:")]
#[tokio::test(start_paused = true)]
async fn a_digest_counts_runs_that_the_filters_do_not_show_yet(
    #[case] count: i64,
    #[case] expected: &str,
) {
    let world = World::with(Scenario { filters_lag: HOUR * 48, ..Scenario::default() }).await;
    world.github.add_runs(runs(count));
    let told = says(&world, "/status-digest").await;
    assert!(told.contains(expected) && !told.contains("may be missing"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_digest_of_few_runs_is_one_request() {
    let world = with_one_agent(Scenario::default()).await;
    world.github.add_runs(runs(20));
    let told = says(&world, "/status-digest").await;
    assert!(told.contains("20 runs:"), "{told}");
    assert_eq!(world.github.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_cannot_see_all_runs_says_so_and_never_none() {
    // The list without a filter cannot be read, and the filters show nothing.
    let faults = vec![Fault::bad_gateway().on(On::RunList).times(3)];
    let scenario = Scenario { filters_lag: HOUR * 48, faults, ..Scenario::default() };
    let world = with_one_agent(scenario).await;
    world.github.add_runs(runs(5));
    let told = says(&world, "/status-digest").await;
    assert!(told.contains("⚠️ Runs may be missing"), "{told}");
    assert!(!told.contains("No runs"), "{told}");
}

/// Of two runs one has no id.
fn an_odd_run_and_number_41() -> Fault {
    let good = json!({"id": 7, "run_number": 41, "status": "completed", "conclusion": "success"});
    let body = json!({"total_count": 2, "workflow_runs": [{"id": "odd"}, good]});
    Fault::new(On::RunList, What::Status { code: 200, headers: Vec::new(), body }).always()
}

#[tokio::test(start_paused = true)]
async fn a_number_that_cannot_be_seen_is_not_said_to_be_missing() {
    let world = deployed(Scenario::default()).await;
    world.github.fault(an_odd_run_and_number_41());
    let told = says(&world, "/verify-latest run_url:#39").await;
    assert!(told.starts_with("⚠️") && !told.contains("has no run"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_read_is_counted_and_hides_no_other() {
    let world = with_one_agent(Scenario::default()).await;
    world.github.fault(an_odd_run_and_number_41());
    let told = says(&world, "/status").await;
    assert!(told.contains("Run #41") && told.contains("1 run could not be read"), "{told}");
}

#[rstest]
#[case::digest("/status-digest period:weekly", "499 runs:")]
#[case::status("/status", "[Run #")]
#[tokio::test(start_paused = true)]
async fn runs_are_read_where_large_pages_fail(#[case] command: &str, #[case] expected: &str) {
    let world = World::with(Scenario { largest_page: 30, ..Scenario::default() }).await;
    world.github.add_runs(NewRun::history(1000, TimeDelta::days(14)));
    let told = says(&world, command).await;
    assert!(told.contains(expected), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_status_survives_one_fault() {
    let faults = vec![Fault::bad_gateway().on(On::RunList)];
    let world = World::with(Scenario { faults, ..Scenario::default() }).await;
    world.github.add_runs(runs(1));
    let told = says(&world, "/status").await;
    assert!(told.contains("[Run #41]"), "{told}");
}

// Times.

fn touched(touched: Duration) -> NewRun {
    let timetable = Timetable { running: Duration::from_secs(78), touched, ..Timetable::default() };
    NewRun { created: -DAY / 2, timetable, ..NewRun::default() }
}

#[rstest]
#[case::moved_by_twelve_hours(HOUR * 12)]
#[case::moved_by_an_hour(HOUR)]
#[tokio::test(start_paused = true)]
async fn a_run_that_was_touched_later_lasts_no_longer(#[case] later: Duration) {
    let world = World::new().await;
    world.github.add_runs((0..10).map(|_| touched(later)));
    let told = says(&world, "/status-digest").await;
    assert!(told.contains("median **1m 20s** · p95 **n/a** · average **1m 20s**"), "{told}");
    let told = says(&world, "/status").await;
    assert_eq!(told.matches("took 1m 20s").count(), 2, "{told}");
}

#[tokio::test(start_paused = true)]
async fn durations_that_are_not_known_are_left_out_and_counted() {
    let faults = vec![Fault::forbidden().on(On::Jobs).always()];
    let world = World::with(Scenario { faults, ..Scenario::default() }).await;
    world.github.add_runs([touched(HOUR), touched(HOUR), touched(Duration::ZERO)]);
    let told = says(&world, "/status-digest").await;
    assert!(told.contains("average **1m 20s** · 1 of 3 durations known"), "{told}");
    let told = says(&world, "/status").await;
    assert!(told.contains("duration not known"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn only_some_jobs_are_read_for_many_long_runs() {
    let world = World::new().await;
    let long = |moved| {
        let timetable = Timetable { running: HOUR / 2, touched: moved, ..Timetable::default() };
        NewRun { created: -DAY / 2, timetable, ..NewRun::default() }
    };
    // The jobs of some confirm that they all took so long.
    world.github.add_runs((0..40).map(|_| long(Duration::ZERO)));
    let told = says(&world, "/status-digest").await;
    assert!(told.contains("median **30m 2s**") && !told.contains("durations known"), "{told}");
    assert_eq!(calls(&world, "/jobs"), 12);
    // The jobs of some show that the times cannot be trusted.
    let world = World::new().await;
    world.github.add_runs((0..40).map(|_| long(HOUR * 5)));
    let told = says(&world, "/status-digest").await;
    assert!(told.contains("average **30m 2s** · 12 of 40 durations known"), "{told}");
    assert_eq!(calls(&world, "/jobs"), 12);
}

// Jobs.

fn with_jobs(jobs: Vec<OtherJob>, timetable: Timetable) -> Scenario {
    let mut scenario = Scenario { timetable, ..Scenario::default() };
    scenario.workflow_mut("client-deploy.yml").other_jobs = jobs;
    scenario
}

fn failing(step: &str) -> Timetable {
    Timetable { fails_at: step.to_owned(), ..Timetable::ending("failure") }
}

#[rstest]
#[case::an_odd_one(vec![OtherJob { name: None, ..OtherJob::new("", "success") }])]
#[case::a_killed_one(vec![OtherJob::new("e2e", "timed_out").step("Wait", "cancelled")])]
#[case::a_cancelled_one(vec![OtherJob::new("e2e", "cancelled").step("Wait", "cancelled")])]
#[case::more_than_a_page((0..230).map(|n| OtherJob::new(&format!("test {n}"), "success")).collect())]
#[tokio::test(start_paused = true)]
async fn the_failed_step_is_named_beside_other_jobs(#[case] jobs: Vec<OtherJob>) {
    let world = World::with(with_jobs(jobs, failing("S3 sync"))).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🔴 **Client deploy** failed after 7s\nFailed at **deploy** › S3 sync");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn the_failed_step_is_found_where_large_pages_fail() {
    let jobs = (0..230).map(|n| OtherJob::new(&format!("test {n}"), "success")).collect();
    let scenario = Scenario { largest_page: 50, ..with_jobs(jobs, failing("Build")) };
    let world = World::with(scenario).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("Failed at **deploy** › Build");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_after_a_job_failed_names_its_step() {
    let jobs = vec![OtherJob::new("lint", "failure").step("Run eslint", "failure")];
    let world = World::with(with_jobs(jobs, Timetable::ending("cancelled"))).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("⚪ **Client deploy** was cancelled after 7s\nFailed at **lint** › Run eslint");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_step_that_github_does_not_tell_is_said_to_be_not_told() {
    let mut scenario = with_jobs(Vec::new(), failing("S3 sync"));
    scenario.jobs_lag = HOUR;
    let world = World::with(scenario).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.card_says("GitHub did not tell at which step; the run shows it.");
    world.dispatch();
}

/// A world with a site, and a deploy that ended two hours ago.
async fn deployed(scenario: Scenario) -> World {
    let timetable = scenario.timetable.clone();
    let env = |site: Site| {
        let url = site.url();
        vec![
            ("FRONTEND_BASE_URL", url.clone()),
            ("VITE_API_BASE", url),
            ("SAFE_LOCAL", "true".to_owned()),
        ]
    };
    let world = World::with_site(Plan { scenario, ..Plan::default() }, env).await;
    world.github.add_run(NewRun { created: -DAY / 12, timetable, ..NewRun::default() });
    world
}

#[rstest]
#[case::in_one_list(true)]
#[case::attempt_by_attempt(false)]
#[tokio::test(start_paused = true)]
async fn after_a_rerun_of_some_jobs_the_steps_of_the_others_are_shown(
    #[case] lists_all_attempts: bool,
) {
    // Only the job `deploy` was run again; `build` is of the first attempt.
    let jobs = vec![OtherJob::new("build", "success").step("Build", "success")];
    let timetable = Timetable { attempt: 2, ..Timetable::default() };
    let mut scenario = with_jobs(jobs, timetable);
    scenario.lists_all_attempts = lists_all_attempts;
    let steps = &mut scenario.workflow_mut("client-deploy.yml").steps;
    for step in steps.iter_mut().filter(|step| *step == "Build") {
        *step = "Unpack".to_owned();
    }
    let world = deployed(scenario).await;
    let told = says(&world, "/verify-latest").await;
    assert!(told.contains("Build 1s · S3"), "{told}");
    assert!(!told.contains("no such step"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_earlier_attempt_that_cannot_be_read_does_not_hide_the_latest() {
    let timetable = Timetable { attempt: 2, ..Timetable::default() };
    let mut scenario = with_jobs(Vec::new(), timetable);
    scenario.lists_all_attempts = false;
    let world = deployed(scenario).await;
    world.github.fault(Fault::status(404, "Not Found").on(On::Jobs).skip(1).always());
    let told = says(&world, "/verify-latest").await;
    assert!(told.contains("Build 2s") && told.contains("S3 sync 1s"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn steps_of_a_run_without_listed_jobs_are_not_known() {
    let world = deployed(Scenario { jobs_lag: HOUR * 3, ..Scenario::default() }).await;
    let told = says(&world, "/verify-latest").await;
    assert!(
        told.contains("⚠️ The steps are not known. GitHub lists no jobs of this run."),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_latest_run_is_seen_before_the_filters_show_it() {
    let world = deployed(Scenario { filters_lag: HOUR * 48, ..Scenario::default() }).await;
    let told = says(&world, "/verify-latest").await;
    assert!(told.starts_with("✅ **Client deploy** is live"), "{told}");
}

// Runs that are named.

#[rstest]
#[case::newest(41 + 299)]
#[case::on_a_later_page(41 + 20)]
#[case::the_first(41)]
#[tokio::test(start_paused = true)]
async fn a_run_is_found_by_its_number(#[case] number: u64) {
    let world = deployed(Scenario::default()).await;
    world.github.add_runs(
        (0..299).map(|n| NewRun {
            created: -DAY / 12 + TimeDelta::seconds(n + 1),
            ..NewRun::default()
        }),
    );
    let told = says(&world, &format!("/verify-run run_id:#{number}")).await;
    assert!(told.contains(&format!("[Run #{number}]")), "{told}");
    assert!(calls(&world, "/workflows/client-deploy.yml/runs") <= 5);
}

#[tokio::test(start_paused = true)]
async fn a_number_without_a_run_is_explained() {
    let world = deployed(Scenario::default()).await;
    for number in [7, 900] {
        let told = says(&world, &format!("/verify-run run_id:#{number}")).await;
        assert!(told.contains(&format!("`client-deploy.yml` has no run `#{number}`.")), "{told}");
    }
}

// Searching for a dispatched run.

#[tokio::test(start_paused = true)]
async fn a_dispatched_run_is_found_before_the_filters_show_it() {
    let scenario = Scenario { run_details: false, filters_lag: HOUR, ..Scenario::default() };
    let world = World::with(scenario).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢 **Client deploy** succeeded");
    assert!(text(&told).contains("matched by correlation id"), "{}", told.transcript());
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_match_by_time_counts_the_runs_that_the_filters_do_not_show_yet() {
    let base = Scenario::named("ambiguous").unwrap();
    let world = World::with(Scenario { filters_lag: HOUR, ..base }).await;
    let told = says(&world, "/deploy-client wait:true").await;
    assert!(told.contains("ambiguous, 3 runs"), "{told}");
    world.dispatch();
    world.and_more();
}

// Artifacts.

#[rstest]
#[case::a_late_list(Scenario { artifacts_lag: Duration::from_secs(4), ..Scenario::default() })]
#[case::a_failed_list(faulty(Fault::bad_gateway().on(On::Artifacts)))]
#[case::a_failed_link(faulty(Fault::bad_gateway().on(On::Artifacts).skip(1)))]
#[case::a_failed_download(faulty(Fault::bad_gateway().on(On::Download)))]
#[case::a_missing_archive(faulty(Fault::status(404, "BlobNotFound").on(On::Download)))]
#[case::a_cut_download(faulty(Fault::new(On::Download, What::Truncated)))]
#[case::where_large_pages_fail(Scenario { largest_page: 30, ..Scenario::default() })]
#[tokio::test(start_paused = true)]
async fn a_summary_that_comes_late_is_shown(#[case] scenario: Scenario) {
    let world = World::with(scenario).await;
    let told = world.types("ada", "/diagnose wait:true").await;
    told.both_say("1 of 2 checks failed");
    world.dispatch();
}

fn faulty(fault: Fault) -> Scenario {
    Scenario { faults: vec![fault], ..Scenario::default() }
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_summary_is_looked_at_three_times() {
    let mut scenario = Scenario::default();
    scenario.workflow_mut("diagnose-dispatch.yml").artifacts.clear();
    let world = World::with(scenario).await;
    let told = world.types("ada", "/diagnose wait:true").await;
    told.both_say("⚠️ There is no summary to show: GitHub lists none for this run.");
    assert_eq!(calls(&world, "/artifacts"), 3);
}

// Branches and tags.

const REFS_IN_FULL: &str = r#"
    [[agent]]
    id = "deploy_client"
    name = "Client deploy"
    description = "Deploys the client"
    command = "deploy-client"
    kind = "deploy"
    workflow = "client-deploy.yml"
    ref = "refs/heads/main"
    allowed_refs = ["refs/heads/feature/*", "refs/tags/v1.0.0"]

    [[agent]]
    id = "verifier"
    name = "Verifier"
    description = "Verifies"
    command = "verify-latest"
    kind = "verify"
    verifies = "deploy_client"
"#;

#[rstest]
#[case("", "main")]
#[case("ref:main", "main")]
#[case("ref:refs/heads/main", "main")]
#[case("ref:refs/tags/v1.0.0", "v1.0.0")]
#[case("ref:v1.0.0", "v1.0.0")]
#[case("ref:feature/ä#b%20c&d=e", "feature/ä#b%20c&d=e")]
#[case("ref:refs/heads/feature/ä#b%20c&d=e", "feature/ä#b%20c&d=e")]
#[tokio::test(start_paused = true)]
async fn a_ref_in_full_is_the_same_as_its_short_name(#[case] option: &str, #[case] expected: &str) {
    let mut scenario = Scenario::named("no-correlation-id").unwrap();
    scenario.refs.push("feature/ä#b%20c&d=e".to_owned());
    let plan = Plan { agents: Some(REFS_IN_FULL), scenario, ..Plan::default() };
    let world = World::of(plan).await;
    let told = world.types("ada", &format!("/deploy-client wait:true {option}")).await;
    told.both_say("🟢 **Client deploy** succeeded");
    assert_eq!(world.dispatch().git_ref, expected);
    assert!(text(&told).contains("matched by time"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_branch_whose_name_needs_encoding_is_verified() {
    let branch = "feature/ä#b%20c&d=e+f";
    let agents = REFS_IN_FULL.replace("refs/heads/main", &format!("refs/heads/{branch}"));
    let agents: &'static str = Box::leak(agents.into_boxed_str());
    let world = World::of(Plan { agents: Some(agents), ..Plan::default() }).await;
    // So many newer runs that the filter is needed.
    world.github.add_runs(runs(40));
    let created = -DAY;
    world.github.add_run(NewRun { branch: branch.to_owned(), created, ..NewRun::default() });
    let told = says(&world, "/verify-latest").await;
    assert!(told.contains("the run succeeded"), "{told}");
}
