//! *Re-run failed jobs*: the next attempt of the run.

use std::time::Duration;

use rstest::rstest;
use standins::discord::Interaction;
use standins::github::{Fault, On, Permission, Scenario, Timetable, What};

use super::{Story, id_of, private, runs, seconds, taking};

/// A deploy that has failed; its next attempt ends so after a minute.
async fn failed(again: &str) -> Story {
    let reruns = vec![taking(again, 60)];
    let story = Story::after(Scenario { reruns, ..runs(taking("failure", 20)) }, 0).await;
    story.world.settle().await;
    story.told().follow_up();
    assert_eq!(story.buttons(), ["Re-run failed jobs", "Open"]);
    story
}

#[tokio::test(start_paused = true)]
async fn the_card_opens_again_and_tells_the_end_of_the_next_attempt() {
    let story = failed("success").await;
    let grace = id_of("grace");
    let told = story.presses("grace", "Re-run failed jobs").await;
    assert!(
        told.starts_with(
            "**Client deploy**: GitHub was asked to run its failed jobs again. Its message shows"
        ),
        "{told}"
    );
    assert_eq!(story.asked(), [story.run("rerun-failed-jobs")]);
    story.world.passes(seconds(10)).await;
    story.shows("🔵 **Client deploy** (attempt 2): in progress");
    story.shows(&format!("Re-run by <@{grace}> <t:"));
    assert_eq!(story.buttons(), ["Cancel", "Refresh", "Open"]);
    story.world.settle().await;
    story.world.sweeps(2).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    assert_eq!(story.buttons(), ["Open"], "a success is not run again");
    let posts = story.world.posts();
    assert_eq!(posts.len(), 2, "one outcome an attempt: {posts:#?}");
    assert!(posts[0].content.contains("🔴 **Client deploy** failed"), "{}", posts[0].content);
    let again = format!("<@{grace}> 🟢 **Client deploy** (attempt 2) succeeded");
    assert!(posts[1].content.starts_with(&again), "{}", posts[1].content);
    assert_eq!(posts[0].pings, [id_of("ada").to_string()]);
    assert_eq!(posts[1].pings, [grace.to_string()], "whoever had it run again");
    assert_eq!(story.clicks().await, [("rerun", grace, 1)]);
    let record = story.record().await;
    assert_eq!(record.attempts(), 2);
    story.world.sweeps(2).await;
    assert_eq!(story.world.posts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_again_can_be_run_again() {
    let story = failed("failure").await;
    story.presses("grace", "Re-run failed jobs").await;
    story.world.settle().await;
    story.world.sweeps(2).await;
    story.shows("🔴 **Client deploy** (attempt 2) failed");
    story.presses("linus", "Re-run failed jobs").await;
    assert_eq!(story.asked(), vec![story.run("rerun-failed-jobs"); 2]);
    story.world.settle().await;
    story.world.sweeps(2).await;
    story.shows("🔴 **Client deploy** (attempt 3) failed");
    assert_eq!(story.clicks().await, [("rerun", id_of("grace"), 1), ("rerun", id_of("linus"), 2)]);
    assert_eq!(story.world.posts().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_waited_for_as_long_as_the_first() {
    let reruns = vec![taking("failure", 20), taking("success", 3000)];
    let story = Story::after(Scenario { reruns, ..runs(taking("failure", 20)) }, 0).await;
    story.world.settle().await;
    story.presses("grace", "Re-run failed jobs").await;
    story.world.settle().await;
    story.shows("🔴 **Client deploy** (attempt 2) failed");
    story.world.leaps(seconds(24 * 3600)).await;
    story.presses("linus", "Re-run failed jobs").await;
    let began = story.world.clock().now();
    story.world.settle().await;
    let waited = (story.world.clock().now() - began).num_seconds();
    assert!((170..=190).contains(&waited), "{waited}");
    story.shows("🔵 **Client deploy** (attempt 3): in progress");
    story.world.sweeps(60).await;
    story.shows("🟢 **Client deploy** (attempt 3) succeeded");
    assert_eq!(story.world.posts().len(), 3);
    assert_eq!(story.asked().len(), 2);
}

/// Sends both at once. What they are told, in the order of the second.
async fn both(story: &Story, one: &Interaction, other: &Interaction) -> Vec<String> {
    let (one, other) = tokio::join!(story.world.deliver(one), story.world.deliver(other));
    let mut told = vec![private(&one), private(&other)];
    told.sort_by_key(|words| words.contains("Nothing was done"));
    told
}

#[rstest]
#[case::two_people("grace", "linus")]
#[case::a_double_click("grace", "grace")]
#[tokio::test(start_paused = true)]
async fn two_clicks_at_once_are_one_re_run(#[case] one: &str, #[case] other: &str) {
    let story = failed("success").await;
    let label = "Re-run failed jobs";
    let (one, other) = (story.world.click(one, label), story.world.click(other, label));
    let told = both(&story, &one, &other).await;
    assert!(told[0].contains("GitHub was asked to run its failed jobs again"), "{told:#?}");
    assert!(told[1].contains("Nothing was done"), "{told:#?}");
    story.world.settle().await;
    assert_eq!(story.asked(), [story.run("rerun-failed-jobs")]);
    assert_eq!(story.clicks().await.len(), 1);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_replay_and_an_old_button_do_nothing() {
    let story = failed("failure").await;
    let (click, old) =
        (story.world.click("grace", "Re-run failed jobs"), story.button("Re-run failed jobs"));
    story.is_sent(&click).await;
    let (_, replayed) = story.world.post(&click).await;
    let words = replayed["data"]["content"].as_str().unwrap();
    assert!(words.contains("Nothing was done"), "{words}");
    story.world.settle().await;
    story.world.sweeps(2).await;
    // Attempt 2 has failed as well. The button of attempt 1 is not that of attempt 2.
    story.shows("🔴 **Client deploy** (attempt 2) failed");
    let told = story.forges("linus", &old).await;
    assert_eq!(
        told,
        "⚠️ Nothing was done: **Client deploy** has changed since this button was shown. Look at its message as it \
         is now."
    );
    assert_eq!(story.asked(), [story.run("rerun-failed-jobs")]);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_success_is_not_run_again() {
    let story = Story::ended("success").await;
    assert_eq!(story.buttons(), ["Open"]);
    let forged = format!("deckhand1/rerun/deploy_client/{}/e1", story.interaction.id);
    let told = story.forges("grace", &forged).await;
    assert!(told.contains("only a run that did not succeed is run again"), "{told}");
    assert!(story.asked().is_empty() && story.clicks().await.is_empty());
    story.told().follow_up();
}

#[tokio::test(start_paused = true)]
async fn after_thirty_days_it_is_refused() {
    let story = failed("success").await;
    let click = story.button("Re-run failed jobs");
    story.world.leaps(seconds(30 * 24 * 3600 + 60)).await;
    let told = story.forges("grace", &click).await;
    assert!(told.contains("for 30 days and 50 attempts at most"), "{told}");
    assert!(story.asked().is_empty());
}

#[rstest]
#[case::the_49th(49, true)]
#[case::the_50th(50, false)]
#[tokio::test(start_paused = true)]
async fn after_fifty_attempts_it_is_not_offered(#[case] attempt: u64, #[case] offered: bool) {
    let timetable = Timetable { attempt, ..taking("failure", 20) };
    let story = Story::after(runs(timetable), 0).await;
    story.world.settle().await;
    story.shows(&format!("(attempt {attempt}) failed"));
    assert_eq!(story.buttons().contains(&"Re-run failed jobs".to_owned()), offered);
    if !offered {
        let forged = format!("deckhand1/rerun/deploy_client/{}/e{attempt}", story.interaction.id);
        let told = story.forges("grace", &forged).await;
        assert!(told.contains("for 30 days and 50 attempts at most"), "{told}");
    }
    assert!(story.asked().is_empty());
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_shown_and_it_may_be_tried_again() {
    let story = failed("success").await;
    story.world.github.update(|scenario| scenario.denied.push(Permission::ActionsWrite));
    let told = story.presses("grace", "Re-run failed jobs").await;
    assert!(told.contains("and refused. An admin of the bot must mend it."), "{told}");
    story.world.settle().await;
    story.shows("🔴 **Client deploy** failed");
    story.shows(&format!("Re-run by <@{}> <t:", id_of("grace")));
    story.shows(": GitHub refused it.");
    assert_eq!(story.buttons(), ["Re-run failed jobs", "Open"]);
    story.world.github.update(|scenario| scenario.denied.clear());
    story.presses("linus", "Re-run failed jobs").await;
    story.world.settle().await;
    story.world.sweeps(2).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    assert_eq!(story.world.posts()[1].pings, [id_of("linus").to_string()]);
    assert_eq!(story.asked().len(), 2);
}

#[rstest]
#[case::lost(What::AnswerLost { status: None }, 1)]
#[case::after_a_gateway(What::AnswerLost { status: Some(502) }, 1)]
#[case::not_taken(What::Reset, 2)]
#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_for(#[case] what: What, #[case] times: usize) {
    let story = failed("success").await;
    story.world.github.fault(Fault::new(On::Rerun, what));
    let click = story.world.click("grace", "Re-run failed jobs");
    let answer = story.world.deliver(&click).await;
    assert!(answer.elapsed < seconds(3), "{answer:?}");
    story.world.settle().await;
    let told = story.world.told(&click, answer);
    assert!(told.original().content.contains("GitHub was asked to run"), "{}", told.transcript());
    story.world.sweeps(2).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    assert_eq!(story.asked().len(), times);
    assert_eq!(story.world.github.runs()[0].attempt, 2);
    assert_eq!(story.world.posts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_started_again_on_github_is_shown_as_that() {
    let story = failed("success").await;
    story.world.github.rerun(story.run_id(), "linus", None);
    let told = story.presses("grace", "Re-run failed jobs").await;
    assert!(
        told.starts_with(
            "⚠️ **Client deploy**: nothing was done. It has changed: its run has begun attempt 2 since."
        ),
        "{told}"
    );
    story.world.settle().await;
    story.world.sweeps(3).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    let posts = story.world.posts();
    assert_eq!((posts.len(), posts[1].pings.len()), (2, 0), "nobody here had it run again");
    assert!(story.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_started_again_on_github_meanwhile_is_shown_as_that() {
    let story = failed("success").await;
    // GitHub says that the run is at attempt 1, and says so late.
    story.world.github.fault(Fault::new(On::RunGet, What::Delay(seconds(1))));
    let click = story.world.click("grace", "Re-run failed jobs");
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        story.world.github.rerun(story.run_id(), "linus", None);
    };
    let (answer, ()) = tokio::join!(story.world.deliver(&click), meanwhile);
    let told = private(&answer);
    assert!(told.contains("This workflow is already running"), "{told}");
    story.world.settle().await;
    story.world.sweeps(3).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    let posts = story.world.posts();
    assert_eq!((posts.len(), posts[1].pings.len()), (2, 0), "nobody here had it run again");
    assert_eq!(story.asked(), [story.run("rerun-failed-jobs")]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_the_card_does_not_show_is_not_run_again() {
    let reruns = vec![taking("failure", 20), taking("success", 20)];
    let story = Story::after(Scenario { reruns, ..runs(taking("failure", 20)) }, 0).await;
    story.world.settle().await;
    story.world.github.rerun(story.run_id(), "linus", None);
    story.world.passes(seconds(60)).await;
    story.shows("🔴 **Client deploy** failed");
    let told = story.presses("grace", "Re-run failed jobs").await;
    assert!(told.contains("nothing was done. It has changed"), "{told}");
    assert!(story.asked().is_empty());
    story.world.settle().await;
    story.shows("🔴 **Client deploy** (attempt 2) failed");
    story.shows(": nothing was done. It has changed");
    // Now it is meant.
    story.presses("grace", "Re-run failed jobs").await;
    story.world.settle().await;
    story.world.sweeps(2).await;
    story.shows("🟢 **Client deploy** (attempt 3) succeeded");
    let posts = story.world.posts();
    let pinged: Vec<_> = posts.iter().map(|post| post.pings.clone()).collect();
    assert_eq!(pinged, [vec![id_of("ada").to_string()], vec![], vec![id_of("grace").to_string()]]);
    assert_eq!(story.asked(), [story.run("rerun-failed-jobs")]);
}

#[rstest]
#[case::bad_gateway(Fault::bad_gateway())]
#[case::dropped(Fault::new(On::Any, What::Reset))]
#[tokio::test(start_paused = true)]
async fn while_github_does_not_show_the_run_nothing_is_asked(#[case] fault: Fault) {
    let story = failed("success").await;
    story.world.github.fault(fault.on(On::RunGet));
    let told = story.presses("grace", "Re-run failed jobs").await;
    assert!(told.starts_with("⚠️ **Client deploy**: nothing was done. GitHub"), "{told}");
    assert!(story.asked().is_empty());
    story.world.settle().await;
    story.shows(&format!("Re-run by <@{}> <t:", id_of("grace")));
    story.shows(": nothing was done. GitHub");
    story.presses("linus", "Re-run failed jobs").await;
    story.world.settle().await;
    story.world.sweeps(2).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    assert_eq!(story.asked(), [story.run("rerun-failed-jobs")]);
    story.world.and_more();
}

#[rstest]
#[case::pressed_again(false)]
#[case::looked_at(true)]
#[tokio::test(start_paused = true)]
async fn a_killed_click_blocks_for_two_minutes(#[case] is_looked_at: bool) {
    let mut story = failed("success").await;
    // After an old deploy was shown it is looked at again an hour later.
    story.world.leaps(seconds(20 * 3600)).await;
    story.world.github.update(|scenario| scenario.denied.push(Permission::ActionsWrite));
    story.presses("grace", "Re-run failed jobs").await;
    story.world.settle().await;
    story.world.github.update(|scenario| scenario.denied.clear());
    story.world.github.fault(Fault::new(On::RunGet, What::Delay(seconds(60))));
    let click = story.world.click("grace", "Re-run failed jobs");
    assert!(story.world.deliver(&click).await.accepted());
    story.world.kill();
    let told = story.presses("linus", "Re-run failed jobs").await;
    assert!(told.contains("that was done already"), "{told}");
    story.world.leaps(seconds(121)).await;
    if is_looked_at {
        story.world.sweeps(1).await;
        story.shows("it is unknown whether it was taken");
    }
    story.presses("linus", "Re-run failed jobs").await;
    story.world.settle().await;
    story.world.sweeps(2).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    story.world.and_more();
}
