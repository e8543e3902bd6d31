//! One summary line for each interaction, when it is wholly done.

use std::sync::Arc;
use std::time::Duration;

use deckhand::bot::authorize::AccessLevel;
use deckhand::bot::{Command, Plan as CommandPlan, Serves};
use deckhand::clock::SystemClock;
use deckhand::discord::Message;
use deckhand::host::http::App;
use deckhand::telemetry::{About, Readable, Sink, Telemetry};
use futures_util::FutureExt;
use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::{Fault as DiscordFault, On as OnDiscord, User, What as DiscordWhat};
use standins::github::{Fault, On, Scenario, Timetable, What};

use crate::secrets::{listen, logged};
use crate::world::{Lines, Plan, World};

/// Somebody types a command; its line, when everything that came of it has happened.
async fn line_of(world: &World, text: &str) -> Value {
    let interaction = world.interaction("ada", text);
    world.deliver(&interaction).await;
    world.settle().await;
    world.lines.of(&interaction)
}

/// The metrics that CloudWatch would take out of a line, sorted.
fn metrics(line: &Value) -> Vec<&str> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten();
    let metrics = directives.flat_map(|directive| directive["Metrics"].as_array().unwrap());
    let mut names: Vec<_> = metrics.map(|metric| metric["Name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test(start_paused = true)]
async fn an_immediate_answer_is_one_line() {
    let world = World::new().await;
    let interaction = world.interaction("ada", "/agents");
    world.deliver(&interaction).await;
    let line = world.lines.of(&interaction);
    let ada = User::named("ada");
    assert_eq!(line["event"], "interaction");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["user_id"], ada.id);
    assert!(line["guild_id"].is_string() && line["channel_id"].is_string());
    assert_eq!(line["reply"], "message");
    assert_eq!((&line["Command"], &line["Outcome"]), (&json!("agents"), &json!("answered")));
    assert!(line["age_ms"].is_i64() && line["duration_ms"].is_f64());
    let metrics = metrics(&line);
    assert_eq!(metrics, ["GithubCalls", "GithubRateLimitLeft", "Interactions", "TimeToAnswer"]);
    assert!(!line.to_string().contains("\"ada\""), "names are nobody's business");
}

#[tokio::test(start_paused = true)]
async fn only_the_first_line_of_a_process_is_a_cold_start() {
    let mut world = World::new().await;
    line_of(&world, "/agents").await;
    line_of(&world, "/agents").await;
    world.restart();
    line_of(&world, "/agents").await;
    let cold: Vec<_> = world.lines.all().iter().map(|line| line["cold_start"].clone()).collect();
    assert_eq!(cold, [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_without_wait_is_one_line_and_its_end_another() {
    let world = World::new().await;
    let line = line_of(&world, "/deploy-client").await;
    let dispatch = world.dispatch();
    assert_eq!(line["reply"], "message");
    assert_eq!(line["Command"], "deploy-client");
    assert_eq!(line["run_id"], dispatch.run_id);
    assert_eq!(line["correlation_id"], dispatch.inputs["correlation_id"]);
    assert_eq!(line["matched"], "matched by run id");
    assert!(line.get("Conclusion").is_none(), "it goes on: {line}");
    assert_eq!(line["GithubCalls"], world.github.requests().len());
    let expected = ["GithubCalls", "GithubRateLimitLeft", "Interactions", "TimeToAnswer"];
    assert_eq!(metrics(&line), expected);
    world.sweeps(3).await;
    world.and_more();
    let end = end_of_the_deploy(&world);
    for field in
        ["interaction_id", "correlation_id", "user_id", "Command", "ref", "run_id", "matched"]
    {
        assert_eq!(end[field], line[field], "{field}");
    }
    assert_eq!((&end["Outcome"], &end["Conclusion"]), (&json!("answered"), &json!("success")));
    let expected = ["DeployDuration", "Deploys", "GithubCalls", "GithubRateLimitLeft"];
    assert_eq!(metrics(&end), expected);
}

/// The second line of a world with one deploy, which has outlived its interaction.
fn end_of_the_deploy(world: &World) -> Value {
    let mut lines = world.lines.all();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let line = lines.remove(1);
    assert_eq!(line["event"], "deploy", "{line}");
    line
}

#[rstest]
#[case("success")]
#[case("failure")]
#[tokio::test(start_paused = true)]
async fn a_followed_deploy_is_one_line_with_its_conclusion(#[case] conclusion: &str) {
    let timetable = Timetable::ending(conclusion);
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    world.and_more();
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    world.deliver(&interaction).await;
    assert_eq!(world.lines.all(), Vec::<Value>::new(), "it is not done yet");
    world.settle().await;
    let line = world.lines.of(&interaction);
    assert_eq!(line["reply"], "deferred");
    // A run that failed was reported as it should be.
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("answered"), &json!("INFO")));
    assert_eq!(line["Conclusion"], conclusion);
    assert_eq!(line["run_id"], world.dispatch().run_id);
    assert_eq!(line["GithubCalls"], world.github.requests().len());
    assert!(line["github_not_modified"].as_u64().unwrap() > 0);
    let took = line["DeployDuration"].as_f64().unwrap();
    assert!(took > 0.0 && took <= line["duration_ms"].as_f64().unwrap() / 1000.0, "{line}");
    assert!(line["TimeToAnswer"].as_f64().unwrap() < 1000.0);
    let expected = [
        "DeployDuration",
        "Deploys",
        "FollowUpFailures",
        "GithubCalls",
        "GithubRateLimitLeft",
        "Interactions",
        "TimeToAnswer",
    ];
    assert_eq!(metrics(&line), expected);
    world.sweeps(3).await;
    assert_eq!(world.lines.all().len(), 1, "it is counted once");
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_outlives_its_wait_is_counted_when_it_ends() {
    let timetable = Timetable { running: Duration::from_secs(500), ..Timetable::default() };
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    world.and_more();
    let line = line_of(&world, "/deploy-client wait:true").await;
    assert_eq!(line["Outcome"], "answered");
    assert!(line.get("Conclusion").is_none() && line.get("Deploys").is_none(), "{line}");
    assert!(line["duration_ms"].as_f64().unwrap() > 170_000.0);
    world.sweeps(20).await;
    let end = end_of_the_deploy(&world);
    assert_eq!((&end["Conclusion"], &end["Deploys"]), (&json!("success"), &json!(1)));
    assert_eq!(end["DeployDuration"], 502.0);
    assert_eq!(end["run_id"], world.dispatch().run_id);
}

#[rstest]
#[case::not_allowed("/set-frontend url:https://example.com", "set-frontend", "admin")]
#[case::not_a_ref("/deploy-client ref:evil", "deploy-client", "may not be deployed")]
#[tokio::test(start_paused = true)]
async fn a_refused_command_is_recorded(
    #[case] text: &str,
    #[case] command: &str,
    #[case] why: &str,
) {
    listen();
    let world = World::new().await;
    let line = line_of(&world, text).await;
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("refused"), &json!("INFO")));
    assert_eq!(line["Command"], command);
    assert!(line["error"].as_str().unwrap().contains(why), "{line}");
    assert_eq!(metrics(&line), ["Interactions", "TimeToAnswer"]);
    assert_eq!(logged(), "", "it is said once");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_command_adds_no_metric_dimension() {
    let world = World::of(Plan { table: NO_COMMANDS, ..Plan::default() }).await;
    world.discord.set_commands(json!([{"name": "no-such", "description": "x", "type": 1}]));
    let line = line_of(&world, "/no-such").await;
    assert_eq!((&line["Command"], &line["Outcome"]), (&json!("unknown"), &json!("refused")));
    assert!(line["error"].as_str().unwrap().contains("no-such"));
}

const NO_COMMANDS: &[Command] = &[];

#[tokio::test(start_paused = true)]
async fn a_refused_replay_has_its_own_line() {
    let world = World::new().await;
    let interaction = world.interaction("ada", "/deploy-client");
    world.post(&interaction).await;
    world.post(&interaction).await;
    let outcomes: Vec<_> = world.lines.all().iter().map(|line| line["Outcome"].clone()).collect();
    assert_eq!(outcomes, ["answered", "refused"]);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_logged_but_not_counted() {
    let world = World::new().await;
    world.post(&world.discord.ping()).await;
    let lines = world.lines.all();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["reply"], "pong");
    assert_eq!(lines[0]["event"], "interaction");
    assert!(lines[0].get("_aws").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_autocomplete_is_logged_but_not_counted() {
    let world = World::new().await;
    let typing = world.discord.autocomplete(&User::named("ada"), "/verify-run run_id:|").unwrap();
    world.post(&typing).await;
    let line = world.lines.of(&typing);
    assert_eq!(line["reply"], "choices");
    assert!(line["GithubCalls"].as_u64().unwrap() > 0);
    assert!(line.get("_aws").is_none());
}

const fn own(name: &'static str, start: deckhand::bot::command::Start) -> Command {
    let serves =
        Serves::Own { name, description: "x", access: AccessLevel::Agent, options: Vec::new };
    Command { serves, needs: &[], start, complete: None }
}

const FAULTY: &[Command] = &[
    own("panic-soon", |_| {
        Box::pin(async { Ok(CommandPlan::Race(Box::pin(async { panic!("soon") }))) })
    }),
    own("panic-late", |_| {
        Box::pin(async {
            Ok(CommandPlan::Race(Box::pin(async {
                tokio::time::sleep(Duration::from_secs(20)).await;
                panic!("late")
            })))
        })
    }),
    own("deaf", |_| {
        Box::pin(async {
            Ok(CommandPlan::Race(Box::pin(async {
                tokio::time::sleep(Duration::from_secs(100_000)).await;
                Message::public("never").into()
            })))
        })
    }),
    own("faulty", |_| Box::pin(async { panic!("at once") })),
];

#[rstest]
#[case::while_it_is_raced("/panic-soon", "message", "the work panicked")]
#[case::after_it_was_deferred("/panic-late", "deferred", "the work panicked")]
#[case::time_was_over("/deaf", "deferred", "given up: its time was over")]
#[tokio::test(start_paused = true)]
async fn a_panic_or_a_deadline_has_its_line(
    #[case] text: &str,
    #[case] reply: &str,
    #[case] error: &str,
) {
    let time_limit = Some(Duration::from_secs(60));
    let world = World::of(Plan { table: FAULTY, time_limit, ..Plan::default() }).await;
    world.and_more();
    let line = line_of(&world, text).await;
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("failed"), &json!("ERROR")));
    assert_eq!((&line["reply"], &line["error"]), (&json!(reply), &json!(error)));
    let followed = line.get("FollowUpFailures").is_some();
    assert_eq!(followed, reply == "deferred");
}

#[tokio::test(start_paused = true)]
async fn an_undelivered_message_is_counted_and_logged_once() {
    listen();
    let world = World::with(slow_lists()).await;
    world.discord.fault(DiscordFault::new(OnDiscord::Any, DiscordWhat::Status(500)).always());
    let line = line_of(&world, "/status").await;
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("failed"), &json!("ERROR")));
    assert!(line["FollowUpFailures"].as_u64() > Some(0), "{line}");
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("the answer could not be delivered"), "{error}");
    assert!(!logged().contains("ERROR"), "{}", logged());
}

/// Lists of runs take longer than the three seconds.
fn slow_lists() -> Scenario {
    let delay = Fault::new(On::RunList, What::Delay(Duration::from_secs(5))).always();
    Scenario { faults: vec![delay], ..Scenario::default() }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_was_not_told_is_counted_and_logged_once() {
    listen();
    let world = World::new().await;
    let refused = DiscordWhat::Refused { status: 403, code: 50013, message: "Missing".to_owned() };
    world.discord.fault(DiscordFault::new(OnDiscord::FollowUp, refused).always());
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let line = world.lines.of(&interaction);
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("failed"), &json!("ERROR")));
    assert_eq!((&line["OutcomesNotTold"], &line["Conclusion"]), (&json!(1), &json!("success")));
    let error = line["error"].as_str().unwrap();
    assert!(error.starts_with("the outcome was not told: "), "{error}");
    assert!(!logged().contains("ERROR"), "{}", logged());
    // The message comes right all the same.
    world.told(&interaction, answer).only_shows("🟢 **Client deploy** succeeded");
    assert_eq!(world.discord.requests().iter().filter(|r| r.method == "POST").count(), 1);
    world.dispatch();
}

#[rstest]
#[case::deploy("/deploy-client", Some("not_dispatched"))]
#[case::deploy_and_wait("/deploy-client wait:true", Some("not_dispatched"))]
#[case::status("/status", None)]
#[case::digest("/status-digest", None)]
#[case::verify("/verify-latest", None)]
#[tokio::test(start_paused = true)]
async fn a_rejected_github_token_is_recorded(#[case] text: &str, #[case] conclusion: Option<&str>) {
    let refused = Fault::status(401, "Bad credentials").on(On::Any).always();
    let world = World::with(Scenario { faults: vec![refused], ..Scenario::default() }).await;
    world.and_more();
    let line = line_of(&world, text).await;
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("failed"), &json!("ERROR")));
    let error = line["error"].as_str().unwrap();
    // What a deploy's requester was told is in the log, too.
    let expected = match conclusion {
        Some(_) => {
            "GitHub refuses the token (401): Bad credentials. It is wrong, expired or revoked."
        }
        None => "GitHub refuses the token (401: Bad credentials)",
    };
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(line.get("Conclusion").and_then(Value::as_str), conclusion);
}

#[tokio::test(start_paused = true)]
async fn a_github_outage_is_recorded() {
    let world = World::named("github-down").await;
    world.and_more();
    let line = line_of(&world, "/deploy-client wait:true").await;
    assert_eq!(line["GithubCalls"], world.github.requests().len());
    assert!(line.get("Conclusion").is_none(), "it is searched for further: {line}");
    world.sweeps(12).await;
    let end = end_of_the_deploy(&world);
    assert_eq!((&end["Outcome"], &end["Conclusion"]), (&json!("failed"), &json!("not_found")));
    assert_eq!(end["error"], "the dispatch's answer was lost, and no run was found");
}

#[tokio::test(start_paused = true)]
async fn the_lowest_remaining_rate_limit_is_recorded() {
    let world = World::new().await;
    world.and_more();
    let before = line_of(&world, "/deploy-client").await["GithubRateLimitLeft"].as_u64().unwrap();
    let line = line_of(&world, "/deploy-client wait:true").await;
    let spent =
        line["GithubCalls"].as_u64().unwrap() - line["github_not_modified"].as_u64().unwrap();
    assert_eq!(line["GithubRateLimitLeft"], before - spent);
}

#[tokio::test(start_paused = true)]
async fn concurrent_interactions_are_counted_separately() {
    let world = World::new().await;
    world.and_more();
    let waits = world.interaction("ada", "/deploy-client wait:true");
    world.deliver(&waits).await;
    world.passes(Duration::from_secs(4)).await;
    let before = world.github.requests().len();
    let delayed = Fault::new(On::RunList, What::Delay(Duration::from_secs(5))).always();
    world.github.fault(delayed);
    let asks = world.interaction("bob", "/status");
    world.deliver(&asks).await;
    world.settle().await;
    let (waits, asks) = (world.lines.of(&waits), world.lines.of(&asks));
    assert!(before > 1);
    let calls = |line: &Value| line["GithubCalls"].as_u64().unwrap();
    let status =
        world.github.requests()[before..].iter().filter(|r| is_of_status(&r.path)).count() as u64;
    assert_eq!(calls(&asks), status);
    assert_eq!(calls(&waits), world.github.requests().len() as u64 - status);
    assert_eq!((&waits["reply"], &asks["reply"]), (&json!("deferred"), &json!("deferred")));
    assert!(asks.get("run_id").is_none() && asks.get("Deploys").is_none());
}

/// Whether only `/status` asks this: workflows and their runs.
fn is_of_status(path: &str) -> bool {
    path.contains("/actions/workflows/") && !path.ends_with("/dispatches")
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_answer_has_its_line() {
    let world = World::of(Plan { table: FAULTY, ..Plan::default() }).await;
    let interaction = world.interaction("ada", "/faulty");
    let answer = std::panic::AssertUnwindSafe(world.post(&interaction)).catch_unwind().await;
    assert!(answer.is_err());
    let line = world.lines.of(&interaction);
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("failed"), &json!("ERROR")));
    assert_eq!(line["error"], "it was never answered");
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_cannot_start_records_every_command_as_failed() {
    let world = World::new().await;
    let mut key = [0; 32];
    hex::decode_to_slice(world.discord.public_key(), &mut key).unwrap();
    let key = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
    let (lines, clock) = (Lines::default(), world.clock());
    let app = App::not_set_up(
        key,
        clock,
        "- GITHUB_REPO is not set".to_owned(),
        None,
        false,
        Arc::new(lines.clone()),
    );
    for request in [world.discord.ping(), world.interaction("ada", "/agents")] {
        let mut http = http::Request::post("/discord");
        for (name, value) in &request.headers {
            http = http.header(name, value);
        }
        app.handle(http.body(request.body.clone()).unwrap(), None).await;
    }
    let lines = lines.all();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["Outcome"], &lines[0]["reply"]), (&json!("answered"), &json!("pong")));
    assert_eq!(
        (&lines[1]["Outcome"], &lines[1]["error"]),
        (&json!("failed"), &json!("not set up"))
    );
    assert_eq!(metrics(&lines[1]), ["Interactions", "TimeToAnswer"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_no_interaction_has_its_own_line() {
    let lines = Lines::default();
    let clock = Arc::new(SystemClock);
    let telemetry = Telemetry::new(Arc::new(lines.clone()), clock);
    let work = async {
        deckhand::telemetry::asks_github();
        deckhand::telemetry::follows_up();
        deckhand::telemetry::not_delivered("the digest", &"Missing Access");
    };
    telemetry.scope(About::digest_of_nobody(), work).await;
    let line = lines.all().remove(0);
    assert_eq!((&line["event"], &line["Command"]), (&json!("digest"), &json!("scheduled-digest")));
    assert_eq!(line["error"], "the digest could not be delivered: Missing Access");
    assert_eq!(metrics(&line), ["FollowUpFailures", "GithubCalls"]);
}

#[tokio::test(start_paused = true)]
async fn outside_lambda_it_is_a_log_line() {
    struct Both(Lines);
    impl Sink for Both {
        fn write(&self, summary: deckhand::telemetry::Summary) {
            Readable.write(summary.clone());
            self.0.write(summary);
        }
    }
    listen();
    let clock = Arc::new(SystemClock);
    let telemetry = Telemetry::new(Arc::new(Both(Lines::default())), clock);
    let refusal = async { deckhand::telemetry::refused(&"not here") };
    telemetry.scope(About::digest_of_nobody(), refusal).await;
    let text = logged();
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(line["message"], "digest");
    assert_eq!((&line["outcome"], &line["error"]), (&json!("refused"), &json!("not here")));
    assert!(line.get("interaction_id").is_none());
}
