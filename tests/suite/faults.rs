//! What goes wrong at GitHub and at Discord.

use std::sync::Arc;
use std::time::Duration;

use deckhand::store::Memory;
use rstest::rstest;
use standins::discord::{Fault as DiscordFault, On as OnDiscord, What as DiscordWhat};
use standins::github::{Fault, On, Scenario, Timetable, What};

use crate::world::{Plan, Remembers, World};

fn lost(status: Option<u16>) -> Fault {
    Fault::new(On::Dispatch, What::AnswerLost { status })
}

#[rstest]
#[case::connection_dropped(lost(None))]
#[case::bad_gateway(lost(Some(502)))]
#[case::server_error(lost(Some(500)))]
#[case::timeout(Fault::new(On::Dispatch, What::Delay(Duration::from_secs(30))))]
#[tokio::test(start_paused = true)]
async fn a_lost_dispatch_answer_never_deploys_twice(
    #[case] fault: Fault,
    #[values("", " wait:true")] wait: &str,
) {
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    let interaction = world.interaction("ada", &format!("/deploy-client{wait}"));
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let told = world.told(&interaction, answer);
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    assert!(told.original().content.contains(&run), "{}", told.transcript());
    assert!(told.original().content.contains("matched by correlation id"));
    if !wait.is_empty() {
        return told.tells_once("🟢 **Client deploy** succeeded");
    }
    // Found after the answer's time or before, it is followed to its end.
    world.sweeps(3).await;
    let told = world.told_since(&interaction, told);
    told.only_shows("🟢 **Client deploy** succeeded");
    world.dispatch();
}

#[rstest]
#[case::dropped(Fault::new(On::Dispatch, What::Reset).always())]
#[case::bad_gateway(Fault::bad_gateway().on(On::Dispatch).always())]
#[tokio::test(start_paused = true)]
async fn an_uncertain_dispatch_is_not_sent_again_and_the_user_is_told(
    #[case] fault: Fault,
    #[values("", " wait:true")] wait: &str,
) {
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    let interaction = world.interaction("ada", &format!("/deploy-client{wait}"));
    let answer = world.deliver(&interaction).await;
    // After half a minute it is said that it is unknown so far.
    world.passes(Duration::from_secs(34)).await;
    let told = world.told(&interaction, answer);
    told.only_shows(
        "⚠️ **Client deploy**: it is unknown whether it started. GitHub's answer was lost, and no run with \
         its correlation id showed up.\nIt is not sent again. Deckhand goes on looking",
    );
    world.settle().await;
    world.sweeps(10).await;
    let told = world.told_since(&interaction, told);
    let end = "⚠️ **Client deploy**: it is unknown whether it started. GitHub's answer was lost, and no run with \
               its correlation id showed up.\nIt was not sent again.";
    if wait.is_empty() {
        told.only_shows(end);
    } else {
        told.tells_once(end);
    }
    let posts = world.github.requests().iter().filter(|r| r.method == "POST").count();
    assert_eq!(posts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_dispatch_whose_run_shows_up_after_minutes_is_followed_to_its_end() {
    let timetable = Timetable { appears: Duration::from_secs(400), ..Timetable::default() };
    let faults = vec![lost(Some(502))];
    let world = World::with(Scenario { faults, timetable, ..Scenario::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let told = world.told(&interaction, answer);
    told.only_shows("⚠️ **Client deploy**: it is unknown whether it started. GitHub's answer was lost, and no run");
    world.sweeps(9).await;
    let told = world.told_since(&interaction, told);
    told.tells_once("🟢 **Client deploy** succeeded");
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    assert!(told.original().content.contains(&run), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_replayed_interaction_never_deploys_twice() {
    for text in ["/deploy-client", "/deploy-client wait:true"] {
        let world = World::new().await;
        let interaction = world.interaction("ada", text);
        let first = world.deliver(&interaction).await;
        let (_, at_once) = world.post(&interaction).await;
        world.settle().await;
        let (_, late) = world.post(&interaction).await;
        world.dispatch();
        for replay in [at_once, late] {
            assert_eq!(replay["type"], 4);
            let content = replay["data"]["content"].as_str().unwrap();
            assert!(content.contains("was taken already"), "{content}");
        }
        let told = world.told(&interaction, first);
        for message in told.messages() {
            assert!(!message.content.contains("taken already"), "{}", message.content);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_in_a_new_process_dispatches_and_posts_nothing_twice() {
    let remembers = Remembers::In(Arc::new(Memory::default()));
    let mut world = World::of(Plan { remembers, ..Plan::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let first = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(1)).await;
    let other_process = world.tasks.clone();
    world.restart();
    let (_, replay) = world.post(&interaction).await;
    let content = replay["data"]["content"].as_str().unwrap();
    assert!(content.contains("was taken already") && content.contains("under way"), "{content}");
    other_process.drained().await;
    let told = world.told(&interaction, first);
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    assert!(told.original().content.contains(&run));
    assert!(told.original().content.contains("🟢"));
    assert!(told.follow_up().content.contains("🟢"));
}

#[rstest]
#[case::one_failed_look(Fault::bad_gateway().on(On::RunGet))]
#[case::many_failed_looks(Fault::bad_gateway().on(On::RunGet).times(5))]
#[case::dropped_connections(Fault::new(On::RunGet, What::Reset).times(3))]
#[case::garbage(Fault::new(On::RunGet, What::Garbage).times(2))]
#[case::half_an_answer(Fault::new(On::RunGet, What::Truncated).times(2))]
#[case::no_answer_in_time(Fault::new(On::RunGet, What::Delay(Duration::from_secs(15))).times(2))]
#[case::not_there_yet(Fault::status(404, "Not Found").on(On::RunGet).times(3))]
#[case::too_many(Fault::too_many(Duration::from_secs(20)).on(On::RunGet).times(2))]
#[case::secondary(Fault::secondary(Duration::from_secs(30)).on(On::RunGet).times(2))]
#[case::primary(Fault::rate_limited_primary(Duration::from_secs(40)).on(On::RunGet).times(2))]
#[tokio::test(start_paused = true)]
async fn a_failed_poll_never_ends_a_wait(#[case] fault: Fault) {
    let world = World::with(Scenario { faults: vec![fault.skip(1)], ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_for_as_long_as_retry_after_says() {
    let fault = Fault::too_many(Duration::from_secs(45)).on(On::RunGet);
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
    let looks: Vec<_> = world.github.requests().iter().map(|r| r.at).collect();
    let pause = looks[2] - looks[1];
    assert!((45..=46).contains(&pause.num_seconds()), "{pause}");
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_that_comes_again_ends_no_wait() {
    let fault = Fault::too_many(Duration::from_secs(5)).on(On::RunGet).times(8);
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    world
        .types("ada", "/deploy-client wait:true")
        .await
        .tells_once("🟢 **Client deploy** succeeded");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_past_the_wait_is_sat_out_and_the_end_is_told() {
    let fault = Fault::too_many(Duration::from_secs(600)).on(On::RunGet);
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let told = world.told(&interaction, answer);
    told.only_shows("⏱️ **Client deploy**: still running after 3m 0s. It goes on");
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    assert!(told.original().content.contains(&run), "{}", told.transcript());
    world.sweeps(6).await;
    let looks = world.github.requests().iter().filter(|r| r.method == "GET").count();
    assert_eq!(looks, 1, "nothing is asked before the time is over");
    world.sweeps(2).await;
    let told = world.told_since(&interaction, told);
    told.tells_once("🟢 **Client deploy** succeeded");
}

fn limited(name: &str, value: &str) -> Fault {
    let headers = vec![(name.to_owned(), value.to_owned())];
    let body = serde_json::json!({"message": "API rate limit exceeded"});
    Fault::new(On::Any, What::Status { code: 429, headers, body }).always()
}

#[rstest]
#[case(limited("retry-after", "9223372036854775807"))]
#[case(limited("retry-after", "1e300"))]
#[case(limited("x-ratelimit-reset", "18446744073709551615"))]
#[tokio::test(start_paused = true)]
async fn a_rate_limit_of_any_length_causes_no_internal_error(
    #[case] fault: Fault,
    #[values(0, 1)] skip: usize,
    #[values("", " wait:true")] wait: &str,
) {
    let faults = vec![fault.skip(skip)];
    let world = World::with(Scenario { faults, ..Scenario::default() }).await;
    let told = world.types("ada", &format!("/deploy-client{wait}")).await;
    for message in told.messages() {
        assert!(!message.content.contains("💥") && !message.loading, "{}", message.content);
    }
    assert_eq!(world.dispatches().len(), skip, "the dispatch itself may be limited");
}

#[tokio::test(start_paused = true)]
async fn a_token_in_an_error_of_githubs_is_redacted() {
    let message = format!("bad header Bearer {}", crate::world::TOKEN);
    let fault = Fault::status(422, &message).on(On::Dispatch).always();
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("bad header Bearer \\[token\\]"));
}

#[rstest]
#[case::permission(Fault::forbidden(), "permission Actions: read and write")]
#[case::unauthorized(Fault::status(401, "Bad credentials"), "Renew `GITHUB_TOKEN`")]
#[case::no_workflow(
    Fault::status(404, "Not Found"),
    "does not know the workflow `client-deploy.yml`"
)]
#[case::inputs(
    Fault::status(422, "Unexpected inputs provided: [\"x\"]"),
    "Unexpected inputs provided"
)]
#[case::no_ref(Fault::status(422, "No ref found for: main"), "No ref found for: main")]
#[tokio::test(start_paused = true)]
async fn a_refused_dispatch_says_what_to_do_and_is_not_sent_again(
    #[case] fault: Fault,
    #[case] what: &str,
    #[values("", " wait:true")] wait: &str,
) {
    let fault = fault.on(On::Dispatch).always();
    let scenario = Scenario { faults: vec![fault], ..Scenario::default() };
    let env = vec![("ADMIN_USER_IDS", standins::discord::User::named("ada").id)];
    let world = World::of(Plan { scenario, env, ..Plan::default() }).await;
    let told = world.types("ada", &format!("/deploy-client{wait}")).await;
    let content = &told.original().content;
    assert!(content.contains("not started"), "{content}");
    assert!(content.contains(what), "{content}");
    assert_eq!(world.github.requests().len(), 1);
    if !wait.is_empty() {
        assert!(!told.has_follow_up(), "the same twice: {}", told.transcript());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limited_dispatch_is_sent_when_the_limit_is_over() {
    let fault = Fault::too_many(Duration::from_secs(20)).on(On::Dispatch).times(2);
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn when_github_is_down_the_user_is_told() {
    let world = World::named("github-down").await;
    for text in ["/deploy-client", "/deploy-client wait:true"] {
        let told = world.types("ada", text).await;
        for message in told.messages() {
            assert!(message.content.contains("GitHub") && !message.loading, "{}", message.content);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_retried_and_then_reported() {
    // A port that nothing listens on.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let env = vec![("GITHUB_API_BASE", format!("http://{closed}"))];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.only_shows("🔴 **Client deploy**: not started. GitHub cannot be reached");
}

#[rstest]
#[case::rate_limited(DiscordFault::new(OnDiscord::Any, DiscordWhat::RateLimited { retry_after: 2.5 }).times(2))]
#[case::fault(DiscordFault::new(OnDiscord::Any, DiscordWhat::Status(503)).times(3))]
#[case::not_there_yet(DiscordFault::new(OnDiscord::Edit, DiscordWhat::UnknownWebhook).times(3))]
#[case::dropped(DiscordFault::new(OnDiscord::Edit, DiscordWhat::Reset).times(2))]
#[tokio::test(start_paused = true)]
async fn a_message_that_discord_refuses_at_first_is_retried(#[case] fault: DiscordFault) {
    let world = World::new().await;
    world.discord.fault(fault);
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("🟢"), "{}", told.transcript());
    assert!(told.follow_up().content.contains("🟢"));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_rate_limited_progress_edit_does_not_delay_the_outcome() {
    let world = World::new().await;
    let fault = DiscordFault::new(OnDiscord::Edit, DiscordWhat::RateLimited { retry_after: 50.0 });
    world.discord.fault(fault);
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_whose_answer_was_lost_is_not_posted_twice() {
    let world = World::new().await;
    let delay = DiscordWhat::Delay(Duration::from_secs(30));
    world.discord.fault(DiscordFault::new(OnDiscord::FollowUp, delay));
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn when_the_answer_cannot_be_edited_it_comes_as_a_follow_up() {
    let world = World::named("slow-dispatch").await;
    world.discord.fault(DiscordFault::new(OnDiscord::Edit, DiscordWhat::Status(500)).always());
    let told = world.types("ada", "/deploy-client").await;
    // Discord puts the first follow-up in the place of "thinking…".
    assert!(told.original().content.contains("🚀"), "{}", told.transcript());
    assert!(!told.has_follow_up(), "{}", told.transcript());
    world.dispatch();
}

#[rstest]
#[case::first_edit(0, "not started", 0)]
#[case::later_edits(1, "🟢", 1)]
#[tokio::test(start_paused = true)]
async fn when_the_message_cannot_be_edited_the_outcome_is_told_all_the_same(
    #[case] skip: usize,
    #[case] expected: &str,
    #[case] dispatches: usize,
) {
    let world = World::new().await;
    let fault = DiscordFault::new(OnDiscord::Edit, DiscordWhat::Status(500)).always();
    world.discord.fault(fault.skip(skip));
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    world.passes(Duration::from_secs(60)).await;
    world.app.sweep(None).await;
    let told = world.told(&interaction, answer);
    assert!(told.follow_up().content.contains(expected), "{}", told.transcript());
    assert_eq!(told.follow_up().pings.len(), 1);
    assert_eq!(world.dispatches().len(), dispatches);
    world.and_more();
}

#[rstest]
#[case::limited(DiscordWhat::RateLimited { retry_after: 30.0 })]
#[case::hanging(DiscordWhat::Delay(Duration::from_secs(60)))]
#[tokio::test(start_paused = true)]
async fn a_delayed_edit_does_not_withhold_the_outcome(#[case] what: DiscordWhat) {
    let world = World::new().await;
    // But the first: nothing is dispatched before the message is on screen.
    world.discord.fault(DiscordFault::new(OnDiscord::Edit, what).skip(1).always());
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    // The run takes 7 s; shown progress that fails may hold it up for as long again.
    world.passes(Duration::from_secs(40)).await;
    let told = world.told(&interaction, answer);
    assert!(told.messages().iter().any(|m| m.content.contains("🟢")), "{}", told.transcript());
    world.settle().await;
    world.dispatch();
    // An edit that was only answered late has changed the message meanwhile.
    world.and_more();
}
