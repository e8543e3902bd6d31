//! The end is told: once, to whoever asked, and the message comes right.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::{CHANNEL_ID, Fault, On, Permissions, User, What};
use standins::github::{
    Fault as GithubFault, On as OnGithub, Scenario, Timetable, What as GithubWhat,
};

use super::{MINUTE, Typed, WAIT, ending, seconds};
use crate::world::{World, durable};

const POSTS: &str = "/messages";

/// The bodies of what the bot posted to the channel.
fn bodies(world: &World) -> Vec<Value> {
    let path = format!("/api/v10/channels/{CHANNEL_ID}{POSTS}");
    let requests = world.discord.requests().into_iter();
    requests.filter(|r| r.method == "POST" && r.path == path).map(|r| r.body).collect()
}

/// How often the channel's messages were looked at.
fn looks(world: &World) -> usize {
    let path = format!("/api/v10/channels/{CHANNEL_ID}{POSTS}");
    world.discord.requests().iter().filter(|r| r.method == "GET" && r.path == path).count()
}

/// How many lines say that an outcome was not told.
fn not_told(world: &World) -> u64 {
    world.lines.all().iter().filter_map(|line| line["OutcomesNotTold"].as_u64()).sum()
}

async fn told_by_the_bot(scenario: Scenario) -> (World, Typed) {
    let (plan, _) = durable(scenario);
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    (world, typed)
}

#[tokio::test(start_paused = true)]
async fn the_bot_replies_once_and_pings_only_the_requester() {
    let (world, typed) = told_by_the_bot(Scenario::default()).await;
    world.settle().await;
    world.sweeps(2).await;
    typed.was_told(&world, "ada", "🟢");
    assert!(typed.told(&world).messages().iter().all(|message| !message.follow_up));
    let [body] = &bodies(&world)[..] else { panic!("it is posted once") };
    assert_eq!(body["enforce_nonce"], true);
    let nonce = body["nonce"].as_str().unwrap();
    assert!(!nonce.is_empty() && nonce.len() <= 25, "{nonce}");
    assert_eq!(body["message_reference"]["fail_if_not_exists"], false);
    let ada = User::named("ada").id;
    assert_eq!(
        body["allowed_mentions"],
        json!({"parse": [], "users": [ada], "replied_user": false})
    );
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[rstest]
#[case::lost(What::Lost, true)]
#[case::taken_and_answered_with_a_fault(What::FailedAfter(502), true)]
#[case::dropped(What::Reset, false)]
#[case::fault(What::Status(500), false)]
#[case::late(What::Late(seconds(14)), true)]
#[tokio::test(start_paused = true)]
async fn an_outcome_whose_answer_was_lost_is_looked_for(#[case] what: What, #[case] taken: bool) {
    let (world, typed) = told_by_the_bot(Scenario::default()).await;
    world.discord.fault(Fault::new(On::ChannelMessage, what));
    world.settle().await;
    world.sweeps(2).await;
    typed.was_told(&world, "ada", "🟢");
    assert!(looks(&world) > 0);
    assert_eq!(bodies(&world).len(), if taken { 1 } else { 2 });
    assert_eq!(not_told(&world), 0);
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[rstest]
#[case::taken(What::Lost, 1)]
#[case::not_taken(What::Status(500), 0)]
#[tokio::test(start_paused = true)]
async fn without_the_right_to_read_it_is_posted_at_most_once(
    #[case] what: What,
    #[case] posts: usize,
) {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    world.discord.permit(Permissions { history: false, ..Permissions::default() });
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.discord.fault(Fault::new(On::ChannelMessage, what));
    world.settle().await;
    world.sweeps(3).await;
    assert_eq!(world.posts().len(), posts);
    assert_eq!(bodies(&world).len(), 1);
    assert!(!typed.told(&world).has_follow_up());
    assert_eq!(store.end().await, "success");
    assert_eq!(not_told(&world), 1, "nobody can know it");
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[rstest]
#[case::may_not_send(Permissions { send: false, ..Permissions::default() })]
#[case::does_not_see(Permissions { view: false, ..Permissions::default() })]
#[tokio::test(start_paused = true)]
async fn where_the_bot_may_not_post_the_interaction_does(
    #[case] permissions: Permissions,
    #[values(true, false)] interaction_says_so: bool,
) {
    let (plan, _) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    world.discord.permit(permissions);
    if !interaction_says_so {
        world.discord.set_app_permissions(Some("2248473465835073"));
    }
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(2).await;
    let told = typed.told(&world);
    told.both_say("🟢");
    assert_eq!(told.follow_up().pings, [User::named("ada").id]);
    assert!(world.posts().is_empty());
    assert_eq!(bodies(&world).len(), usize::from(!interaction_says_so));
    assert_eq!(not_told(&world), 0);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn after_fifteen_minutes_the_bot_edits_and_tells() {
    let (world, typed) = told_by_the_bot(ending("failure", 20 * MINUTE)).await;
    world.settle().await;
    typed.shows(&world, "still running after 3m 0s. It goes on; the end will be told here.");
    assert!(world.posts().is_empty());
    world.sweeps(1).await;
    world.leaps(14 * MINUTE).await;
    world.sweeps(1).await;
    assert!(world.posts().is_empty());
    world.sweeps(3).await;
    let shown = typed.shows(&world, "🔴 **Client deploy** failed");
    assert!(shown.content.contains("Failed at **"), "{}", shown.content);
    let told = typed.was_told(&world, "ada", "Failed at **");
    assert!(told.at - shown.at >= TimeDelta::minutes(20), "{}", told.at - shown.at);
    assert!(told.at - shown.at < TimeDelta::minutes(22), "{}", told.at - shown.at);
    assert_eq!(not_told(&world), 0);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn without_a_bot_it_is_said_beforehand_that_a_late_end_is_not_told() {
    let (plan, store) = durable(ending("success", 20 * MINUTE));
    let admin = User::named("grace").id;
    let mut plan = plan;
    plan.env.push(("ADMIN_USER_IDS", admin));
    let world = World::durable(plan).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(20)).await;
    typed.shows(&world, "An end after more than 15 minutes cannot be told here");
    world.settle().await;
    typed.shows(&world, "cannot be told here");
    world.leaps(16 * MINUTE).await;
    world.sweeps(3).await;
    assert_eq!(store.end().await, "success");
    assert!(!typed.told(&world).has_follow_up());
    assert!(world.posts().is_empty());
    assert_eq!(not_told(&world), 1);
    let doctor = world.types("grace", "/doctor").await;
    let said = &doctor.original().content;
    assert!(said.contains("was not told, or nobody can know it, how a deploy"), "{said}");
    assert!(said.contains("Set DISCORD\\_BOT\\_TOKEN, invite the bot"), "{said}");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_may_not_post_still_makes_the_message_right() {
    let (plan, store) = durable(ending("success", 20 * MINUTE));
    let world = World::durable(plan.with_bot()).await;
    world.discord.permit(Permissions { send: false, ..Permissions::default() });
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(20)).await;
    typed.shows(&world, "the bot may not post to this channel");
    world.settle().await;
    world.leaps(16 * MINUTE).await;
    world.sweeps(3).await;
    assert_eq!(store.end().await, "success");
    typed.shows(&world, "🟢");
    assert_eq!((world.posts().len(), not_told(&world)), (0, 1));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_a_bot_is_told_by_the_interaction_in_its_fifteen_minutes() {
    let (plan, _) = durable(ending("success", 10 * MINUTE));
    let world = World::durable(plan).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(10).await;
    let told = typed.told(&world);
    told.both_say("🟢");
    assert_eq!(told.follow_up().pings, [User::named("ada").id]);
    assert_eq!(not_told(&world), 0);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn jobs_that_are_listed_late_come_by_an_edit() {
    let mut scenario = ending("failure", seconds(20));
    scenario.jobs_lag = seconds(5);
    let (world, typed) = told_by_the_bot(scenario).await;
    world.passes(seconds(24)).await;
    let first = typed.was_told(&world, "ada", "🔴");
    assert!(!first.content.contains("Failed at"), "{}", first.content);
    world.settle().await;
    let then = typed.was_told(&world, "ada", "Failed at **");
    assert_eq!((&then.id, then.pings.len()), (&first.id, 1));
    typed.shows(&world, "Failed at **");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn jobs_that_are_never_listed_withhold_nothing() {
    let (world, typed) = told_by_the_bot(ending("failure", seconds(20))).await;
    let hangs = GithubWhat::Delay(seconds(32));
    world.github.fault(GithubFault::new(OnGithub::Jobs, hangs).always());
    world.settle().await;
    let ended = world.github.runs()[0].created + seconds(20);
    typed.was_told(&world, "ada", "🔴");
    let told = typed.shows(&world, "GitHub did not tell at which step");
    let late = told.at - ended;
    assert!(late < TimeDelta::seconds(4), "{late}");
    typed.shows(&world, "🔴 **Client deploy** failed");
    world.dispatch();
}

#[rstest]
#[case::by_a_server(seconds(40), What::Status(503))]
#[case::by_a_proxy(seconds(40), What::Proxy { status: 429, retry_after: None })]
#[case::by_a_cut_connection(seconds(40), What::Reset)]
#[case::for_minutes(5 * MINUTE, What::Proxy { status: 429, retry_after: None })]
#[case::until_the_interaction_is_over(20 * MINUTE, What::Status(503))]
#[tokio::test(start_paused = true)]
async fn an_outage_of_discords_at_the_end_is_outlasted(
    #[case] outage: Duration,
    #[case] what: What,
) {
    let (world, typed) = told_by_the_bot(ending("success", seconds(20))).await;
    world.passes(seconds(10)).await;
    world.discord.fault_for(outage, Fault::new(On::Any, what));
    world.settle().await;
    world.sweeps(outage.as_secs() / 60 + 2).await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    assert_eq!(not_told(&world), 0);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_somebody_deleted_keeps_nobody_from_being_told() {
    let (world, typed) = told_by_the_bot(ending("success", seconds(20))).await;
    world.passes(seconds(10)).await;
    world.discord.delete_original(&typed.interaction);
    world.settle().await;
    world.sweeps(2).await;
    let told = world.post_of_the_bot();
    assert!(told.content.contains("🟢"), "{}", told.content);
    assert_eq!((told.pings, told.reply_to), (vec![User::named("ada").id], None));
    world.dispatch();
    world.and_more();
}

#[rstest]
#[case::lost(What::Lost, 1, 0)]
#[case::taken_and_answered_with_a_fault(What::FailedAfter(502), 1, 0)]
#[case::maybe_not_taken(What::Status(500), 0, 1)]
#[case::surely_not_taken(What::RateLimited { retry_after: 2.0 }, 1, 0)]
#[case::refused_by_a_proxy(What::Proxy { status: 403, retry_after: None }, 1, 0)]
#[tokio::test(start_paused = true)]
async fn without_a_bot_the_interaction_tells_at_most_once(
    #[case] what: What,
    #[case] follow_ups: usize,
    #[case] unsure: u64,
) {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.discord.fault(Fault::new(On::FollowUp, what));
    world.settle().await;
    world.sweeps(3).await;
    let told = typed.told(&world);
    assert_eq!(told.messages().iter().filter(|message| message.follow_up).count(), follow_ups);
    assert_eq!(store.end().await, "success");
    // A lost answer is not known to be told, with or without the message.
    assert!(not_told(&world) >= unsure, "{}", not_told(&world));
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_only_the_last_edit_is_made_and_it_is_made() {
    let timetable = Timetable::path(&[
        (Duration::ZERO, "queued", None),
        (seconds(2), "in_progress", None),
        (80 * MINUTE, "waiting", None),
        (90 * MINUTE, "in_progress", None),
        (100 * MINUTE, "completed", Some("success")),
    ]);
    let (world, typed) = told_by_the_bot(Scenario { timetable, ..Scenario::default() }).await;
    world.settle().await;
    world.leaps(67 * MINUTE).await;
    world.sweeps(3).await;
    let before = typed.shows(&world, "It goes on");
    // It waits, and then it is in progress again.
    world.leaps(8 * MINUTE).await;
    world.sweeps(3).await;
    world.leaps(9 * MINUTE).await;
    world.sweeps(5).await;
    assert_eq!(typed.shown(&world).edits, before.edits);
    // Somebody else's edits have used up what the channel may take.
    world.discord.set_old_edits(0);
    world.sweeps(8).await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "It goes on");
    let refused = world.discord.requests().iter().filter(|request| request.status == 429).count();
    assert!((1..20).contains(&refused), "{refused}");
    world.discord.set_old_edits(5);
    world.sweeps(4).await;
    assert_eq!(typed.shows(&world, "🟢").edits, before.edits + 1);
    // The outcome, and what asked for an approval.
    assert_eq!(world.posts().len(), 2);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_at_the_end_delays_it_and_no_more() {
    let (plan, store) = durable(ending("success", MINUTE));
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(50)).await;
    store.is_down(true);
    world.sweeps(3).await;
    store.is_down(false);
    world.settle().await;
    world.sweeps(3).await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    assert_eq!(store.end().await, "success");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_thread_needs_its_own_right() {
    const THREAD: &str = "1190000000000000055";
    let (plan, _) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    world.discord.add_thread(THREAD);
    let ada = User::named("ada");
    let interaction = world.discord.interaction_in(THREAD, &ada, WAIT).unwrap();
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let typed = Typed { interaction, answer };
    let told = typed.was_told(&world, "ada", "🟢");
    assert_eq!(told.channel_id, THREAD);
    typed.shows(&world, "🟢");
    world.dispatch();
}
