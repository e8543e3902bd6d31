//! *Refresh* looks now. *Open* is a link.

use standins::github::{Fault, On};

use super::{Story, runs, seconds, taking};

fn looks(story: &Story) -> usize {
    let path = format!("/repos/octo-org/web-client/actions/runs/{}", story.run_id());
    story.world.github.requests().iter().filter(|request| request.path == path).count()
}

/// A deploy that nobody looks at: its wait is over, and the next sweep comes in a while.
async fn left_alone(running: u64) -> Story {
    let story = Story::of(runs(taking("success", running)), 0, |mut plan| {
        plan.env.push(("WAIT_TIMEOUT_SECONDS", "10".to_owned()));
        plan
    })
    .await;
    story.world.settle().await;
    story.shows("⏱️ **Client deploy**: still running after 10s");
    story
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_is_shown_at_once() {
    let story = left_alone(30).await;
    story.world.passes(seconds(40)).await;
    story.shows("still running");
    let click = story.world.click("grace", "Refresh");
    let answer = story.world.deliver(&click).await;
    assert!(answer.accepted() && answer.elapsed < seconds(1), "{answer:?}");
    assert_eq!(answer.body, serde_json::json!({"type": 6}), "nothing is said");
    story.world.settle().await;
    story.shows("🟢 **Client deploy** succeeded");
    assert!(story.told().follow_up().content.contains("🟢"));
    assert!(story.asked().is_empty() && story.clicks().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_has_not_changed_is_not_edited() {
    let story = left_alone(600).await;
    let (edits, before) = (story.card().edits, looks(&story));
    story.world.clicks("grace", "Refresh").await;
    story.world.clicks("grace", "Refresh").await;
    assert_eq!(looks(&story), before + 2, "each looks at the run");
    assert_eq!(story.card().edits, edits);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_followed_a_refresh_costs_nothing_and_breaks_nothing() {
    let story = Story::after(runs(taking("success", 60)), 20).await;
    let edits = story.card().edits;
    for _ in 0..5 {
        let click = story.world.click("linus", "Refresh");
        assert!(story.world.deliver(&click).await.accepted());
    }
    story.world.passes(seconds(1)).await;
    assert_eq!(story.card().edits, edits);
    story.world.settle().await;
    story.told().tells_once("🟢");
}

#[tokio::test(start_paused = true)]
async fn while_github_is_down_the_message_stays() {
    let story = left_alone(600).await;
    let before = story.card();
    story.world.github.fault(Fault::bad_gateway().on(On::RunGet).lasting(seconds(60)));
    let click = story.world.click("grace", "Refresh");
    assert!(story.world.deliver(&click).await.accepted());
    story.world.settle().await;
    assert_eq!((story.card().content, story.card().edits), (before.content, before.edits));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_there_is_nothing_to_refresh() {
    let story = Story::ended("success").await;
    let edits = story.card().edits;
    let forged = format!("deckhand1/refresh/deploy_client/{}/r1", story.interaction.id);
    let answer = story.world.deliver(&story.forged("grace", &forged)).await;
    assert_eq!(answer.body, serde_json::json!({"type": 6}));
    story.world.settle().await;
    assert_eq!(story.card().edits, edits);
    story.told().follow_up();
}

#[tokio::test(start_paused = true)]
async fn open_is_a_link_to_the_run() {
    let story = Story::after(runs(taking("success", 60)), 10).await;
    let open = story.card().buttons().into_iter().find(|button| button.label == "Open").unwrap();
    let page = format!("https://github.com/octo-org/web-client/actions/runs/{}", story.run_id());
    assert_eq!((open.style, open.url, open.custom_id), (5, Some(page), None));
    story.world.settle().await;
    story.told().tells_once("🟢");
}

/// How often the run's jobs were read.
fn reads(story: &Story) -> usize {
    let path = format!("/repos/octo-org/web-client/actions/runs/{}/jobs", story.run_id());
    story.world.github.requests().iter().filter(|request| request.path == path).count()
}

#[tokio::test(start_paused = true)]
async fn the_step_is_read_at_once() {
    let story = Story::after(runs(taking("success", 170)), 40).await;
    assert_eq!(reads(&story), 2, "when it was first seen in progress, and 20 s after");
    story.shows("› Install dependencies");
    story.world.passes(seconds(30)).await;
    story.shows("› Install dependencies");
    let click = story.world.click("grace", "Refresh");
    assert!(story.world.deliver(&click).await.accepted());
    story.world.passes(seconds(9)).await;
    story.shows("› Build");
    assert_eq!(reads(&story), 3);
    story.world.settle().await;
    story.told().tells_once("🟢");
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_a_click_still_brings_it_up_to_date() {
    let story = left_alone(3 * 3600).await;
    story.world.leaps(seconds(2 * 3600)).await;
    story.world.sweeps(2).await;
    story.shows("› Set up job");
    story.world.clicks("grace", "Refresh").await;
    story.shows("› Build");
    story.world.github.update(|scenario| scenario.cancel_takes = None);
    let told = story.presses("grace", "Cancel").await;
    assert!(told.contains("GitHub was asked to cancel it"), "{told}");
    story.world.settle().await;
    story.shows("cancelling…");
    story.world.sweeps(6).await;
    assert_eq!(story.buttons(), ["Force cancel", "Refresh", "Open"]);
    assert_eq!(story.asked(), [story.run("cancel")]);
}
