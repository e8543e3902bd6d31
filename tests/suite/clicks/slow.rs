//! A click is answered within three seconds, whoever is slow; what came of it is told later.

use rstest::rstest;
use standins::discord::{
    Answer, Fault as DiscordFault, Interaction, On as OnDiscord, What as Does,
};
use standins::github::{Fault, On, Scenario, What};

use super::{Story, runs, seconds, taking};

fn long() -> Scenario {
    Scenario { cancel_takes: Some(seconds(20)), ..runs(taking("success", 120)) }
}

/// Asserts that the answer was deferred in time, for its user alone.
fn is_deferred(answer: &Answer) {
    assert!(answer.accepted() && answer.elapsed < seconds(3), "{answer:?}");
    assert_eq!(answer.body, serde_json::json!({"type": 5, "data": {"flags": 64}}));
}

/// What the user of a click reads at last, and only they.
fn reads(story: &Story, click: &Interaction, answer: Answer) -> String {
    let told = story.world.told(click, answer);
    assert!(told.original().ephemeral, "{}", told.transcript());
    assert!(!told.has_follow_up(), "{}", told.transcript());
    told.original().content.clone()
}

/// On Lambda, an invocation of so many seconds.
async fn on_lambda(scenario: Scenario) -> Story {
    Story::of(scenario, 10, |mut plan| {
        plan.time_limit = Some(seconds(280));
        plan
    })
    .await
}

#[rstest]
#[case::on_lambda(true)]
#[case::with_serve(false)]
#[tokio::test(start_paused = true)]
async fn a_slow_github_defers_the_answer(#[case] lambda: bool) {
    let story = if lambda { on_lambda(long()).await } else { Story::after(long(), 10).await };
    story.world.github.fault(Fault::new(On::Cancel, What::Delay(seconds(8))));
    let click = story.world.click("grace", "Cancel");
    let answer = story.world.deliver(&click).await;
    is_deferred(&answer);
    story.world.passes(seconds(7)).await;
    assert!(reads(&story, &click, answer.clone()).contains("GitHub was asked to cancel it."));
    story.world.settle().await;
    assert_eq!(story.asked(), [story.run("cancel")]);
    story.told().both_say("cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_slow_discord_slows_no_answer() {
    let story = Story::after(long(), 10).await;
    story
        .world
        .discord
        .fault_for(seconds(20), DiscordFault::new(OnDiscord::Edit, Does::Delay(seconds(6))));
    let click = story.world.click("grace", "Cancel");
    let answer = story.world.deliver(&click).await;
    assert!(answer.elapsed < seconds(1), "{answer:?}");
    assert!(reads(&story, &click, answer).contains("GitHub was asked to cancel it."));
    story.world.settle().await;
    story.told().both_say("cancelled");
    assert_eq!(story.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_defers_the_answer() {
    let story = on_lambda(long()).await;
    story.store.is_slow(seconds(2));
    let click = story.world.click("grace", "Cancel");
    let answer = story.world.deliver(&click).await;
    is_deferred(&answer);
    story.world.passes(seconds(15)).await;
    story.store.is_slow(seconds(0));
    assert!(reads(&story, &click, answer).contains("GitHub was asked to cancel it."));
    story.world.settle().await;
    story.told().both_say("cancelled");
    assert_eq!(story.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_is_told_in_time_whatever_the_store_does() {
    let story = Story::after(long(), 10).await;
    story.store.is_slow(seconds(30));
    let mut click = story.world.click("eve", "Cancel");
    click = super::altered(&story.world, &click, |payload| payload["guild_id"] = "9".into());
    let told = story.is_sent(&click).await;
    assert!(told.contains("Deckhand does not take commands here"), "{told}");
    story.store.is_slow(seconds(0));
    story.world.settle().await;
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_the_store_holds_up_is_refused_in_time() {
    let story = Story::after(long(), 10).await;
    story.store.is_slow(seconds(10));
    let told = story.presses("grace", "Refresh").await;
    assert!(told.contains("Nothing was done: Deckhand's store does not answer in time."), "{told}");
    story.store.is_slow(seconds(0));
    story.world.settle().await;
    story.world.and_more();
}

#[rstest]
#[case::cancel("Cancel")]
#[case::refresh("Refresh")]
#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_told(#[case] label: &str) {
    let story = Story::after(long(), 10).await;
    let click = story.world.click("grace", label);
    story.store.is_down(true);
    let told = story.is_sent(&click).await;
    assert!(told.contains("Nothing was done: Deckhand cannot read its store now."), "{told}");
    assert_eq!(story.world.lines.of(&click)["Outcome"], "failed");
    story.store.is_down(false);
    story.world.settle().await;
    assert!(story.asked().is_empty());
    story.told().both_say("🟢");
}

#[tokio::test(start_paused = true)]
async fn a_click_whose_process_is_killed_is_not_known_and_may_be_made_again() {
    let mut story = Story::after(long(), 10).await;
    story.world.github.fault(Fault::new(On::Cancel, What::Delay(seconds(8))));
    let (click, cancel) = (story.world.click("grace", "Cancel"), story.button("Cancel"));
    is_deferred(&story.world.deliver(&click).await);
    story.world.kill();
    let told = story.forges("linus", &cancel).await;
    assert!(told.contains("that was done already by"), "{told}");
    story.world.sweeps(3).await;
    story.told().both_say("cancelled");
    assert_eq!(story.asked(), [story.run("cancel")]);
    story.world.and_more();
}
