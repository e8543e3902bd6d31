//! A roll back that runs a deploy's run again takes the run over: each attempt is one deploy's.

use rstest::rstest;
use standins::discord::{Answer, Interaction, User};
use standins::github::{Fault, On, Permission, What};

use super::roll_back::{BY_RERUN, begun, scenario};
use super::{Story, WAIT, id_of, seconds, taking};
use crate::world::{World, durable};

/// A deploy that succeeded, and one that failed after it, where GitHub's webhooks arrive.
struct Both {
    first: Interaction,
    answer: Answer,
    hook: u64,
    story: Story,
}

impl Both {
    async fn ended() -> Self {
        let mut scenario = scenario("success");
        scenario.history.clear();
        let (plan, store) = durable(scenario);
        let mut plan = plan.with_bot().with_webhooks();
        plan.agents = Some(BY_RERUN);
        let world = World::durable(plan).await;
        let hook = world.add_hook(world.hook()).await;
        let first = world.interaction("ada", WAIT);
        let answer = world.deliver(&first).await;
        world.passes(seconds(60)).await;
        world.github.update(|scenario| scenario.timetable = taking("failure", 20));
        let story = Story::begins(world, store, 60).await;
        story.shows("🔴 **Client deploy** failed");
        let both = Self { first, answer, hook, story };
        both.the_first_stays_as_it_was().await;
        both
    }

    /// What the message of the first deploy shows.
    fn first_shown(&self) -> String {
        let told = self.story.world.told(&self.first, self.answer.clone());
        told.original().content.clone()
    }

    async fn the_first_stays_as_it_was(&self) {
        let shown = self.first_shown();
        assert!(shown.starts_with("🟢 **Client deploy** succeeded"), "{shown}");
        let deploys = self.story.store.deploys().await;
        let is_it = |id: &str| id == self.first.id;
        let first = deploys.iter().find(|one| is_it(&one.key.interaction_id.to_string())).unwrap();
        assert_eq!((first.success(), first.attempts()), (Some(true), 1), "{first:#?}");
    }

    /// Somebody answers that the roll back is meant. The next attempt of the first run ends so.
    async fn rolls_back(&self, again: &str) -> Interaction {
        self.story.presses("grace", "Roll back").await;
        self.story.world.github.update(|scenario| scenario.reruns = vec![taking(again, 20)]);
        self.story.world.click("grace", "Roll back now")
    }

    fn reruns(&self) -> usize {
        let requests = self.story.world.github.requests();
        requests.iter().filter(|request| request.path.ends_with("/rerun")).count()
    }
}

#[rstest]
#[case::in_time(None)]
#[case::late(Some(What::Delay(seconds(8))))]
#[case::lost(Some(What::AnswerLost { status: None }))]
#[case::after_a_gateway(Some(What::AnswerLost { status: Some(502) }))]
#[tokio::test(start_paused = true)]
async fn the_attempt_of_a_roll_back_is_its_own(#[case] answer: Option<What>) {
    let both = Both::ended().await;
    let world = &both.story.world;
    let click = both.rolls_back("failure").await;
    world.github.update(|scenario| {
        scenario.faults.extend(answer.map(|what| Fault::new(On::Rerun, what)));
    });
    world.delivers(&click).await;
    world.passes(seconds(60)).await;
    world.sweeps(2).await;
    assert_eq!(both.reruns(), 1);
    let shown = begun(&both.story, &click).content;
    assert!(shown.starts_with("🔴 **Client deploy** (attempt 2) failed"), "{shown}");
    both.the_first_stays_as_it_was().await;
    let posts = world.posts();
    assert_eq!(posts.len(), 3, "one outcome a deploy: {posts:#?}");
    assert_eq!(posts[2].pings, [id_of("grace").to_string()]);
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_that_was_killed_after_it_asked_finds_its_attempt() {
    let mut both = Both::ended().await;
    let click = both.rolls_back("failure").await;
    let world = &both.story.world;
    world.github.fault(Fault::new(On::Rerun, What::Delay(seconds(20))));
    let sent = world.deliver(&click).await;
    assert!(sent.accepted());
    world.passes(seconds(2)).await;
    assert_eq!(both.reruns(), 1);
    both.story.world.kill();
    let to = both.story.world.endpoint();
    both.story.world.github.update_hook(both.hook, |hook| hook.to = to);
    both.story.world.passes(seconds(30)).await;
    both.story.world.sweeps(4).await;
    let shown = begun(&both.story, &click).content;
    assert!(shown.starts_with("🔴 **Client deploy** (attempt 2) failed"), "{shown}");
    both.the_first_stays_as_it_was().await;
    assert_eq!((both.reruns(), both.story.world.posts().len()), (1, 3));
    both.story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_not_run_again_is_given_back() {
    let both = Both::ended().await;
    let world = &both.story.world;
    let click = both.rolls_back("failure").await;
    world.github.update(|scenario| scenario.denied.push(Permission::ActionsWrite));
    world.delivers(&click).await;
    let shown = begun(&both.story, &click).content;
    assert!(shown.contains("not started"), "{shown}");
    // Somebody has it run again on GitHub.
    let run = world.github.runs()[0].id;
    world.github.rerun(run, "linus", None);
    world.passes(seconds(60)).await;
    world.sweeps(1).await;
    let shown = both.first_shown();
    assert!(shown.starts_with("🔴 **Client deploy** (attempt 2) failed"), "{shown}");
    assert!(begun(&both.story, &click).content.contains("not started"));
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_that_began_no_attempt_gives_the_run_back() {
    let both = Both::ended().await;
    let world = &both.story.world;
    let click = both.rolls_back("failure").await;
    // GitHub breaks down: nobody can tell whether it has begun one.
    world.github.fault(Fault::bad_gateway().on(On::Rerun).always());
    world.github.fault(Fault::bad_gateway().on(On::RunGet).skip(1).lasting(seconds(120)));
    world.delivers(&click).await;
    world.sweeps(12).await;
    let run = world.github.runs()[0].id;
    assert_eq!(world.github.runs()[0].attempt, 1);
    world.github.rerun(run, "linus", None);
    world.passes(seconds(60)).await;
    world.sweeps(1).await;
    let shown = both.first_shown();
    assert!(shown.starts_with("🔴 **Client deploy** (attempt 2) failed"), "{shown}");
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn the_old_card_of_a_roll_back_does_not_run_the_next_ones_attempt_again() {
    let both = Both::ended().await;
    let story = &both.story;
    let roll_back = story.button("Roll back");
    let mut clicks = Vec::new();
    for who in ["grace", "linus"] {
        story.forges(who, &roll_back).await;
        story.world.github.update(|scenario| scenario.reruns = vec![taking("failure", 20); 3]);
        let click = story.world.click(who, "Roll back now");
        story.world.delivers(&click).await;
        story.world.passes(seconds(60)).await;
        clicks.push(click);
    }
    let shown = |click| begun(story, click).content;
    let (first, second) = (shown(&clicks[0]), shown(&clicks[1]));
    assert!(first.starts_with("🔴 **Client deploy** (attempt 2) failed"), "{first}");
    assert!(second.starts_with("🔴 **Client deploy** (attempt 3) failed"), "{second}");
    let card = begun(story, &clicks[0]);
    let button = card.buttons().into_iter().find(|button| button.label == "Re-run failed jobs");
    let custom_id = button.unwrap().custom_id.unwrap();
    let again = story.world.discord.click_forged(&User::named("grace"), &card.id, &custom_id);
    let told = story.is_sent(&again.unwrap()).await;
    assert!(told.contains("nothing was done. A roll back has had its run started again"), "{told}");
    story.world.passes(seconds(60)).await;
    story.world.sweeps(2).await;
    assert_eq!(story.world.github.runs()[0].attempt, 3);
    assert!(shown(&clicks[0]).starts_with("🔴 **Client deploy** (attempt 2) failed"));
    assert_eq!((shown(&clicks[1]), story.world.posts().len()), (second, 4));
    story.world.and_more();
}

#[rstest]
#[case::for_a_moment(2, "🟢 **Client deploy** (attempt 2) succeeded")]
#[case::for_long(60, "**Client deploy**: not started. GitHub cannot be reached.")]
#[tokio::test(start_paused = true)]
async fn while_github_does_not_show_the_run_it_is_not_asked_for(
    #[case] time: u64,
    #[case] expected: &str,
) {
    let both = Both::ended().await;
    let world = &both.story.world;
    let click = both.rolls_back("success").await;
    world.github.fault(Fault::bad_gateway().on(On::RunGet).lasting(seconds(time)));
    world.delivers(&click).await;
    world.passes(seconds(60)).await;
    let shown = begun(&both.story, &click).content;
    assert!(shown.contains(expected), "{shown}");
    assert_eq!(both.reruns(), usize::from(time < 10));
    both.the_first_stays_as_it_was().await;
    world.and_more();
}
