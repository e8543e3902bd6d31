//! The main job: a signed command goes in, the run's real outcome comes out.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use standins::github::{Fault, On, Scenario, Timetable, What, Workflow};

use crate::world::{Plan, World, at};

#[tokio::test(start_paused = true)]
async fn a_wait_reports_the_outcome_and_pings_the_requester() {
    let world = World::new().await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert_eq!(told.kind(), 5);
    assert!(told.answer.elapsed < Duration::from_millis(200), "{:?}", told.answer.elapsed);
    assert!(told.original().pings.is_empty(), "an edit notifies nobody");
    assert_eq!(told.follow_up().pings, [told.follow_up().pings[0].clone()]);
    assert!(told.follow_up().content.contains(&format!("<@{}>", told.follow_up().pings[0])));
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    for message in told.messages() {
        assert!(message.content.contains("🟢 **Client deploy** succeeded"), "{}", message.content);
    }
    assert!(told.original().content.contains(&run), "{}", told.transcript());
}

#[rstest]
#[case("success", "🟢", "succeeded")]
#[case("failure", "🔴", "failed")]
#[case("timed_out", "🔴", "timed out on GitHub")]
#[case("startup_failure", "🔴", "could not start")]
#[case("cancelled", "⚪", "was cancelled")]
#[case("skipped", "⚪", "was skipped")]
#[case("neutral", "⚪", "ended neutral")]
#[case("stale", "⚪", "went stale")]
#[case("action_required", "🟠", "is waiting for approval")]
#[case("brand_new", "⚪", "ended as `brand_new`")]
#[tokio::test(start_paused = true)]
async fn every_conclusion_is_reported(
    #[case] conclusion: &str,
    #[case] icon: &str,
    #[case] words: &str,
) {
    let timetable = Timetable::ending(conclusion);
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    let expected = format!("{icon} **Client deploy** {words}");
    assert!(told.original().content.starts_with(&expected), "{}", told.original().content);
    assert!(told.follow_up().content.contains(&expected));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn progress_edits_one_message_and_only_when_it_changed() {
    let timetable = Timetable {
        queued: Duration::from_secs(20),
        running: Duration::from_secs(60),
        ..Timetable::default()
    };
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    // is being dispatched, dispatched, queued, in progress, succeeded
    assert_eq!(told.original().edits, 5);
    assert_eq!(told.messages().len(), 2);
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_run_costs_no_rate_limit() {
    // 180 s of looking at a run that changes four times.
    let timetable = Timetable::path(&[
        (Duration::ZERO, "queued", None),
        (Duration::from_secs(10), "waiting", None),
        (Duration::from_secs(60), "queued", None),
        (Duration::from_secs(70), "in_progress", None),
        (Duration::from_secs(175), "completed", Some("success")),
    ]);
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.asks_for_approval();
    told.both_say("🟢");
    let requests = world.github.requests();
    assert!(requests.len() >= 58, "{}", requests.len());
    // The dispatch, one look for each of the five states, one at what the run waits for, one at earlier runs, and
    // three at the jobs, ever more rarely.
    let counted: Vec<_> = requests.iter().filter(|request| request.counted).collect();
    assert_eq!(counted.len(), 11, "{counted:#?}");
}

/// A run that ends this many minutes after its dispatch.
fn of_minutes(minutes: u64) -> Scenario {
    let running = Duration::from_secs(60 * minutes);
    let timetable = Timetable { running, ..Timetable::default() };
    Scenario { timetable, ..Scenario::default() }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_after_the_wait_is_told_then() {
    let world = World::with(of_minutes(9)).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let start = tokio::time::Instant::now();
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let waited = start.elapsed().as_secs();
    assert!((180..=182).contains(&waited), "{waited}");
    let told = world.told(&interaction, answer);
    let expected = "⏱️ **Client deploy**: still running after 3m 0s. \
                    It goes on; the end will be told here.";
    told.only_shows(expected);
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    assert!(told.original().content.contains(&run), "{}", told.transcript());
    world.sweeps(4).await;
    let told = world.told_since(&interaction, told);
    told.only_shows(expected);
    world.sweeps(20).await;
    let told = world.told_since(&interaction, told);
    told.tells_once("🟢 **Client deploy** succeeded after 9m 2s");
    assert!(told.original().content.contains(&run), "{}", told.transcript());
    assert_eq!(told.messages().len(), 2);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn after_the_interactions_time_the_bot_tells_the_end() {
    let scenario = of_minutes(100);
    let world = World::with_a_bot(Plan { scenario, ..Plan::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let told = world.told(&interaction, answer);
    assert!(!told.original().content.contains("cannot be told"), "{}", told.transcript());
    told.only_shows("⏱️ **Client deploy**: still running after 3m 0s");
    world.sweeps(3).await;
    world.leaps(Duration::from_secs(90 * 60)).await;
    world.sweeps(8).await;
    let told = world.told_since(&interaction, told);
    let expected = "🟢 **Client deploy** succeeded after 1h 40m";
    told.tells_once(expected);
    let posted = world.discord.channel_messages();
    let [outcome] = &posted[..] else { panic!("{posted:#?}") };
    assert!(outcome.content.contains(expected), "{outcome:#?}");
    assert_eq!(outcome.reply_to.as_ref(), Some(&told.original().id));
    assert_eq!(outcome.pings, [standins::discord::User::named("ada").id]);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn without_a_bot_token_the_message_warns_beforehand_that_a_late_end_cannot_be_told() {
    let world = World::with(of_minutes(20)).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let told = world.told(&interaction, answer);
    told.only_shows("⏱️ **Client deploy**: still running after 3m 0s");
    let warning = "\n-# An end after more than 15 minutes cannot be told here: Deckhand has no bot token \
                   (`DISCORD_BOT_TOKEN`).";
    assert!(told.original().content.ends_with(warning), "{}", told.transcript());
    world.leaps(Duration::from_secs(16 * 60)).await;
    world.sweeps(3).await;
    let told = world.told_since(&interaction, told);
    told.only_shows("⏱️ **Client deploy**: still running");
    let lines = world.lines.all();
    let [_, late, end] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((&late["event"], &late["OverdueDeploys"]), (&json!("deploy"), &json!(1)));
    assert_eq!((&end["event"], &end["Conclusion"]), (&json!("deploy"), &json!("success")));
    assert_eq!((&end["OutcomesNotTold"], &end["level"]), (&json!(1), &json!("ERROR")));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn settings_set_the_wait_and_the_poll_interval() {
    let env =
        vec![("WAIT_TIMEOUT_SECONDS", "10".to_owned()), ("POLL_INTERVAL_SECONDS", "1".to_owned())];
    let scenario = Scenario::named("stuck").unwrap();
    let world = World::of(Plan { env, scenario, ..Plan::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.only_shows("⏱️ **Client deploy**: still running after 10s. It goes on");
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    let looks =
        world.github.requests().iter().filter(|request| request.path.ends_with(&run)).count();
    assert_eq!(looks, 11, "one a second, the first at once and the last at the wait's end");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_approval_is_reported_and_followed() {
    let timetable = Timetable::path(&[
        (Duration::ZERO, "queued", None),
        (Duration::from_secs(5), "waiting", None),
        (Duration::from_secs(60), "in_progress", None),
        (Duration::from_secs(80), "completed", Some("success")),
    ]);
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(30)).await;
    let told = world.told(&interaction, answer);
    let expected = "🟠 **Client deploy**: waiting for approval";
    assert!(told.original().content.starts_with(expected), "{}", told.original().content);
    world.settle().await;
    let told = world.told(&interaction, told.answer);
    assert!(told.original().content.starts_with("🟢"));
    assert!(told.follow_up().content.contains("🟢"));
    told.asks_for_approval();
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn without_wait_the_answer_links_the_run() {
    let world = World::new().await;
    let told = world.types("ada", "/deploy-client").await;
    assert_eq!(told.kind(), 4);
    let dispatch = world.dispatch();
    let content = &told.original().content;
    assert!(content.contains(dispatch.inputs["correlation_id"].as_str().unwrap()), "{content}");
    assert!(content.contains(&format!("/actions/runs/{}", dispatch.run_id)), "{content}");
    assert!(content.contains("matched by run id"), "{content}");
    assert!(!told.has_follow_up());
    assert_eq!(world.github.requests().len(), 1, "one call to GitHub is enough");
}

#[tokio::test(start_paused = true)]
async fn without_wait_and_without_a_run_the_workflows_page_is_linked() {
    let world = World::with(Scenario { run_details: false, ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client").await;
    assert_eq!(told.kind(), 4);
    let content = &told.original().content;
    assert!(
        content.contains("/octo-org/web-client/actions/workflows/client-deploy.yml"),
        "{content}"
    );
    assert!(!content.contains("/actions/runs/"), "{content}");
    assert_eq!(world.github.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_dispatch_is_deferred_in_time_and_sent_once() {
    let world = World::named("slow-dispatch").await;
    let told = world.types("ada", "/deploy-client").await;
    assert_eq!(told.kind(), 5);
    assert!(told.answer.elapsed < Duration::from_secs(3), "{:?}", told.answer.elapsed);
    assert!(told.original().content.contains("🚀 **Client deploy** started"));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn the_workflow_gets_its_inputs() {
    let world = World::new().await;
    let text = "/deploy-client api_base:https://api.example.com ref:release/1.0";
    let told = world.types("ada", text).await;
    let dispatch = world.dispatch();
    assert_eq!(dispatch.repo, "octo-org/web-client");
    assert_eq!(dispatch.workflow, "client-deploy.yml");
    assert_eq!(dispatch.git_ref, "release/1.0");
    let user = standins::discord::User::named("ada");
    let expected = json!({
        "VITE_API_BASE": "https://api.example.com",
        "correlation_id": dispatch.inputs["correlation_id"],
        "requester": format!("ada#{}", user.id),
    });
    assert_eq!(dispatch.inputs, expected);
    assert!(told.original().content.contains("`release/1.0`"));
}

#[tokio::test(start_paused = true)]
async fn an_input_that_was_not_given_is_not_sent() {
    let world = World::new().await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("🚀"), "{}", told.transcript());
    let inputs = world.dispatch().inputs;
    let keys: Vec<_> = inputs.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["correlation_id", "requester"]);
}

#[rstest]
#[case::private("api_base:https://10.0.0.1", "private, local or otherwise special address")]
#[case::plain("api_base:http://api.example.com", "must start with https://")]
#[case::metadata("api_base:https://[::ffff:169.254.169.254]", "special address")]
#[case::branch(
    "ref:feature/x",
    "`feature/x` may not be deployed by this command. Allowed: `main`, `release/*`."
)]
#[tokio::test(start_paused = true)]
async fn an_invalid_value_dispatches_nothing_and_says_why(
    #[case] option: &str,
    #[case] why: &str,
    #[values("", " wait:true")] wait: &str,
) {
    let world = World::new().await;
    let told = world.types("ada", &format!("/deploy-client {option}{wait}")).await;
    assert_eq!(told.kind(), 4);
    assert!(told.original().ephemeral);
    assert!(told.original().content.contains(why), "{}", told.original().content);
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_agent_needs_toml_only() {
    let agents = r#"
        [[agent]]
        id = "deploy_api"
        name = "API deploy"
        description = "Deploys the API"
        command = "deploy-api"
        kind = "deploy"
        workflow = "api-deploy.yml"
        repository = "octo-org/api"
        ref = "release/1.0"

        [[agent.inputs]]
        option = "stage"
        input = "STAGE"
        kind = "string"
        description = "Where to"
        required = true
        choices = ["staging", "production"]

        [[agent.inputs]]
        option = "replicas"
        input = "REPLICAS"
        kind = "integer"
        description = "How many"
        min = 1
        max = 9
    "#;
    let mut scenario = Scenario::default();
    scenario.add_workflow(
        Workflow::new("api-deploy.yml", "API Deploy")
            .run_name("API Deploy — {correlation_id} by {requester}")
            .input("correlation_id", true)
            .input("requester", true)
            .input("STAGE", true)
            .input("REPLICAS", false),
    );
    let world = World::of(Plan { agents: Some(agents), scenario, ..Plan::default() }).await;
    let told = world.types("ada", "/deploy-api stage:staging replicas:3 wait:true").await;
    told.both_say("🟢 **API deploy** succeeded");
    let dispatch = world.dispatch();
    assert_eq!(dispatch.repo, "octo-org/api");
    assert_eq!(dispatch.git_ref, "release/1.0");
    assert_eq!(dispatch.inputs["STAGE"], json!("staging"));
    assert_eq!(dispatch.inputs["REPLICAS"], json!("3"));
    let listed = world.types("ada", "/agents").await;
    assert!(listed.original().content.contains("`/deploy-api`: Deploys the API"));
}

#[tokio::test(start_paused = true)]
async fn an_unauthorized_user_learns_who_may_deploy_and_nothing_is_dispatched() {
    let agents = r#"
        [[agent]]
        id = "deploy_client"
        name = "Client deploy"
        description = "Deploys"
        command = "deploy-client"
        kind = "deploy"
        workflow = "client-deploy.yml"
        allowed_roles = ["777"]
    "#;
    let world = World::of(Plan { agents: Some(agents), ..Plan::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert_eq!(told.kind(), 4);
    assert!(told.original().ephemeral);
    assert!(told.original().content.contains("Who can: <@&777>"));
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_three_seconds_count_from_the_interactions_creation() {
    // Held up for 2 s on the way: what is left is not enough for a dispatch of 1 s.
    let delay = Fault::new(On::Dispatch, What::Delay(Duration::from_secs(1))).always();
    let world = World::with(Scenario { faults: vec![delay], ..Scenario::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client");
    world.passes(Duration::from_secs(2)).await;
    let answer = world.deliver(&interaction).await;
    assert_eq!(at(&answer, "/type"), &json!(5));
    world.settle().await;
    let told = world.told(&interaction, answer);
    assert!(told.original().content.contains("🚀 **Client deploy** started"));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn any_workflow_can_be_a_command() {
    let agents = r#"
        [[agent]]
        id = "issue_triage"
        name = "Issue triage"
        description = "Labels and answers new issues"
        command = "triage"
        kind = "workflow"
        workflow = "triage.yml"

        [[agent.inputs]]
        option = "since_days"
        input = "SINCE_DAYS"
        kind = "integer"
        description = "How far back to look"
        required = true
        min = 1
        max = 30

        [[agent.inputs]]
        option = "dry_run"
        input = "DRY_RUN"
        kind = "boolean"
        description = "Only say what would be done"
    "#;
    let mut scenario = Scenario::default();
    scenario.add_workflow(
        Workflow::new("triage.yml", "Triage")
            .run_name("Triage — {correlation_id} by {requester}")
            .input("correlation_id", true)
            .input("requester", true)
            .input("SINCE_DAYS", true)
            .input("DRY_RUN", false),
    );
    let world = World::of(Plan { agents: Some(agents), scenario, ..Plan::default() }).await;
    let told = world.types("ada", "/triage since_days:7 dry_run:true wait:true").await;
    told.both_say("🟢 **Issue triage** succeeded");
    let dispatch = world.dispatch();
    assert_eq!(dispatch.workflow, "triage.yml");
    assert_eq!(dispatch.inputs["SINCE_DAYS"], json!("7"));
    assert_eq!(dispatch.inputs["DRY_RUN"], json!("true"));
}

#[tokio::test(start_paused = true)]
async fn the_failed_step_is_named_even_when_the_jobs_lag() {
    for lag in [0, 4] {
        let jobs_lag = Duration::from_secs(lag);
        let scenario = Scenario { jobs_lag, ..Scenario::named("failure").unwrap() };
        let world = World::with(scenario).await;
        let told = world.types("ada", "/deploy-client wait:true").await;
        world.dispatch();
        for message in told.messages() {
            assert!(message.content.contains("Failed at **"), "{}", told.transcript());
            assert!(message.content.contains("** › "), "{}", told.transcript());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_reported_even_when_the_failed_step_is_unknown() {
    let world = World::named("failure").await;
    world.github.fault(Fault::bad_gateway().on(On::Jobs).always());
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🔴 **Client deploy** failed");
    world.dispatch();
}
