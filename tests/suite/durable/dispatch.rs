//! The dispatch: sent once, and only for somebody who sees what comes of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deckhand::host::http::Received;
use deckhand::store::Committed;
use rstest::rstest;
use standins::Request;
use standins::discord::{Endpoint, Fault, Interaction, On, What};
use standins::github::Scenario;

use super::{MINUTE, Typed, WAIT, seconds};
use crate::world::{Blow, World, at, durable};

fn posted(requests: &[Request], path_end: &str) -> DateTime<Utc> {
    let found = requests.iter().find(|request| request.path.ends_with(path_end));
    found.expect("it was sent").at
}

#[tokio::test(start_paused = true)]
async fn the_message_is_on_screen_before_the_dispatch() {
    let (plan, _) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    world.discord.fault(Fault::new(On::Edit, What::Delay(seconds(2))));
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    let shown_at = posted(&world.discord.requests(), "/messages/@original");
    let sent_at = posted(&world.github.requests(), "/dispatches");
    assert!(sent_at - shown_at >= TimeDelta::seconds(2), "{}", sent_at - shown_at);
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_takes_long_to_show_is_waited_for() {
    let (plan, _) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    world.discord.fault_for(seconds(20), Fault::new(On::Edit, What::Status(503)));
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    let sent = posted(&world.github.requests(), "/dispatches");
    let begun = world.discord.requests()[0].at;
    assert!(sent - begun >= TimeDelta::seconds(19), "{}", sent - begun);
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

fn refused(status: u16, code: u64) -> What {
    What::Refused { status, code, message: "standing in".to_owned() }
}

#[rstest]
#[case::unknown_webhook(What::UnknownWebhook)]
#[case::unknown_interaction(refused(404, 10062))]
#[case::invalid_token(refused(401, 50027))]
#[tokio::test(start_paused = true)]
async fn a_dead_interaction_dispatches_nothing(
    #[case] what: What,
    #[values(true, false)] has_bot: bool,
) {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(if has_bot { plan.with_bot() } else { plan }).await;
    world.discord.fault(Fault::new(On::Any, what).always());
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(3).await;
    assert!(world.github.requests().is_empty());
    assert_eq!(store.end().await, "nothing_done");
    assert!(world.posts().is_empty(), "nobody is told of what he was told otherwise");
    assert!(typed.shown(&world).loading);
    let took = world.discord.requests().last().unwrap().at - world.discord.requests()[0].at;
    assert!(took < TimeDelta::minutes(1), "{took}");
}

#[tokio::test(start_paused = true)]
async fn an_interaction_that_discord_knows_a_moment_later_is_dispatched() {
    let (plan, _) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    world.discord.fault_for(seconds(3), Fault::new(On::Any, What::UnknownWebhook));
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

/// As API Gateway hands it on: the request reached AWS this long after its creation.
fn received(world: &World, interaction: &Interaction, after: TimeDelta) -> Endpoint {
    let Endpoint::Direct(bot) = world.endpoint() else { panic!("it is in this process") };
    let id: u64 = interaction.id.parse().unwrap();
    let created = DateTime::from_timestamp_millis((id >> 22) as i64 + 1_420_070_400_000).unwrap();
    Endpoint::Direct(std::sync::Arc::new(move |mut request| {
        request.extensions_mut().insert(Received(created + after));
        bot(request)
    }))
}

#[rstest]
#[case::in_time(2_900, true)]
#[case::late(3_001, false)]
#[case::very_late(60_000, false)]
#[tokio::test(start_paused = true)]
async fn the_time_at_the_gateway_decides(
    #[case] ms: i64,
    #[case] is_dispatched: bool,
    #[values(WAIT, "/deploy-client")] text: &str,
) {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    let interaction = world.interaction("ada", text);
    let endpoint = received(&world, &interaction, TimeDelta::milliseconds(ms));
    let answer = world.discord.deliver(&interaction, &endpoint).await;
    world.settle().await;
    world.sweeps(3).await;
    assert_eq!(world.dispatches().len(), usize::from(is_dispatched));
    if is_dispatched {
        world.and_more();
    } else {
        assert_eq!(at(&answer, "/type"), 4);
        let told = world.told(&interaction, answer);
        assert!(told.original().ephemeral);
        assert!(told.original().content.contains("after Discord's three seconds"));
        assert!(store.deploys().await.is_empty(), "there never was one");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_slow_table_dispatches_nothing_later(#[values(WAIT, "/deploy-client")] text: &str) {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    store.is_slow(seconds(5));
    let typed = Typed::by(&world, "ada", text).await;
    store.is_slow(Duration::ZERO);
    let said = typed.shown(&world);
    assert!(said.ephemeral && said.content.contains("Nothing was done"), "{}", said.content);
    world.settle().await;
    world.sweeps(3).await;
    assert!(world.github.requests().is_empty());
    assert_eq!(store.end().await, "nothing_done");
    let still = typed.shown(&world);
    assert_eq!((still.content, still.edits), (said.content, 0));
    assert!(world.posts().is_empty());
}

#[rstest]
#[case::soon(seconds(10))]
#[case::when_the_interaction_is_over(20 * MINUTE)]
#[tokio::test(start_paused = true)]
async fn a_begin_that_lands_late_leaves_no_deploy_that_never_was(#[case] after: Duration) {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    store.holds_up(1);
    let typed = Typed::by(&world, "ada", WAIT).await;
    let said = typed.shown(&world);
    assert!(said.ephemeral && said.content.contains("Nothing was done"), "{}", said.content);
    world.settle().await;
    // She types it again, and that is another deploy.
    let again = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    again.was_told(&world, "ada", "🟢");
    world.passes(after).await;
    assert_eq!(store.lets_land().await, [Ok(Committed::Done)]);
    world.sweeps(3).await;
    let words: Vec<_> = store.deploys().await.into_iter().map(|deploy| deploy.state).collect();
    assert_eq!(words.len(), 2);
    assert!(format!("{:?}", words[1]).contains("nothing_done"), "{words:?}");
    let still = typed.shown(&world);
    assert_eq!((still.content, still.edits), (said.content, 0));
    assert_eq!(world.posts().len(), 1);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_begin_whose_answer_was_lost_leaves_none_either() {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    store.loses_answers(1);
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(3).await;
    assert!(world.github.requests().is_empty());
    assert_eq!(store.end().await, "nothing_done");
    assert!(typed.shown(&world).content.contains("Nothing was done"));
    assert!(world.posts().is_empty());
}

/// The calls of a wait until its dispatch is answered.
const BEGIN: usize = 1;
const ON_SCREEN: usize = 2;
const DISPATCHING: usize = 4;
const DISPATCH: usize = 6;

/// Somebody waits, and the process meets a blow right after this call of its own.
async fn struck(world: &mut World, blow: Blow, after: usize) -> Typed {
    world.life.meets(blow, after);
    let typed = Typed::by(world, "ada", WAIT).await;
    world.life.struck().await;
    world.restart();
    typed
}

#[tokio::test(start_paused = true)]
async fn killed_before_the_message_was_on_screen() {
    let (plan, store) = durable(Scenario::default());
    let mut world = World::durable(plan.with_bot()).await;
    struck(&mut world, Blow::Dies, BEGIN).await;
    world.sweeps(3).await;
    assert!(world.github.requests().is_empty());
    assert_eq!(store.end().await, "nothing_done");
    assert!(world.posts().is_empty(), "Discord told her that nobody answered");
    // "The application did not respond."
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn killed_between_the_request_and_the_dispatch() {
    let (plan, store) = durable(Scenario::default());
    let mut world = World::durable(plan.with_bot()).await;
    let typed = struck(&mut world, Blow::Dies, ON_SCREEN).await;
    typed.shows(&world, "starting…");
    world.sweeps(3).await;
    assert!(world.github.requests().is_empty());
    assert_eq!(store.end().await, "nothing_done");
    typed.shows(&world, "not started");
    typed.was_told(&world, "ada", "not started");
}

#[tokio::test(start_paused = true)]
async fn killed_before_github_got_the_dispatch() {
    let (plan, store) = durable(Scenario::default());
    let mut world = World::durable(plan.with_bot()).await;
    let typed = struck(&mut world, Blow::Dies, DISPATCHING).await;
    world.sweeps(4).await;
    typed.shows(&world, "it is unknown whether it started");
    world.sweeps(9).await;
    assert_eq!(store.end().await, "not_found");
    typed.was_told(&world, "ada", "it is unknown whether it started");
    typed.shows(&world, "it is unknown whether it started");
    assert!(world.dispatches().is_empty());
}

#[rstest]
#[case::github_lists_all(Scenario::default())]
#[case::its_filters_lag(Scenario { filters_lag: 5 * MINUTE, ..Scenario::default() })]
#[tokio::test(start_paused = true)]
async fn killed_after_github_got_the_dispatch(#[case] scenario: Scenario) {
    let (plan, store) = durable(scenario);
    let mut world = World::durable(plan.with_bot()).await;
    let typed = struck(&mut world, Blow::Dies, DISPATCH).await;
    world.sweeps(3).await;
    assert_eq!(store.end().await, "success");
    typed.shows(&world, "matched by correlation id");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[rstest]
#[case::before_github_got_the_dispatch(DISPATCHING)]
#[case::after_github_got_it(DISPATCH)]
#[tokio::test(start_paused = true)]
async fn frozen_in_the_dispatch_and_thawed_when_others_acted(#[case] call: usize) {
    let (plan, store) = durable(Scenario::default());
    let mut world = World::durable(plan.with_bot()).await;
    let old = world.tasks.clone();
    let typed = struck(&mut world, Blow::Freezes(3 * MINUTE), call).await;
    world.sweeps(2).await;
    // Now the frozen process goes on.
    world.sweeps(12).await;
    old.drained().await;
    if call == DISPATCH {
        world.dispatch();
        typed.was_told(&world, "ada", "🟢");
    } else {
        assert!(world.dispatches().is_empty(), "it was given up meanwhile");
        typed.was_told(&world, "ada", "it is unknown whether it started");
    }
    assert_eq!(store.deploys().await.len(), 1);
    assert_eq!(typed.shown(&world).pings, [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_a_deploy_that_goes_on_is_not_done_twice() {
    let (plan, _) = durable(super::ending("success", MINUTE));
    let mut world = World::durable(plan.with_bot()).await;
    let interaction = world.interaction("ada", WAIT);
    let answer = world.deliver(&interaction).await;
    world.passes(seconds(10)).await;
    world.restart();
    let (status, body) = world.post(&interaction).await;
    assert_eq!((status, &body["type"]), (200, &serde_json::json!(4)));
    let said = body["data"]["content"].as_str().unwrap();
    assert!(said.contains("It is under way since") && said.contains("/actions/runs/"), "{said}");
    world.passes(MINUTE).await;
    let typed = Typed { interaction, answer };
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    assert_eq!(typed.told(&world).original().pings, [] as [String; 0]);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_shown_for_minutes_is_not_dispatched_later() {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.discord.fault_for(5 * MINUTE, Fault::new(On::Any, What::Status(503)));
    world.settle().await;
    world.sweeps(8).await;
    assert!(world.github.requests().is_empty());
    assert_eq!(store.end().await, "nothing_done");
    typed.shows(&world, "not started");
    typed.was_told(&world, "ada", "not started");
}
