//! *Cancel* and *Force cancel*.

use rstest::rstest;
use standins::github::{Fault, On, Permission, Scenario, What};

use super::{Story, id_of, runs, seconds, taking};

/// A run of ten minutes that takes so long to be cancelled.
fn cancelled_after(seconds: Option<u64>) -> Scenario {
    Scenario { cancel_takes: seconds.map(super::seconds), ..runs(taking("success", 600)) }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_shown_told_and_kept() {
    let story = Story::after(cancelled_after(Some(20)), 10).await;
    assert_eq!(story.buttons(), ["Cancel", "Refresh", "Open"]);
    let run = format!("https://github.com/octo-org/web-client/actions/runs/{}", story.run_id());
    assert_eq!(
        story.presses("grace", "Cancel").await,
        format!(
            "**Client deploy**: GitHub was asked to cancel it. Its message shows how it goes on. [Run {}](<{run}>)",
            story.run_id()
        )
    );
    assert_eq!(story.asked(), [story.run("cancel")]);
    story.world.passes(seconds(6)).await;
    let grace = id_of("grace");
    story.shows("🔵 **Client deploy**: cancelling… (in progress)");
    story.shows(&format!("Cancel by <@{grace}> <t:"));
    assert_eq!(story.buttons(), ["Refresh", "Open"]);
    story.world.settle().await;
    story.shows(&format!("⚪ **Client deploy** was cancelled by <@{grace}> after 30s"));
    story.shows(&format!("Cancel by <@{grace}> <t:"));
    let told = story.told();
    let outcome = told.follow_up();
    let ada = id_of("ada");
    assert!(
        outcome
            .content
            .starts_with(&format!("<@{ada}> ⚪ **Client deploy** was cancelled by <@{grace}>")),
        "{}",
        outcome.content
    );
    assert_eq!(outcome.pings, [ada.to_string()], "who cancelled it knows");
    assert_eq!(story.clicks().await, [("cancel", grace, 1)]);
    assert_eq!(story.store.end().await, "cancelled");
    assert_eq!(story.asked(), [story.run("cancel")]);
}

#[tokio::test(start_paused = true)]
async fn a_double_click_and_a_replay_cancel_once() {
    let story = Story::after(cancelled_after(Some(20)), 10).await;
    let (first, second) = (story.world.click("ada", "Cancel"), story.world.click("ada", "Cancel"));
    let (first_told, second_told) =
        tokio::join!(story.world.deliver(&first), story.world.deliver(&second));
    let told = [super::private(&first_told), super::private(&second_told)];
    let ada = id_of("ada");
    let (asked, already) = ("GitHub was asked to cancel it", format!("done already by <@{ada}>"));
    assert!(told[0].contains(asked) && told[1].contains(&already), "{told:#?}");
    let (status, body) = story.world.post(&first).await;
    assert_eq!((status, body["data"]["flags"].as_u64()), (200, Some(64)));
    let words = body["data"]["content"].as_str().unwrap();
    assert!(words.contains(&already), "{words}");
    story.world.settle().await;
    story.world.and_more();
    assert_eq!(story.asked(), [story.run("cancel")]);
    assert_eq!(story.clicks().await, [("cancel", ada, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_does_not_come_through_may_be_forced_after_five_minutes() {
    let story = Story::after(cancelled_after(None), 10).await;
    let forced = story.button("Cancel").replace("/cancel/", "/force_cancel/");
    story.presses("grace", "Cancel").await;
    story.world.settle().await;
    story.world.sweeps(1).await;
    assert_eq!(story.buttons(), ["Refresh", "Open"], "not yet");
    let told = story.forges("linus", &forced).await;
    assert!(told.contains("five minutes after it was cancelled"), "{told}");
    story.world.sweeps(3).await;
    assert_eq!(story.buttons(), ["Force cancel", "Refresh", "Open"]);
    let told = story.presses("linus", "Force cancel").await;
    assert!(told.contains("GitHub was asked to end it by force"), "{told}");
    assert_eq!(story.asked(), [story.run("cancel"), story.run("force-cancel")]);
    story.world.sweeps(2).await;
    let (grace, linus) = (id_of("grace"), id_of("linus"));
    story.shows(&format!("⚪ **Client deploy** was cancelled by <@{linus}>"));
    story.shows(&format!("Cancel by <@{grace}> <t:"));
    story.shows(&format!("Force cancel by <@{linus}> <t:"));
    assert_eq!(story.clicks().await, [("cancel", grace, 1), ("force_cancel", linus, 1)]);
    story.told().follow_up();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_just_ended_is_not_cancelled() {
    // The end comes between two looks.
    let story = Story::of(runs(taking("success", 20)), 23, |mut plan| {
        plan.env.push(("POLL_INTERVAL_SECONDS", "20".to_owned()));
        plan
    })
    .await;
    let told = story.presses("grace", "Cancel").await;
    assert!(
        told.contains("GitHub was asked to cancel it, and refused. GitHub refuses it (409)")
            && told.contains("It has ended already, so there is nothing to cancel."),
        "{told}"
    );
    story.world.passes(seconds(20)).await;
    story.shows("🟢 **Client deploy** succeeded");
    story.shows(&format!("Cancel by <@{}> <t:", id_of("grace")));
    story.shows("GitHub refused it.");
    assert_eq!(story.asked(), [story.run("cancel")]);
    story.told().follow_up();
    let told = story
        .forges("grace", &format!("deckhand1/cancel/deploy_client/{}/r1", story.interaction.id))
        .await;
    assert!(told.contains("has changed since this button was shown"), "{told}");
    story.world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named_and_it_may_be_cancelled_again() {
    let story = Story::after(cancelled_after(Some(2)), 10).await;
    story.world.github.update(|scenario| scenario.denied.push(Permission::ActionsWrite));
    let told = story.presses("grace", "Cancel").await;
    assert!(told.contains("and refused. An admin of the bot must mend it."), "{told}");
    story.world.passes(seconds(6)).await;
    story.shows("🔵 **Client deploy**: in progress");
    story.shows(": GitHub refused it. An admin of the bot must mend it.");
    assert_eq!(story.buttons(), ["Cancel", "Refresh", "Open"]);
    story.world.github.update(|scenario| scenario.denied.clear());
    let told = story.presses("linus", "Cancel").await;
    assert!(told.contains("GitHub was asked to cancel it. Its"), "{told}");
    story.world.settle().await;
    story.shows(&format!("cancelled by <@{}>", id_of("linus")));
    assert_eq!(story.asked(), [story.run("cancel"), story.run("cancel")]);
    story.told().follow_up();
}

#[rstest]
#[case::lost_once(Fault::new(On::Cancel, What::AnswerLost { status: None }), 2, "Its message shows")]
#[case::lost_always(
    Fault::new(On::Cancel, What::AnswerLost { status: None }).always(), 3, "but its answer was lost, so it is unknown"
)]
#[case::bad_gateway(Fault::bad_gateway().on(On::Cancel).always(), 3, "so it is unknown")]
#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_told_as_that(
    #[case] fault: Fault,
    #[case] times: usize,
    #[case] words: &str,
) {
    let story = Story::after(cancelled_after(Some(20)), 10).await;
    story.world.github.fault(fault);
    let click = story.world.click("grace", "Cancel");
    let answer = story.world.deliver(&click).await;
    assert!(answer.accepted() && answer.elapsed < seconds(3), "{answer:?}");
    story.world.passes(seconds(6)).await;
    let told = story.world.told(&click, answer);
    assert!(
        told.original().ephemeral && told.original().content.contains(words),
        "{}",
        told.transcript()
    );
    assert_eq!(story.asked(), vec![story.run("cancel"); times]);
    if times == 3 {
        story.shows(&format!("Cancel by <@{}> <t:", id_of("grace")));
        story.shows("GitHub's answer was lost, so it is unknown whether it was taken.");
    }
    story.world.settle().await;
    story.world.and_more();
}
