//! Where Discord refuses components, a deploy's message is text.

use rstest::rstest;
use standins::discord::Components;

use super::{Story, runs, taking};
use crate::world::{World, durable};

async fn where_it_takes(components: Components) -> Story {
    let (plan, store) = durable(runs(taking("failure", 30)));
    let world = World::durable(plan.with_bot()).await;
    world.discord.set_components(components);
    Story::begins(world, store, 20).await
}

/// How often Discord refused an edit.
fn refused(story: &Story) -> usize {
    let requests = story.world.discord.requests();
    requests.iter().filter(|request| request.method == "PATCH" && request.status == 400).count()
}

#[rstest]
#[case::cards(Components::Buttons, &["Cancel", "Refresh", "Open"], 1)]
#[case::buttons_too(Components::None, &[], 2)]
#[tokio::test(start_paused = true)]
async fn it_is_text_from_then_on(
    #[case] takes: Components,
    #[case] buttons: &[&str],
    #[case] refusals: usize,
) {
    let story = where_it_takes(takes).await;
    let card = story.card();
    assert!(!card.is_v2());
    assert!(
        card.content.starts_with("🔵 **Client deploy**: in progress\n`main` · ["),
        "{}",
        card.content
    );
    assert_eq!(story.buttons(), buttons);
    assert_eq!(refused(&story), refusals, "it is tried once");
    story.world.settle().await;
    story.world.sweeps(1).await;
    let card = story.card();
    assert!(
        !card.is_v2() && card.content.starts_with("🔴 **Client deploy** failed"),
        "{}",
        card.content
    );
    assert_eq!(refused(&story), refusals);
    assert!(story.told().follow_up().content.contains("🔴"));
    assert_eq!(story.world.dispatches().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_stays_text_for_another_process() {
    let mut story = where_it_takes(Components::None).await;
    story.world.kill();
    story.world.discord.set_components(Components::All);
    story.world.sweeps(3).await;
    let card = story.card();
    assert!(!card.is_v2() && card.content.starts_with("🔴"), "{}", card.content);
    assert_eq!(story.world.dispatches().len(), 1);
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_button_under_a_text_works() {
    let story = where_it_takes(Components::Buttons).await;
    let told = story.presses("grace", "Cancel").await;
    assert!(told.contains("GitHub was asked to cancel it"), "{told}");
    story.world.settle().await;
    assert_eq!(story.asked(), [story.run("cancel")]);
    story.told().both_say("cancelled");
    assert_eq!(refused(&story), 1);
}
