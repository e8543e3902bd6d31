//! The question whether to roll back: answered once, in time, by whoever was asked.

use std::time::Duration;

use deckhand::deploy::click::{Acted, Click};
use rstest::rstest;
use standins::discord::{Interaction, User};
use standins::github::{Permission, Scenario};

use super::roll_back::{BY_INPUT, BY_RERUN, begun, failed, scenario};
use super::{Story, altered, id_of, private, seconds, taking};
use crate::world::{World, durable};

const NOT_ASKED: &str =
    "Nothing was done: only whoever pressed *Roll back* can answer that question.";

/// A failed deploy, and the answer to the question whether to roll it back.
async fn asked(scenario: Scenario) -> (Story, Interaction) {
    let story = failed(BY_INPUT, scenario).await;
    story.presses("grace", "Roll back").await;
    story.world.passes(seconds(5)).await;
    let click = story.world.click("grace", "Roll back now");
    (story, click)
}

#[tokio::test(start_paused = true)]
async fn two_answers_at_once_are_one_roll_back() {
    let (story, first) = asked(scenario("failure")).await;
    let second = story.world.click("grace", "Roll back now");
    let (one, other) = tokio::join!(story.world.deliver(&first), story.world.deliver(&second));
    assert_eq!((one.body["type"].clone(), one.accepted()), (5.into(), true));
    let told = private(&other);
    assert!(told.contains("Nothing was done"), "{told}");
    story.world.settle().await;
    let third = story.world.click("grace", "Roll back now");
    let told = story.is_sent(&third).await;
    assert!(
        told.contains("another deploy of **Client deploy** began since this question was asked"),
        "{told}"
    );
    assert_eq!(story.world.dispatches().len(), 2);
    assert_eq!(story.clicks().await, [("roll_back", id_of("grace"), 1)]);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn two_people_who_were_asked_roll_back_once() {
    let (story, grace) = asked(scenario("failure")).await;
    story.presses("linus", "Roll back").await;
    let linus = story.world.click("linus", "Roll back now");
    let (one, other) = tokio::join!(story.world.deliver(&grace), story.world.deliver(&linus));
    let kinds = [&one.body["type"], &other.body["type"]];
    assert!(kinds.contains(&&5.into()) && kinds.contains(&&4.into()), "{one:?} {other:?}");
    story.world.settle().await;
    assert_eq!(story.world.dispatches().len(), 2);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_replay_rolls_back_once() {
    let (story, click) = asked(scenario("failure")).await;
    story.world.deliver(&click).await;
    let (status, body) = story.world.post(&click).await;
    let words = body["data"]["content"].as_str().unwrap();
    assert!(status == 200 && words.contains("Nothing was done"), "{words}");
    story.world.settle().await;
    assert_eq!(story.world.dispatches().len(), 2);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn nobody_else_answers_it() {
    let (story, click) = asked(scenario("failure")).await;
    let stolen = altered(&story.world, &click, |payload| {
        payload["member"]["user"]["id"] = User::named("eve").id.into();
    });
    assert!(story.is_sent(&stolen).await.contains(NOT_ASKED));
    // Pressed on the card itself, so nobody was asked.
    let id = story.interaction.id.clone();
    for wants in ["roll_back_now", "dismiss"] {
        let told = story.forges("grace", &format!("deckhand1/{wants}/deploy_client/{id}/e1")).await;
        assert!(told.contains(NOT_ASKED), "{told}");
    }
    let click = story.world.click("grace", "Roll back now");
    let nowhere =
        altered(&story.world, &click, |payload| payload["message"] = serde_json::Value::Null);
    assert!(story.is_sent(&nowhere).await.contains(NOT_ASKED));
    assert!(story.asked().is_empty() && story.clicks().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_lapses_after_fifteen_minutes() {
    let (story, _) = asked(scenario("failure")).await;
    story.world.leaps(seconds(15 * 60 + 30)).await;
    let click = story.world.click("grace", "Roll back now");
    let told = story.is_sent(&click).await;
    assert!(told.contains("this question is more than 15 minutes old"), "{told}");
    assert!(story.asked().is_empty() && story.clicks().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_deploy_meanwhile_makes_it_void() {
    let (story, _) = asked(scenario("failure")).await;
    let other = story.world.types("linus", "/deploy-client wait:true").await;
    assert!(other.original().content.contains("🔴"), "{}", other.transcript());
    other.follow_up();
    let click = story.world.click("grace", "Roll back now");
    let told = story.is_sent(&click).await;
    assert!(
        told.contains(
            "another deploy of **Client deploy** began since this question was asked ([Run #"
        ),
        "{told}"
    );
    assert_eq!(story.world.dispatches().len(), 2);
    // Asked again, it says that this is not the latest.
    let roll_back = story.button("Roll back");
    let told = story.forges("grace", &roll_back).await;
    let line = format!("⚠️ It is not the latest: <@{}> deployed again <t:", id_of("linus"));
    assert!(told.contains(&line), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_re_run_meanwhile_makes_it_void() {
    let (story, click) = asked(scenario("failure")).await;
    story.presses("linus", "Re-run failed jobs").await;
    let told = story.is_sent(&click).await;
    assert!(told.contains("has changed since this button was shown"), "{told}");
    story.world.settle().await;
    assert_eq!(story.asked().len(), 1);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn it_may_be_answered_with_no() {
    let (story, _) = asked(scenario("failure")).await;
    let click = story.world.click("grace", "Do not roll back");
    let answer = story.world.deliver(&click).await;
    assert!(answer.accepted(), "{answer:?}");
    assert_eq!(
        (&answer.body["type"], &answer.body["data"]["content"]),
        (&7.into(), &"Nothing was rolled back.".into())
    );
    assert!(story.world.with_button("Roll back now").is_none(), "it is not there any more");
    assert!(story.asked().is_empty() && story.clicks().await.is_empty());
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn after_a_roll_back_that_failed_it_may_be_asked_again() {
    let (story, click) = asked(scenario("failure")).await;
    story.world.github.update(|scenario| scenario.denied.push(Permission::ActionsWrite));
    story.world.delivers(&click).await;
    let shown = begun(&story, &click).content;
    assert!(
        shown.contains("🔴 **Client deploy**: not started.")
            && shown.contains("An admin of the bot must mend it."),
        "{shown}"
    );
    story.shows(": it did not begin. ");
    story.world.github.update(|scenario| scenario.denied.clear());
    let roll_back = story.button("Roll back");
    story.forges("linus", &roll_back).await;
    let again = story.world.click("linus", "Roll back now");
    story.world.delivers(&again).await;
    assert_eq!(story.world.dispatches().len(), 2);
    assert_eq!(
        story.clicks().await,
        [("roll_back", id_of("grace"), 1), ("roll_back", id_of("linus"), 1)]
    );
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_gone_is_not_run_again() {
    let story = failed(BY_RERUN, scenario("failure")).await;
    story.presses("grace", "Roll back").await;
    let old = story.world.github.runs()[0].id;
    story.world.github.delete_run(old);
    let click = story.world.click("grace", "Roll back now");
    story.world.delivers(&click).await;
    let shown = begun(&story, &click).content;
    assert!(shown.contains("not started. GitHub does not know"), "{shown}");
    assert_eq!(story.world.dispatches().len(), 1);
    story.world.and_more();
}

/// Four answers of the store in a row take longer than Discord waits.
#[tokio::test(start_paused = true)]
async fn a_slow_store_rolls_nothing_back_and_says_so_in_time() {
    let (story, click) = asked(scenario("failure")).await;
    story.store.is_slow(Duration::from_millis(500));
    let answer = story.world.deliver(&click).await;
    assert!(answer.elapsed < seconds(3), "{answer:?}");
    let told = private(&answer);
    assert!(told.contains("Nothing was done"), "{told}");
    story.store.is_slow(seconds(0));
    story.world.settle().await;
    story.world.sweeps(3).await;
    assert_eq!(story.world.dispatches().len(), 1);
    let clicks = story.record().await.clicks;
    let is_refused = |click: &Click| matches!(click.result, Acted::Refused { .. });
    assert!(clicks.iter().all(is_refused), "{clicks:?}");
    story.world.and_more();
}

/// A deploy that began earlier and ends later.
#[tokio::test(start_paused = true)]
async fn an_earlier_deploy_that_succeeds_meanwhile_is_what_is_gone_back_to() {
    let mut scenario = scenario("success");
    scenario.timetable = taking("success", 120);
    let (plan, store) = durable(scenario);
    let mut plan = plan.with_bot();
    plan.agents = Some(BY_INPUT);
    let world = World::durable(plan).await;
    let earlier = world.interaction("linus", super::WAIT);
    world.deliver(&earlier).await;
    world.passes(seconds(10)).await;
    world.github.update(|scenario| scenario.timetable = taking("failure", 20));
    let story = Story::begins(world, store, 60).await;
    story.shows("🔴");
    let roll_back = story.button("Roll back");
    assert!(story.forges("grace", &roll_back).await.contains("Run #41"));
    story.world.settle().await;
    let click = story.world.click("grace", "Roll back now");
    let told = story.is_sent(&click).await;
    let expected = "another deploy of **Client deploy** ended since this question was asked";
    assert!(told.contains(expected), "{told}");
    let told = story.forges("grace", &roll_back).await;
    assert!(told.contains("Run #42"), "{told}");
    let run = story.world.github.dispatches()[0].run_id;
    let sha = story.world.github.runs().iter().find(|one| one.id == run).unwrap().sha.clone();
    story.world.clicks("grace", "Roll back now").await;
    assert_eq!(story.world.dispatches()[2].inputs["sha"], sha);
    story.world.and_more();
}

/// What was deployed before is read again when the store could not tell it at first.
#[rstest]
#[case::while_it_runs(15)]
#[case::until_after_its_end(40)]
#[tokio::test(start_paused = true)]
async fn a_store_that_lists_nothing_for_a_while_hides_no_roll_back(#[case] time: u64) {
    let (plan, store) = durable(scenario("failure"));
    let mut plan = plan.with_bot();
    plan.agents = Some(BY_INPUT);
    let world = World::durable(plan).await;
    store.lists_nothing(true);
    let story = Story::begins(world, store, time).await;
    story.store.lists_nothing(false);
    story.world.settle().await;
    story.world.sweeps(2).await;
    assert_eq!(story.buttons(), ["Re-run failed jobs", "Roll back", "Open"]);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_rolls_nothing_back() {
    let (story, click) = asked(scenario("failure")).await;
    story.store.is_down(true);
    let told = story.is_sent(&click).await;
    assert!(told.contains("Nothing was done") && told.contains("store"), "{told}");
    story.store.is_down(false);
    story.world.settle().await;
    assert!(story.asked().is_empty());
}

/// Only ada may use the agent; before, grace could as well.
const FOR_ADA: &str = client_deploy!(
    r#"environment = "production"
sha_input = "sha"
allowed_users = ["810000000000000001"]
"#
);

#[tokio::test(start_paused = true)]
async fn who_may_not_any_more_cannot_answer_it() {
    let (mut story, click) = asked(scenario("failure")).await;
    story.world.restart_with(FOR_ADA);
    let told = story.is_sent(&click).await;
    assert!(
        told.contains("You may not") && told.contains(&format!("<@{}>", id_of("ada"))),
        "{told}"
    );
    assert!(story.asked().is_empty() && story.clicks().await.is_empty());
}
