//! Runs that Deckhand dispatched have their card, and get no second.

use std::time::Duration;

use chrono::TimeDelta;
use deckhand::deploy::stored::Claim;
use deckhand::store::{Body, Key, put_first};
use serde_json::json;
use standins::github::{Fault, Hook, NewRun, On, Scenario, Timetable, What};

use super::{ALL, MINUTE, agents, of, push, watching};
use crate::world::{World, durable};

const DEPLOY: &str = "/deploy-client wait:true";

#[tokio::test(start_paused = true)]
async fn a_deploy_gets_no_second_card() {
    let (world, _) = watching(&[ALL]).await;
    let told = world.types("ada", DEPLOY).await;
    world.passes(5 * MINUTE).await;
    world.settle().await;
    world.sweeps(1).await;
    assert!(world.cards().is_empty(), "{:#?}", world.cards());
    assert_eq!(world.told_of_cards().len(), 1);
    told.messages();
    world.dispatch();
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn also_when_its_deliveries_come_before_the_dispatch_is_answered() {
    for run_details in [true, false] {
        let (plan, _) = durable(Scenario { run_details, ..Scenario::default() });
        let plan =
            crate::world::Plan { agents: Some(agents(&[ALL])), ..plan }.with_bot().with_webhooks();
        let world = World::durable(plan).await;
        world.and_more();
        world
            .add_hook(Hook { before_answer: true, latency: Duration::from_secs(3), ..world.hook() })
            .await;
        world.types("ada", DEPLOY).await;
        world.passes(5 * MINUTE).await;
        world.settle().await;
        assert!(world.cards().is_empty(), "{:#?}", world.cards());
    }
}

/// The run names carry no ids, and GitHub's answer to the dispatch is lost or names none.
#[tokio::test(start_paused = true)]
async fn also_when_only_the_time_tells_whose_run_it_is() {
    let mut scenario = Scenario { run_details: false, ..Scenario::default() };
    scenario.workflow_mut("client-deploy.yml").run_name = None;
    scenario.timetable =
        Timetable { queued: Duration::from_secs(2), running: 3 * MINUTE, ..Timetable::default() };
    let (plan, _) = durable(scenario);
    let plan =
        crate::world::Plan { agents: Some(agents(&[ALL])), ..plan }.with_bot().with_webhooks();
    let world = World::durable(plan).await;
    world.and_more();
    world.add_hook(world.hook()).await;
    let told = world.types("ada", DEPLOY).await;
    world.passes(5 * MINUTE).await;
    world.settle().await;
    world.sweeps(1).await;
    assert!(told.original().content.contains("matched by time"), "{}", told.transcript());
    assert!(world.cards().is_empty(), "{:#?}", world.cards());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_somebody_dispatched_on_github_has_a_card_once_no_deploy_searches() {
    let (world, _) = watching(&[ALL]).await;
    world.runs(NewRun { event: "workflow_dispatch".to_owned(), ..push("success") }).await;
    let by_hand = NewRun { workflow: "client-deploy.yml".to_owned(), ..push("success") };
    world.runs(NewRun { event: "workflow_dispatch".to_owned(), ..by_hand }).await;
    let cards = world.cards();
    assert_eq!(cards.len(), 2, "{cards:#?}");
    assert!(cards[1].content.contains("`workflow_dispatch` by octocat"), "{}", cards[1].content);
}

/// A deploy whose dispatch failed to be answered claims a run that a watch shows: both cards stay true.
#[tokio::test(start_paused = true)]
async fn a_run_that_a_watch_shows_can_be_rolled_back_to_by_a_re_run() {
    let (world, store) = of(&[ALL], |plan| plan, |hook| hook).await;
    world.and_more();
    let good = NewRun { workflow: "client-deploy.yml".to_owned(), ..push("success") };
    let run = world.runs(good.clone()).await;
    world.runs(NewRun { timetable: push("failure").timetable, ..good }).await;
    assert_eq!(world.cards().len(), 2);
    world.github.fault(Fault::new(On::Dispatch, What::Delay(Duration::from_millis(100))));
    let asked = world.clicks("ada", "Roll back").await;
    assert!(
        asked.original().content.contains("Roll back **Client Deploy** to"),
        "{}",
        asked.transcript()
    );
    let told = world.clicks("ada", "Roll back now").await;
    world.passes(3 * MINUTE).await;
    world.settle().await;
    assert!(told.original().content.contains("**Client deploy**"), "{}", told.transcript());
    let deploys = store.deploys().await;
    assert_eq!(deploys.len(), 1, "{deploys:#?}");
    assert_eq!(deploys[0].run.as_ref().map(|of| of.id), Some(run));
    // Its card tells of the later attempt too.
    let cards = world.cards();
    let shown = cards.iter().find(|card| card.content.contains(&format!("/runs/{run}>"))).unwrap();
    assert!(shown.content.contains("(attempt 2)"), "{}", shown.content);
}

/// However a watch came to show it first.
#[tokio::test(start_paused = true)]
async fn a_deploy_claims_a_run_that_a_watch_shows_already() {
    let (world, store) = watching(&[ALL]).await;
    let other = world.github.add_run(NewRun { branch: "other".to_owned(), ..push("success") });
    let until = world.clock().now() + TimeDelta::days(1);
    for run in other + 1..other + 2000 {
        let card =
            json!({"agent": "watch-0123456789abcdef", "interaction_id": "1300000000000000000"});
        let body = Body::from_iter([("watched".to_owned(), json!([card]))]);
        let key = Key::new(format!("run#octo-org/web-client#{run}"), "run");
        put_first(store.as_ref(), key, body, until).await.unwrap();
    }
    let told = world.types("ada", DEPLOY).await;
    world.passes(3 * MINUTE).await;
    world.settle().await;
    assert!(told.original().content.contains("Run #"), "{}", told.transcript());
    assert_eq!(store.end().await, "success");
    let run = store.deploys().await[0].run.as_ref().unwrap().id;
    assert!(run > other && run < other + 2000, "{run}");
    let claim =
        Claim::read(store.as_ref(), &"octo-org/web-client".parse().unwrap(), run).await.unwrap();
    assert_eq!((claim.deploy.unwrap().agent.as_str(), claim.watched.len()), ("deploy_client", 1));
    world.dispatch();
    world.and_more();
}
