//! How messages reach Discord while Discord, or what is in front of it, is in trouble.

mod edits;
mod follow_ups;
mod private;

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use standins::discord::{Fault, Interaction, On, User, What};
use standins::github::Scenario;

use crate::world::{Plan, Told, World};

const BOT_TOKEN: &str = "standin.bot-token-of-the-stories";

/// How long a run takes here.
const RUN: Duration = Duration::from_secs(10);

/// How soon a recovery of Discord's is noticed.
const NOTICED: Duration = Duration::from_secs(9);

fn refused(status: u16, code: u64) -> What {
    What::Refused { status, code, message: "standing in".to_owned() }
}

fn limited(retry_after: f64) -> What {
    What::RateLimited { retry_after }
}

/// A bot with its own token, which may read the channel.
async fn world_with_a_bot() -> World {
    let env = vec![("DISCORD_BOT_TOKEN", BOT_TOKEN.to_owned())];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    world.discord.set_bot_token(BOT_TOKEN);
    world
}

/// Somebody types a command, and this befalls Discord from the answer on.
async fn typed(world: &World, text: &str, then: impl FnOnce(&World)) -> (Interaction, Told) {
    let interaction = world.interaction("ada", text);
    let answer = world.deliver(&interaction).await;
    then(world);
    let told = world.told(&interaction, answer);
    (interaction, told)
}

/// What was told when everything has happened.
async fn in_the_end(world: &World, (interaction, told): (Interaction, Told)) -> Told {
    world.settle().await;
    world.told(&interaction, told.answer)
}

/// Somebody types a deploy with `wait:true`, and this befalls Discord once it is dispatched.
async fn dispatched(world: &World, then: impl FnOnce(&World)) -> (Interaction, Told) {
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    while world.github.requests().is_empty() {
        world.passes(Duration::from_millis(50)).await;
    }
    then(world);
    let told = world.told(&interaction, answer);
    (interaction, told)
}

/// The requests to Discord with this method since the first one.
fn sent(world: &World, method: &str) -> Vec<TimeDelta> {
    let requests = world.discord.requests();
    let of_kind = requests.iter().filter(|request| request.method == method);
    of_kind.map(|request| request.at - requests[0].at).collect()
}

#[rstest]
#[case::no_wait_asked_for(limited(0.0))]
#[case::short_waits(limited(0.4))]
#[case::proxy_limit(What::Proxy { status: 429, retry_after: None })]
#[case::proxy_limit_with_a_wait(What::Proxy { status: 429, retry_after: Some(2) })]
#[case::proxy_limit_with_an_endless_wait(What::Proxy { status: 429, retry_after: Some(3600) })]
#[case::proxy_refusal(What::Proxy { status: 403, retry_after: None })]
#[case::proxy_missing_page(What::Proxy { status: 404, retry_after: None })]
#[case::blocked(refused(403, 40333))]
#[case::outage(What::Status(503))]
#[case::proxy_outage(What::Proxy { status: 521, retry_after: None })]
#[case::no_answers(What::Reset)]
#[tokio::test(start_paused = true)]
async fn the_outcome_arrives_once_when_trouble_of_30_seconds_is_over(
    #[case] what: What,
    #[values("/deploy-client wait:true", "/deploy-client")] text: &str,
) {
    let wait = text.ends_with("wait:true");
    let world = World::named(if wait { "success" } else { "slow-dispatch" }).await;
    let trouble = Duration::from_secs(30);
    let befalls = |w: &World| w.discord.fault_for(trouble, Fault::new(On::Any, what));
    let (interaction, told) =
        if wait { dispatched(&world, befalls).await } else { typed(&world, text, befalls).await };
    world.passes(trouble + NOTICED).await;
    let told = world.told(&interaction, told.answer);
    if wait {
        told.both_say("🟢");
        assert_eq!(told.follow_up().pings, [User::named("ada").id]);
    } else {
        assert!(told.original().content.contains("🚀"), "{}", told.transcript());
        assert!(!told.has_follow_up(), "{}", told.transcript());
    }
    assert!(world.discord.requests().len() < 60, "{}", world.discord.requests().len());
    world.settle().await;
    assert_eq!(world.lines.of(&interaction)["FollowUpFailures"], 0);
    world.dispatch();
}

#[rstest]
#[case::on_lambda(Some(Duration::from_secs(240)))]
#[case::by_a_server(None)]
#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_out_for_a_minute_and_then_left_to_the_sweep(
    #[case] time_limit: Option<Duration>,
) {
    let world = World::of(Plan { time_limit, ..Plan::default() }).await;
    let start = tokio::time::Instant::now();
    let (interaction, told) = dispatched(&world, |world| {
        let outage = Fault::new(On::Any, What::Status(503));
        world.discord.fault_for(Duration::from_secs(300), outage);
    })
    .await;
    world.settle().await;
    let took = start.elapsed() - RUN;
    assert!((55..70).contains(&took.as_secs()), "{took:?}");
    assert_eq!(world.lines.of(&interaction)["Conclusion"], "success");
    assert_eq!(world.lines.of(&interaction)["FollowUpFailures"], 0, "it is not given up");
    for _ in 0..6 {
        world.passes(Duration::from_secs(60)).await;
        world.app.sweep(None).await;
    }
    let told = world.told(&interaction, told.answer);
    told.both_say("🟢");
    assert_eq!(told.follow_up().pings, [User::named("ada").id]);
    world.dispatch();
}

#[rstest]
#[case::short(40, 1)]
#[case::long(100, 0)]
#[tokio::test(start_paused = true)]
async fn while_discord_is_down_nothing_is_dispatched_that_nobody_sees(
    #[case] seconds: u64,
    #[case] dispatches: usize,
) {
    let world = World::new().await;
    let (interaction, told) = typed(&world, "/deploy-client wait:true", |world| {
        let outage = Fault::new(On::Any, What::Status(503));
        world.discord.fault_for(Duration::from_secs(seconds), outage);
    })
    .await;
    world.settle().await;
    for _ in 0..3 {
        world.passes(Duration::from_secs(60)).await;
        world.app.sweep(None).await;
    }
    assert_eq!(world.dispatches().len(), dispatches);
    let told = world.told(&interaction, told.answer);
    told.both_say(if dispatches == 1 { "🟢" } else { "not started" });
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_does_not_wait_for_discord_for_long() {
    let world = World::new().await;
    let (interaction, told) = dispatched(&world, |world| {
        let outage = Fault::new(On::Any, What::Status(503));
        world.discord.fault_for(Duration::from_secs(60), outage);
    })
    .await;
    world.passes(RUN + Duration::from_secs(20)).await;
    let start = tokio::time::Instant::now();
    world.tasks.stop();
    world.settle().await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // The next process tells it.
    world.passes(Duration::from_secs(60)).await;
    world.app.sweep(None).await;
    world.told(&interaction, told.answer).both_say("🟢");
    world.dispatch();
}

#[rstest]
#[case::hanging(What::Delay(Duration::from_secs(9)))]
#[case::late(What::Late(Duration::from_secs(40)))]
#[case::failing(What::Status(500))]
#[case::limited(limited(50.0))]
#[case::refusing(refused(400, 50035))]
#[tokio::test(start_paused = true)]
async fn discord_never_slows_the_looks_at_github(#[case] what: What) {
    let looks = async |what: Option<What>| {
        let world = World::with(Scenario::default()).await;
        if let Some(what) = what {
            world.discord.fault(Fault::new(On::Edit, what).skip(1).always());
        }
        world.types("ada", "/deploy-client wait:true").await;
        world.and_more();
        let requests = world.github.requests();
        let looks = requests.iter().filter(|request| request.method == "GET");
        looks.map(|look| (look.at - requests[0].at).num_seconds()).collect::<Vec<_>>()
    };
    assert_eq!(looks(Some(what)).await, looks(None).await);
}

#[tokio::test(start_paused = true)]
async fn a_global_limit_holds_for_every_request_with_the_same_sign_in() {
    let world = World::new().await;
    let first = typed(&world, "/deploy-client wait:true", |world| {
        let limited = What::RateLimitedGlobally { retry_after: 20.5 };
        world.discord.fault(Fault::new(On::Edit, limited));
    });
    let first = first.await;
    world.passes(Duration::from_secs(2)).await;
    let second = typed(&world, "/deploy-client wait:true", |_| {}).await;
    world.passes(Duration::from_secs(1)).await;
    for typed in [first, second] {
        in_the_end(&world, typed).await.both_say("🟢");
    }
    let edits = sent(&world, "PATCH");
    assert!(edits[1] >= TimeDelta::milliseconds(20_500), "{edits:?}");
    assert_eq!(world.dispatches().len(), 2);
}

#[rstest]
#[case::unknown_webhook(What::UnknownWebhook)]
#[case::no_code(What::Status(404))]
#[tokio::test(start_paused = true)]
async fn a_deferral_that_discord_sees_late_withholds_nothing(
    #[case] what: What,
    #[values("/deploy-client wait:true", "/deploy-client")] text: &str,
) {
    let wait = text.ends_with("wait:true");
    let world = World::named(if wait { "success" } else { "slow-dispatch" }).await;
    let unknown = Fault::new(On::Any, what);
    let typed = typed(&world, text, |world| {
        world.discord.fault_for(Duration::from_secs(20), unknown);
    })
    .await;
    let told = in_the_end(&world, typed).await;
    assert!(!told.original().loading, "{}", told.transcript());
    if wait {
        told.both_say("🟢");
    }
    world.dispatch();
}

#[rstest]
#[case::unknown_webhook(What::UnknownWebhook)]
#[case::dead_interaction(refused(404, 10062))]
#[case::dead_token(refused(401, 50027))]
#[tokio::test(start_paused = true)]
async fn an_interaction_that_discord_never_knows_dispatches_nothing(#[case] what: What) {
    let world = World::new().await;
    world.discord.fault(Fault::new(On::Any, what).always());
    let start = tokio::time::Instant::now();
    let (interaction, _) = typed(&world, "/deploy-client wait:true", |_| {}).await;
    world.settle().await;
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    assert_eq!(world.lines.of(&interaction)["Conclusion"], "nothing_done");
    assert!(world.github.requests().is_empty(), "its user has read that it failed");
    for _ in 0..3 {
        world.passes(Duration::from_secs(60)).await;
        world.app.sweep(None).await;
    }
    assert!(world.github.requests().is_empty());
    assert_eq!(sent(&world, "POST").len(), 0, "nobody is told");
    world.and_more();
}
