//! The same digest asked for again: it is posted once, whatever became of the first try.

use std::time::Duration;

use chrono::DateTime;
use deckhand::bot::tasks::Deadline;
use deckhand::schedule::{Done, NotDone, Schedule};
use rstest::rstest;
use standins::discord::{Fault, On, Permissions, What};
use standins::github::{self, Scenario};

use super::{NINE, contents, due, looks, nine, nonces, only, plan, refused, sent, world};
use crate::world::{Plan, Remembers};

/// When Lambda sends a failed event again, and once more.
const FIRST_RETRY: Duration = Duration::from_secs(60);
const SECOND_RETRY: Duration = Duration::from_secs(120);

#[tokio::test(start_paused = true)]
async fn after_a_server_error_the_retry_checks_the_channel_and_posts() {
    let world = world(plan()).await;
    world.discord.fault(Fault::new(On::ChannelMessage, What::Status(503)));
    let error = nine(&world).await.unwrap_err().to_string();
    assert!(error.contains("Discord has a fault (status 503)"), "{error}");
    assert!(contents(&world).is_empty());
    world.passes(FIRST_RETRY).await;
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    only(&world);
    assert_eq!(looks(&world), 1, "a 503 proves nothing");
}

#[tokio::test(start_paused = true)]
async fn after_a_refused_connection_the_retry_posts_without_checking() {
    let mut plan = plan();
    plan.env.push(("DISCORD_API_BASE", "http://127.0.0.1:9/api/v10".to_owned()));
    let offline = world(plan.clone()).await;
    let error = nine(&offline).await.unwrap_err().to_string();
    assert!(error.contains("Discord cannot be reached"), "{error}");
    plan.env.pop();
    // The store is the same, so this is the next try, in another process.
    let online = world(plan).await;
    assert_eq!(nine(&online).await, Ok(Done::Posted));
    assert_eq!(looks(&online), 0, "nothing could have been posted before");
    only(&online);
}

#[rstest]
#[case::lost(What::Lost)]
#[case::proxy(What::FailedAfter(502))]
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_is_not_posted_again(#[case] what: What) {
    let world = world(plan()).await;
    world.discord.fault(Fault::new(On::ChannelMessage, what));
    assert!(matches!(nine(&world).await, Err(NotDone::Discord(_))));
    only(&world);
    world.passes(FIRST_RETRY).await;
    assert_eq!(nine(&world).await, Ok(Done::AlreadyThere));
    only(&world);
    assert_eq!(nonces(&world).len(), 1, "what is there is not posted again");
    // What was found is noted.
    assert_eq!(nine(&world).await, Ok(Done::AlreadyThere));
    assert_eq!(looks(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_post_with_an_expired_nonce_is_found_in_the_channel() {
    let world = world(plan()).await;
    world.discord.fault(Fault::new(On::ChannelMessage, What::Lost));
    nine(&world).await.unwrap_err();
    world.passes(Duration::from_secs(3600)).await;
    assert_eq!(nine(&world).await, Ok(Done::AlreadyThere));
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn without_the_channels_history_the_nonce_prevents_a_second_post() {
    let world = world(plan()).await;
    world.discord.permit(Permissions { history: false, ..Permissions::default() });
    world.discord.fault(Fault::new(On::ChannelMessage, What::Lost));
    nine(&world).await.unwrap_err();
    world.passes(FIRST_RETRY).await;
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    only(&world);
    assert_eq!(nonces(&world).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_posted_twice_while_the_channel_cannot_be_read() {
    let world = world(plan()).await;
    world.discord.fault(Fault::new(On::ChannelMessage, What::Lost));
    nine(&world).await.unwrap_err();
    world.passes(Duration::from_secs(3600)).await;
    let outage = Fault::new(On::ChannelRead, What::Status(500));
    world.discord.fault_for(Duration::from_secs(300), outage);
    assert!(matches!(nine(&world).await, Err(NotDone::Discord(_))));
    world.passes(SECOND_RETRY).await;
    assert_eq!(nine(&world).await, Ok(Done::AlreadyThere));
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn the_same_event_posts_once_and_another_event_again() {
    let world = world(plan()).await;
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    world.passes(Duration::from_secs(600)).await;
    let asked = world.github.requests().len();
    assert_eq!(nine(&world).await, Ok(Done::AlreadyThere));
    assert_eq!(world.github.requests().len(), asked, "GitHub is not asked for nothing");
    only(&world);
    assert_eq!(sent(&world.app, due("2026-11-23T09:00:00Z")).await, Ok(Done::Posted));
    assert_eq!(contents(&world).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_concurrent_deliveries_post_once() {
    let world = world(plan()).await;
    let slow = What::Delay(Duration::from_secs(2));
    world.discord.fault(Fault::new(On::ChannelMessage, slow).times(2));
    let (first, second) = tokio::join!(nine(&world), nine(&world));
    assert_eq!((first, second), (Ok(Done::Posted), Ok(Done::Posted)));
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn a_users_digest_of_the_same_window_is_not_taken_for_the_scheduled_one() {
    let world = world(Plan { remembers: Remembers::InMemory, ..plan() }).await;
    let told = world.types("ada", "/status-digest period:weekly").await;
    let head = told.original().content.lines().next().unwrap().to_owned();
    let to: i64 = head.rsplit_once("<t:").unwrap().1.split(':').next().unwrap().parse().unwrap();
    let schedule =
        Schedule { time: DateTime::from_timestamp(to, 0), period: Some("weekly".to_owned()) };
    world.discord.fault(Fault::new(On::ChannelMessage, What::Status(503)));
    sent(&world.app, schedule.clone()).await.unwrap_err();
    assert_eq!(sent(&world.app, schedule).await, Ok(Done::Posted));
    assert_eq!(looks(&world), 1);
    assert_eq!(only(&world).content.lines().next(), Some(head.as_str()));
}

#[rstest]
#[case::token(401, 0, "Copy the token anew")]
#[case::not_there(403, 50001, "Invite the bot to the channel's server")]
#[case::not_allowed(403, 50013, "Send Messages, Attach Files")]
#[case::unknown(404, 10003, "Copy the id anew")]
#[tokio::test(start_paused = true)]
async fn a_refusal_says_what_to_do_and_the_retry_posts_without_checking(
    #[case] status: u16,
    #[case] code: u64,
    #[case] said: &str,
) {
    let world = world(plan()).await;
    // Of 403s there are two: with the picture, and without.
    let times = if status == 403 { 2 } else { 1 };
    world.discord.fault(Fault::new(On::ChannelMessage, refused(status, code)).times(times));
    let error = nine(&world).await.unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
    assert_eq!(nonces(&world).len(), times, "a refusal is not asked for again");
    world.passes(FIRST_RETRY).await;
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    assert_eq!(looks(&world), 0);
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_still_makes_the_retry_check() {
    let world = world(plan()).await;
    world.discord.fault(Fault::new(On::ChannelMessage, What::FailedAfter(502)));
    world.discord.fault(Fault::new(On::ChannelMessage, refused(403, 50013)).times(2));
    nine(&world).await.unwrap_err();
    world.passes(Duration::from_secs(3600)).await;
    assert_eq!(nine(&world).await, Ok(Done::AlreadyThere));
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn while_github_is_down_nothing_is_posted_and_the_retry_posts() {
    let mut plan = plan();
    plan.scenario = Scenario::named("github-down").unwrap();
    let world = world(plan).await;
    let error = nine(&world).await.unwrap_err().to_string();
    assert!(error.contains("no agent's runs could be read: GitHub did not answer"), "{error}");
    assert!(world.discord.requests().is_empty());
    world.github.update(|scenario| *scenario = Scenario::default());
    world.passes(FIRST_RETRY).await;
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    assert_eq!(looks(&world), 0);
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn it_stops_before_the_invocation_ends_and_the_retry_posts() {
    let world = world(plan()).await;
    let slow = github::What::Delay(Duration::from_secs(9));
    let slow = github::Fault::new(github::On::Any, slow).always();
    world.github.update(|scenario| scenario.faults.push(slow.clone()));
    let limit = Deadline::from_now(Duration::from_secs(8));
    let done = world.app.scheduled(due(NINE), Some(limit)).await;
    assert_eq!(done, Err(NotDone::OutOfTime));
    assert!(tokio::time::Instant::now() < limit.end);
    world.settle().await;
    assert!(contents(&world).is_empty());
    world.github.update(|scenario| scenario.faults.clear());
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    only(&world);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_accepted_after_the_deadline_is_found_by_the_retry() {
    let world = world(plan()).await;
    let slow = What::Delay(Duration::from_secs(9));
    world.discord.fault(Fault::new(On::ChannelMessage, slow));
    let limit = Deadline::from_now(Duration::from_secs(8));
    let done = world.app.scheduled(due(NINE), Some(limit)).await;
    assert_eq!(done, Err(NotDone::OutOfTime));
    world.passes(Duration::from_secs(3600)).await;
    assert_eq!(nine(&world).await, Ok(Done::AlreadyThere));
    only(&world);
}
