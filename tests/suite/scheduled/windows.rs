//! What a scheduled digest counts: each run once, over weekends, changes of the clocks and failed tries.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deckhand::bot::tasks::Deadline;
use deckhand::schedule::{Done, NotDone, Schedule};
use rstest::rstest;
use standins::discord::{Fault, On, What};
use standins::github::{self, NewRun, Scenario, Timetable, Workflow};

use super::{contents, due, lying, only, plan, sent};
use crate::status::TWO_AGENTS;
use crate::world::{Plan, Remembers, World};

/// When every story begins, a Sunday.
const BEGIN: &str = "2026-11-22T10:00:00Z";

/// A run of a minute that began then.
fn run(created: &str, conclusion: &str) -> NewRun {
    let created: DateTime<Utc> = created.parse().unwrap();
    NewRun {
        created: created - BEGIN.parse::<DateTime<Utc>>().unwrap() - TimeDelta::seconds(1),
        timetable: Timetable { running: Duration::from_secs(58), ..Timetable::ending(conclusion) },
        ..NewRun::default()
    }
}

/// A world a second later, with these runs.
async fn world(plan: Plan, runs: impl IntoIterator<Item = NewRun>) -> World {
    let world = World::of(plan).await;
    world.discord.set_bot_token(super::BOT_TOKEN);
    world.github.add_runs(runs);
    world
}

fn in_zone(zone: &str) -> Plan {
    let mut plan = plan();
    plan.env.push(("DIGEST_TIME_ZONE", zone.to_owned()));
    plan
}

async fn post(world: &World, time: &str) -> Result<Done, NotDone> {
    sent(&world.app, due(time)).await
}

/// Where the digest begins and ends, from its first line.
fn edges(content: &str) -> [DateTime<Utc>; 2] {
    let head = content.lines().next().unwrap();
    let times: Vec<i64> = head
        .split("<t:")
        .skip(1)
        .map(|rest| rest.split(':').next().unwrap().parse().unwrap())
        .collect();
    // Each is there twice: as a date, and how long ago it was.
    [times[0], times[2]].map(|second| DateTime::from_timestamp(second, 0).unwrap())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// How many runs a digest says that succeeded and failed.
fn counted(content: &str) -> (usize, usize) {
    let number = |word: &str| {
        let before = content.split(word).next().filter(|before| before.len() < content.len());
        before.and_then(|before| before.split_whitespace().next_back()?.parse().ok()).unwrap_or(0)
    };
    (number(" succeeded"), number(" failed"))
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_fridays_digest_is_in_mondays() {
    let friday = run("2026-11-13T15:00:00Z", "failure");
    let world = world(plan(), [run("2026-11-13T08:00:00Z", "success"), friday]).await;
    for time in ["2026-11-13T09:00:00Z", "2026-11-16T09:00:00Z", "2026-11-17T09:00:00Z"] {
        assert_eq!(post(&world, time).await, Ok(Done::Posted));
    }
    let contents = contents(&world);
    let all: Vec<_> = contents.iter().map(|content| counted(content)).collect();
    assert_eq!(all, [(1, 0), (0, 1), (0, 0)]);
    let edges: Vec<_> = contents.iter().map(|content| edges(content)).collect();
    assert_eq!(edges[1], [at("2026-11-13T09:00:00Z"), at("2026-11-16T09:00:00Z")]);
    assert!(edges.windows(2).all(|pair| pair[0][1] == pair[1][0]), "{edges:?}");
    assert!(contents[1].contains("against the 3 days before"), "{}", contents[1]);
}

#[tokio::test(start_paused = true)]
async fn the_first_digest_on_a_monday_begins_on_friday() {
    let world = world(plan(), [run("2026-11-14T15:00:00Z", "failure")]).await;
    assert_eq!(post(&world, "2026-11-16T09:00:00Z").await, Ok(Done::Posted));
    let content = only(&world).content;
    assert_eq!(edges(&content)[0], at("2026-11-13T09:00:00Z"));
    assert_eq!(counted(&content), (0, 1));
}

#[rstest]
#[case::back("2026-10-25T08:00:00Z", "2026-10-24T07:00:00Z")]
#[case::forward("2026-03-30T07:00:00Z", "2026-03-27T08:00:00Z")]
#[tokio::test(start_paused = true)]
async fn no_hour_is_lost_or_doubled_when_the_clocks_change(
    #[case] second: &str,
    #[case] first: &str,
) {
    // Each digest is at nine in Berlin.
    let world = world(in_zone("Europe/Berlin"), []).await;
    post(&world, first).await.unwrap();
    post(&world, second).await.unwrap();
    let contents = contents(&world);
    assert_eq!(edges(&contents[1]), [at(first), at(second)]);
}

#[tokio::test(start_paused = true)]
async fn a_command_counts_a_day_of_its_zone() {
    let world = world(in_zone("Pacific/Auckland"), []).await;
    let told = world.types("ada", "/status-digest").await;
    let [from, to] = edges(&told.original().content);
    assert_eq!((to - from).num_hours(), 24);
    let mut plan = plan();
    plan.env.push(("DIGEST_TIME_ZONE", "Europe/Berlyn".to_owned()));
    let env = |name: &str| {
        plan.env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let problems = deckhand::bot::Settings::load(env).unwrap_err().to_string();
    assert!(problems.contains("DIGEST_TIME_ZONE is not valid"), "{problems}");
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_failed_is_in_the_next_one() {
    let runs = [run("2026-11-16T12:00:00Z", "failure"), run("2026-11-17T12:00:00Z", "success")];
    let world = world(plan(), runs).await;
    post(&world, "2026-11-16T09:00:00Z").await.unwrap();
    let refused = super::refused(403, 50001);
    world.discord.fault(Fault::new(On::ChannelMessage, refused).times(2));
    post(&world, "2026-11-17T09:00:00Z").await.unwrap_err();
    post(&world, "2026-11-18T09:00:00Z").await.unwrap();
    // The event of the day before comes once more, too late.
    assert_eq!(post(&world, "2026-11-17T09:00:00Z").await, Ok(Done::AlreadyThere));
    let contents = contents(&world);
    assert_eq!(contents.len(), 2);
    assert_eq!(edges(&contents[1]), [at("2026-11-16T09:00:00Z"), at("2026-11-18T09:00:00Z")]);
    assert_eq!(counted(&contents[1]), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_digest_whose_answer_was_lost_is_not_counted_again_in_the_next_one() {
    let runs = [run("2026-11-16T12:00:00Z", "failure"), run("2026-11-17T12:00:00Z", "success")];
    let world = world(plan(), runs).await;
    post(&world, "2026-11-16T09:00:00Z").await.unwrap();
    world.discord.fault(Fault::new(On::ChannelMessage, What::Lost));
    post(&world, "2026-11-17T09:00:00Z").await.unwrap_err();
    world.passes(Duration::from_secs(3600)).await;
    post(&world, "2026-11-18T09:00:00Z").await.unwrap();
    let contents = contents(&world);
    let all: Vec<_> = contents.iter().map(|content| counted(content)).collect();
    assert_eq!(all, [(0, 0), (0, 1), (1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn two_events_at_once_count_no_run_twice() {
    let world = world(plan(), [run("2026-11-18T07:00:00Z", "failure")]).await;
    let slow = What::Delay(Duration::from_secs(5));
    world.discord.fault(Fault::new(On::ChannelMessage, slow));
    // A rule and a schedule, at other times; and the same again a minute later, as Lambda tries again.
    let (one, other) =
        tokio::join!(post(&world, "2026-11-18T09:00:00Z"), post(&world, "2026-11-18T09:30:00Z"));
    let told = [&one, &other].into_iter().filter(|done| **done == Ok(Done::Posted)).count();
    assert_eq!(told, 1, "{one:?} {other:?}");
    world.passes(Duration::from_secs(180)).await;
    for time in ["2026-11-18T09:00:00Z", "2026-11-18T09:30:00Z"] {
        post(&world, time).await.unwrap();
    }
    let contents = contents(&world);
    let failed: usize = contents.iter().map(|content| counted(content).1).sum();
    assert_eq!(failed, 1, "{contents:#?}");
    let edges: Vec<_> = contents.iter().map(|content| edges(content)).collect();
    assert!(edges.windows(2).all(|pair| pair[0][1] == pair[1][0]), "{edges:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_time_that_is_tried_again_is_one_digest() {
    let world = world(plan(), []).await;
    assert_eq!(sent(&world.app, Schedule::default()).await, Ok(Done::Posted));
    world.passes(Duration::from_secs(180)).await;
    assert_eq!(sent(&world.app, Schedule::default()).await, Ok(Done::AlreadyThere));
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_the_far_future_does_not_stop_the_others() {
    let world = world(plan(), []).await;
    assert_eq!(post(&world, "2027-11-22T09:00:00Z").await, Ok(Done::Posted));
    assert!(edges(&only(&world).content)[1] <= at("2026-11-22T10:01:00Z"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_had_not_ended_is_counted_by_the_next_digest_as_what_it_became() {
    let world = world(plan(), []).await;
    let going = NewRun {
        created: -TimeDelta::seconds(30),
        timetable: Timetable { running: Duration::from_secs(600), ..Timetable::ending("failure") },
        ..NewRun::default()
    };
    world.github.add_run(going);
    post(&world, "2026-11-22T10:00:01Z").await.unwrap();
    world.passes(Duration::from_secs(3600)).await;
    post(&world, "2026-11-22T11:00:00Z").await.unwrap();
    post(&world, "2026-11-22T11:30:00Z").await.unwrap();
    let contents = contents(&world);
    assert!(contents[0].contains("🔵 1 run not ended yet: in the next digest."), "{}", contents[0]);
    let all: Vec<_> = contents.iter().map(|content| counted(content)).collect();
    assert_eq!(all, [(0, 0), (0, 1), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_could_not_be_read_is_caught_up_on() {
    let mut scenario = Scenario::default();
    scenario.add_workflow(Workflow::new("api-deploy.yml", "API Deploy"));
    let plan = Plan { agents: Some(TWO_AGENTS), scenario: scenario.clone(), ..plan() };
    let api =
        NewRun { workflow: "api-deploy.yml".to_owned(), ..run("2026-11-16T12:00:00Z", "failure") };
    let world = world(plan, [run("2026-11-16T13:00:00Z", "success"), api]).await;
    post(&world, "2026-11-16T09:00:00Z").await.unwrap();
    world.github.update(|scenario| scenario.workflows.retain(|one| one.file != "api-deploy.yml"));
    post(&world, "2026-11-17T09:00:00Z").await.unwrap();
    world.github.update(|now| now.workflows = scenario.workflows.clone());
    post(&world, "2026-11-18T09:00:00Z").await.unwrap();
    let contents = contents(&world);
    assert!(contents[1].contains("1 of 2 agents"), "{}", contents[1]);
    assert!(contents[2].contains("the last digest could not read it"), "{}", contents[2]);
    let all: Vec<_> = contents.iter().map(|content| counted(content)).collect();
    assert_eq!(all, [(0, 0), (1, 0), (0, 1)]);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_rest_it_says_what_is_in_no_digest() {
    let world = world(plan(), [run("2026-11-04T12:00:00Z", "failure")]).await;
    post(&world, "2026-11-02T09:00:00Z").await.unwrap();
    post(&world, "2026-11-20T09:00:00Z").await.unwrap();
    let content = &contents(&world)[1];
    assert_eq!(edges(content)[0], at("2026-11-06T09:00:00Z"));
    assert!(content.contains("⚠️ The last digest ended <t:1793610000:f>"), "{content}");
}

#[rstest]
#[case::before_the_post(0, 0)]
#[case::after_the_post(1, 1)]
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_makes_the_event_be_tried_again(
    #[case] writes_before: usize,
    #[case] posted: usize,
) {
    let store = lying();
    store.does(writes_before);
    store.fails(1);
    let plan = Plan { remembers: Remembers::In(store), ..plan() };
    let world = world(plan, [run("2026-11-17T07:00:00Z", "failure")]).await;
    let error = post(&world, "2026-11-17T09:00:00Z").await.unwrap_err();
    assert!(matches!(error, NotDone::Store(_)), "{error}");
    assert_eq!(contents(&world).len(), posted);
    world.passes(Duration::from_secs(60)).await;
    post(&world, "2026-11-17T09:00:00Z").await.unwrap();
    post(&world, "2026-11-18T09:00:00Z").await.unwrap();
    let contents = contents(&world);
    let all: Vec<_> = contents.iter().map(|content| counted(content)).collect();
    assert_eq!(all, [(0, 1), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn another_digest_waits_for_one_whose_process_is_gone() {
    let world = world(plan(), [run("2026-11-17T07:00:00Z", "failure")]).await;
    let slow = What::Delay(Duration::from_secs(9));
    world.discord.fault(Fault::new(On::ChannelMessage, slow));
    let limit = Deadline::from_now(Duration::from_secs(8));
    let cut_off = world.app.scheduled(due("2026-11-17T09:00:00Z"), Some(limit)).await;
    assert_eq!(cut_off, Err(NotDone::OutOfTime));
    assert_eq!(post(&world, "2026-11-18T09:00:00Z").await, Err(NotDone::Busy));
    world.passes(Duration::from_secs(180)).await;
    assert_eq!(post(&world, "2026-11-18T09:00:00Z").await, Ok(Done::Posted));
    let all: Vec<_> = contents(&world).iter().map(|content| counted(content)).collect();
    assert_eq!(all, [(0, 1), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_the_last_second_is_in_one_digest() {
    let edge = [run("2026-11-17T08:59:59Z", "success"), run("2026-11-17T09:00:00Z", "failure")];
    let world = world(plan(), edge).await;
    let fault = github::Fault::bad_gateway().on(github::On::RunList);
    world.github.update(|scenario| scenario.faults.push(fault.clone()));
    for time in ["2026-11-17T09:00:00Z", "2026-11-18T09:00:00Z"] {
        post(&world, time).await.unwrap();
    }
    let contents = contents(&world);
    let all: Vec<_> = contents.iter().map(|content| counted(content)).collect();
    assert_eq!(all, [(1, 0), (0, 1)]);
}
