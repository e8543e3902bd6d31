//! Which run is mine?

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use standins::github::{Fault, NewRun, On, Scenario, Timetable, Title, What};

use crate::world::{Plan, Told, World};

/// The run that was dispatched, and none besides, is linked.
fn reports_only(told: &Told, run_id: u64) {
    for message in told.messages() {
        let linked: Vec<_> = message.content.match_indices("/actions/runs/").collect();
        for (place, _) in linked {
            assert!(
                message.content[place..].starts_with(&format!("/actions/runs/{run_id}")),
                "{}",
                message.content
            );
        }
    }
}

fn reports_none(told: &Told) {
    for message in told.messages() {
        assert!(!message.content.contains("/actions/runs/"), "{}", message.content);
    }
    assert!(told.original().content.contains("/actions/workflows/client-deploy.yml"));
}

#[rstest]
#[case::title_in_display_title(Title::DisplayTitle)]
#[case::title_in_name(Title::NameOnly)]
#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_ours_is_never_reported(#[case] title: Title) {
    // The twins are newer, of the same account, and end otherwise.
    let scenario = Scenario { run_details: false, twins: 3, title, ..Scenario::default() };
    let world = World::with(scenario).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("🟢 **Client deploy** succeeded"));
    assert!(told.original().content.contains("matched by correlation id"));
    reports_only(&told, world.dispatch().run_id);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_appears_is_not_replaced_by_another() {
    let timetable = Timetable { appears: Duration::from_secs(100_000), ..Timetable::default() };
    let world =
        World::with(Scenario { run_details: false, timetable, ..Scenario::default() }).await;
    for minutes in [-1, 0] {
        world.github.add_run(NewRun {
            title: "Client Deploy — 0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d by bob#2".to_owned(),
            actor: "deckhand-bot".to_owned(),
            created: TimeDelta::minutes(minutes),
            ..NewRun::default()
        });
    }
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let told = world.told(&interaction, answer);
    told.only_shows(NOT_YET);
    reports_none(&told);
    world.sweeps(5).await;
    let told = world.told_since(&interaction, told);
    told.only_shows(NOT_YET);
    world.sweeps(5).await;
    let told = world.told_since(&interaction, told);
    told.tells_once(NEVER);
    reports_none(&told);
    world.dispatch();
}

/// At the wait's end.
const NOT_YET: &str = "⏱️ **Client deploy**: its run has not shown up after 3m 0s. Deckhand goes on looking; what \
                       comes of it will be told here.";

/// After ten minutes.
const NEVER: &str = "⚠️ **Client deploy**: started, but its run did not show up in time.";

#[tokio::test(start_paused = true)]
async fn two_people_deploying_at_once_each_get_their_own_run() {
    for run_details in [true, false] {
        let world = World::with(Scenario { run_details, ..Scenario::default() }).await;
        let (ada, bob) = (
            world.interaction("ada", "/deploy-client wait:true"),
            world.interaction("bob", "/deploy-client wait:true"),
        );
        let (to_ada, to_bob) = tokio::join!(world.deliver(&ada), world.deliver(&bob));
        world.settle().await;
        let told = [world.told(&ada, to_ada), world.told(&bob, to_bob)];
        let dispatches = world.dispatches();
        assert_eq!(dispatches.len(), 2);
        for (told, name) in told.iter().zip(["ada", "bob"]) {
            let theirs = |d: &&standins::github::Dispatch| {
                d.inputs["requester"].as_str().unwrap().starts_with(name)
            };
            let dispatch = dispatches.iter().find(theirs).unwrap();
            let id = dispatch.inputs["correlation_id"].as_str().unwrap();
            assert!(told.original().content.contains(id));
            assert!(told.follow_up().content.contains("🟢"));
            reports_only(told, dispatch.run_id);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_appears_late_is_found() {
    let world = World::named("late-run").await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("🟢 **Client deploy** succeeded"));
    reports_only(&told, world.dispatch().run_id);
}

#[rstest]
#[case(400)]
#[case(422)]
#[tokio::test(start_paused = true)]
async fn a_dispatch_is_repeated_without_run_details_where_a_server_rejects_them(
    #[case] status: u16,
) {
    let scenario = Scenario { enterprise_server: Some(status), ..Scenario::default() };
    let world = World::with(scenario).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("🟢 **Client deploy** succeeded"));
    reports_only(&told, world.dispatch().run_id);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_correlation_id_is_matched_by_time_and_the_message_says_so() {
    let world = World::named("no-correlation-id").await;
    // Neither an older run of ours nor a newer one of somebody else fits.
    world.github.add_run(NewRun {
        actor: "deckhand-bot".to_owned(),
        created: TimeDelta::seconds(-30),
        ..NewRun::default()
    });
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.github.add_run(NewRun { actor: "bob".to_owned(), ..NewRun::default() });
    world.settle().await;
    let told = world.told(&interaction, answer);
    assert!(told.original().content.contains("matched by time"), "{}", told.transcript());
    assert!(told.original().content.contains("🟢"));
    reports_only(&told, world.dispatch().run_id);
}

#[tokio::test(start_paused = true)]
async fn two_runs_that_fit_are_ambiguous_and_none_is_reported() {
    let world = World::named("ambiguous").await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("ambiguous, 3 runs"), "{}", told.transcript());
    reports_none(&told);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_second_match_a_moment_later_makes_it_ambiguous() {
    let scenario = Scenario::named("no-correlation-id").unwrap();
    let world = World::with(scenario).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(2)).await;
    world.github.add_run(NewRun { actor: "deckhand-bot".to_owned(), ..NewRun::default() });
    world.settle().await;
    let told = world.told(&interaction, answer);
    assert!(told.original().content.contains("ambiguous, 2 runs"), "{}", told.transcript());
    reports_none(&told);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_run_without_an_id_is_not_matched_where_run_names_carry_ids() {
    // Our run is late; somebody with the same account has started one by hand meanwhile.
    let world = World::named("late-run").await;
    world.github.add_run(NewRun {
        title: "Client Deploy — 0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d by bob#2".to_owned(),
        created: TimeDelta::hours(-1),
        ..NewRun::default()
    });
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    let by_hand = NewRun { actor: "deckhand-bot".to_owned(), ..NewRun::default() };
    world.github.add_run(by_hand);
    world.settle().await;
    let told = world.told(&interaction, answer);
    assert!(told.original().content.contains("matched by correlation id"), "{}", told.transcript());
    reports_only(&told, world.dispatch().run_id);
}

#[rstest]
#[case::app_installation(Fault::forbidden().on(On::User).always(), false)]
#[case::server_without_the_route(Fault::status(404, "Not Found").on(On::User).always(), true)]
#[tokio::test(start_paused = true)]
async fn a_run_of_another_account_is_not_matched_if_our_account_is_known(
    #[case] fault: Fault,
    #[case] found: bool,
) {
    // An installation may not ask who it is, but it is a bot; the stand-in's account is a user.
    let world = World::named("no-correlation-id").await;
    world.github.fault(fault);
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let mut told = world.told(&interaction, answer);
    if !found {
        told.only_shows(NOT_YET);
        world.sweeps(10).await;
        told = world.told_since(&interaction, told);
        reports_none(&told);
    }
    told.tells_once(if found { "🟢 **Client deploy** succeeded" } else { NEVER });
    assert_eq!(told.original().content.contains("matched by time"), found, "{}", told.transcript());
    world.dispatch();
}

#[rstest]
#[case::ahead(TimeDelta::hours(5))]
#[case::behind(TimeDelta::minutes(-90))]
#[tokio::test(start_paused = true)]
async fn the_time_window_uses_githubs_clock(#[case] clock_skew: TimeDelta) {
    let base = Scenario::named("no-correlation-id").unwrap();
    let world = World::with(Scenario { clock_skew, ..base }).await;
    world.github.add_run(NewRun {
        actor: "deckhand-bot".to_owned(),
        created: TimeDelta::seconds(-10),
        ..NewRun::default()
    });
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("matched by time"), "{}", told.transcript());
    reports_only(&told, world.dispatch().run_id);
}

#[tokio::test(start_paused = true)]
async fn every_page_of_the_window_is_read_and_none_beyond_it() {
    let timetable = Timetable { appears: Duration::from_secs(2), ..Timetable::default() };
    let world =
        World::with(Scenario { run_details: false, timetable, ..Scenario::default() }).await;
    for n in 0..250 {
        world.github.add_run(NewRun { created: TimeDelta::minutes(-5 - n), ..NewRun::default() });
    }
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    // 150 newer ones push ours to the second page before it is looked for.
    for _ in 0..150 {
        world.github.add_run(NewRun::default());
    }
    world.settle().await;
    let told = world.told(&interaction, answer);
    assert!(told.original().content.contains("🟢"), "{}", told.transcript());
    reports_only(&told, world.dispatch().run_id);
    let lists: Vec<_> = (world.github.requests().into_iter())
        .filter(|request| request.path.ends_with("/runs") && request.query.contains_key("created"))
        .collect();
    assert!(!lists.is_empty());
    let beyond = lists.iter().filter(|list| list.query["page"] == "3").count();
    assert_eq!(beyond, 0);
    assert!(lists.iter().all(|list| list.query["created"].starts_with(">=2026-11-22T10:00:0")));
    assert!(lists.iter().all(|list| list.query["event"] == "workflow_dispatch"));
}

#[tokio::test(start_paused = true)]
async fn the_run_of_a_slow_dispatch_is_inside_the_time_window() {
    // The run is created at once, the answer that tells GitHub's time comes 5 s later.
    let delay = Fault::new(On::Dispatch, What::Delay(Duration::from_secs(5)));
    let base = Scenario::named("no-correlation-id").unwrap();
    let world = World::with(Scenario { faults: vec![delay], ..base }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("matched by time"), "{}", told.transcript());
    reports_only(&told, world.dispatch().run_id);
}

#[tokio::test(start_paused = true)]
async fn two_deploys_without_ids_within_a_second_are_ambiguous() {
    let timetable = Timetable { appears: Duration::from_secs(2), ..Timetable::default() };
    let base = Scenario::named("no-correlation-id").unwrap();
    let scenario = Scenario { timetable, ..base };
    let env = vec![("POLL_INTERVAL_SECONDS", "0.2".to_owned())];
    let world = World::of(Plan { scenario, env, ..Plan::default() }).await;
    let ada = world.interaction("ada", "/deploy-client wait:true");
    let to_ada = world.deliver(&ada).await;
    world.passes(Duration::from_secs(1)).await;
    let bob = world.interaction("bob", "/deploy-client wait:true");
    let to_bob = world.deliver(&bob).await;
    world.settle().await;
    let dispatches = world.dispatches();
    for (told, dispatch) in
        [world.told(&ada, to_ada), world.told(&bob, to_bob)].iter().zip(dispatches)
    {
        reports_only(told, dispatch.run_id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_account_lookup_is_retried() {
    let base = Scenario::named("no-correlation-id").unwrap();
    let faults = vec![Fault::too_many(Duration::from_secs(5)).on(On::User)];
    let world = World::with(Scenario { faults, ..base }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.contains("matched by time"), "{}", told.transcript());
    let asked = world.github.requests().iter().filter(|r| r.path == "/user").count();
    assert_eq!(asked, 2);
    told.both_say("🟢");
}
