//! What asks for an approval is a message of its own: once for each attempt, whoever goes on with the deploy.

use rstest::rstest;
use standins::discord::{Fault, Message, On, What};
use standins::github::{Gate, Review, Scenario, Timetable};

use super::{Story, id_of, seconds};
use crate::world::asks_for_approval;

/// A run that waits for an approval from its third second on, until then.
fn waits_until(until: u64) -> Timetable {
    Timetable::path(&[
        (seconds(0), "queued", None),
        (seconds(2), "waiting", None),
        (seconds(until), "in_progress", None),
        (seconds(until + 20), "completed", Some("success")),
    ])
}

fn waits_and_is_cancelled() -> Scenario {
    let timetable = Timetable::path(&[
        (seconds(0), "queued", None),
        (seconds(2), "waiting", None),
        (seconds(90), "completed", Some("cancelled")),
    ]);
    Scenario { timetable, ..Scenario::default() }
}

fn waiting(until: u64) -> Scenario {
    Scenario { timetable: waits_until(until), ..Scenario::default() }
}

/// The messages that ask for an approval.
fn asks(story: &Story) -> Vec<Message> {
    let posts = story.world.posts().into_iter();
    posts.filter(asks_for_approval).collect()
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_for_once_by_name() {
    let story = Story::after(waiting(60), 30).await;
    let asks_once = asks(&story);
    assert_eq!(asks_once.len(), 1, "{asks_once:#?}");
    let ask = &asks_once[0];
    let page = format!("https://github.com/octo-org/web-client/actions/runs/{}", story.run_id());
    assert_eq!(
        ask.content,
        format!(
            "🟠 **Client deploy** is waiting for approval of **production** by grace. Who may review can do it on \
             the run's page: [Run #41](<{page}>)\nRequested by <@{}>",
            id_of("ada"),
        )
    );
    assert_eq!(ask.pings, [id_of("ada").to_string()], "only the requester");
    assert_eq!(ask.reply_to, Some(story.card().id));
    story.world.settle().await;
    let approved = format!(
        "✅ **Client deploy**: approved for **production**, it goes on.\nRequested by <@{}>",
        id_of("ada")
    );
    let answered = asks(&story);
    assert_eq!((answered.len(), &answered[0].content), (1, &approved));
    assert_eq!((answered[0].edits, &answered[0].id), (1, &ask.id), "one edit of the same message");
    story.shows("🟢");
    assert!(story.told().follow_up().content.contains("🟢"));
}

/// What was asked for comes true once, whoever goes on, and pings nobody again.
#[rstest]
#[case::rejected(
    Scenario { review: Some(Review::rejection(seconds(90))), ..Scenario::named("rejected").unwrap() },
    "⛔ **Client deploy**: rejected by **grace**."
)]
#[case::cancelled(waits_and_is_cancelled(), "🚫 **Client deploy**: cancelled")]
#[case::approved(waiting(90), "✅ **Client deploy**: approved for **production**")]
#[tokio::test(start_paused = true)]
async fn what_came_of_it_is_told_also_after_a_kill(
    #[case] scenario: Scenario,
    #[case] expected: &str,
) {
    let mut story = Story::after(scenario, 30).await;
    let asked = asks(&story);
    assert_eq!(asked.len(), 1);
    story.world.kill();
    story.world.passes(seconds(70)).await;
    story.world.restart();
    story.world.sweeps(3).await;
    let answered = asks(&story);
    assert_eq!(answered.len(), 1);
    assert!(answered[0].content.starts_with(expected), "{}", answered[0].content);
    assert_eq!((answered[0].edits, answered[0].id.clone()), (1, asked[0].id.clone()));
    story.world.and_more();
}

/// Discord's answer to the post was lost: the message is found by what it says.
#[tokio::test(start_paused = true)]
async fn a_message_whose_id_is_not_known_comes_true_as_well() {
    let story = Story::after(waiting(60), 0).await;
    story.world.discord.fault(Fault::new(On::ChannelMessage, What::Lost));
    story.world.settle().await;
    let answered = asks(&story);
    assert_eq!(answered.len(), 1, "{answered:#?}");
    assert!(answered[0].content.starts_with("✅"), "{}", answered[0].content);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn sweeps_and_another_process_do_not_repeat_it() {
    let mut story = Story::after(waiting(1200), 30).await;
    assert_eq!(asks(&story).len(), 1);
    story.world.kill();
    story.world.sweeps(4).await;
    story.world.restart();
    story.world.sweeps(3).await;
    assert_eq!(asks(&story).len(), 1);
    story.shows("waiting for approval of **production** by grace");
    story.world.and_more();
}

#[rstest]
#[case::lost(What::Lost)]
#[case::refused(What::Status(500))]
#[tokio::test(start_paused = true)]
async fn rather_not_at_all_than_twice(#[case] what: What) {
    let story = Story::after(waiting(60), 0).await;
    story.world.discord.fault(Fault::new(On::ChannelMessage, what));
    story.world.settle().await;
    assert!(asks(&story).len() <= 1, "{:#?}", asks(&story));
    story.shows("🟢");
    assert!(
        story.world.posts().last().unwrap().content.contains("🟢"),
        "the outcome is told all the same"
    );
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn each_attempt_asks_for_its_own() {
    let failing = Timetable::path(&[
        (seconds(0), "queued", None),
        (seconds(2), "waiting", None),
        (seconds(20), "in_progress", None),
        (seconds(40), "completed", Some("failure")),
    ]);
    let reruns = vec![waits_until(30)];
    let scenario = Scenario { reruns, timetable: failing, ..Scenario::default() };
    let story = Story::after(scenario, 0).await;
    story.world.settle().await;
    assert_eq!(asks(&story).len(), 1);
    story.presses("grace", "Re-run failed jobs").await;
    story.world.settle().await;
    story.world.sweeps(1).await;
    let both = asks(&story);
    assert_eq!(both.len(), 2, "{both:#?}");
    assert_eq!(both[0].pings, [id_of("ada").to_string()]);
    assert_eq!(both[1].pings, [id_of("grace").to_string()], "whoever had it run again");
    assert!(both[1].content.contains(&format!("Run again by <@{}>", id_of("grace"))));
    story.shows("🟢 **Client deploy** (attempt 2)");
    assert_eq!(story.asked().len(), 1);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_wait_timer_alone_asks_nobody() {
    let scenario = Scenario {
        gates: vec![Gate::timer("production", 1)],
        timetable: Timetable::timer(),
        ..Scenario::default()
    };
    let story = Story::after(scenario, 0).await;
    story.world.settle().await;
    let asks = story
        .world
        .posts()
        .into_iter()
        .filter(|post| post.content.contains("Who may review"))
        .count();
    assert_eq!(asks, 0);
    story.told().tells_once("🟢");
}

#[tokio::test(start_paused = true)]
async fn hostile_names_ping_nobody_and_break_nothing() {
    let mut gate = Gate::approval("prod`@everyone`**x**");
    gate.reviewers = vec!["<@&1>@here".to_owned()];
    let scenario = Scenario { gates: vec![gate], ..waiting(60) };
    let story = Story::after(scenario, 30).await;
    let posts = story.world.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].pings, [id_of("ada").to_string()]);
    assert!(!posts[0].content.contains("**x**"), "{}", posts[0].content);
    story.world.settle().await;
    story.world.and_more();
}

/// One environment after the other: Discord must not take the second message for the first one.
#[tokio::test(start_paused = true)]
async fn each_environment_asks_for_its_own() {
    let scenario = Scenario { gates: vec![Gate::approval("staging")], ..waiting(60) };
    let story = Story::after(scenario, 20).await;
    assert_eq!(asks(&story).len(), 1);
    let next = vec![Gate::approval("production")];
    story.world.github.update(|scenario| scenario.gates = next);
    story.world.passes(seconds(20)).await;
    let both = asks(&story);
    assert_eq!(both.len(), 2, "{both:#?}");
    assert!(both[1].content.contains("approval of **production**"), "{}", both[1].content);
    assert!(
        both[0].content.starts_with("✅ **Client deploy**: approved for **staging**"),
        "{}",
        both[0].content
    );
    story.world.settle().await;
    story.world.and_more();
}
