//! A channel that refuses the card: said once, and nothing is tried for ever.

use rstest::rstest;
use standins::discord::{Fault, On, Permissions, What};

use super::{ALL, of, push, watching};
use crate::secrets::{listen, logged};
use crate::world::World;

fn posts(world: &World) -> usize {
    let is_post = |path: &str| path.ends_with("/messages");
    world.discord.requests().iter().filter(|one| one.method == "POST" && is_post(&one.path)).count()
}

#[rstest]
#[case::gone("channel = \"1190000000000000055\"", true, "Copy Channel ID")]
#[case::not_seen(ALL, false, "View Channel")]
#[tokio::test(start_paused = true)]
async fn a_refusal_is_logged_once_with_its_cure(
    #[case] watch: &str,
    #[case] seen: bool,
    #[case] cure: &str,
) {
    listen();
    let (world, _) = watching(&[watch]).await;
    world.discord.permit(Permissions { view: seen, ..Permissions::default() });
    world.runs(push("failure")).await;
    world.sweeps(5).await;
    world.runs(push("failure")).await;
    world.sweeps(5).await;
    let lines = logged();
    let said: Vec<&str> =
        lines.lines().filter(|line| line.contains("a [[watch]] cannot show its runs")).collect();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains(cure), "{}", said[0]);
    assert_eq!(posts(&world), 2);
    let asked = world.github.requests().len();
    world.sweeps(5).await;
    assert_eq!((world.github.requests().len(), world.cards().len()), (asked, 0));
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_takes_no_components_gets_a_text() {
    let (world, _) = watching(&[ALL]).await;
    world.discord.set_components(standins::discord::Components::None);
    world.runs(push("success")).await;
    let card = world.card();
    assert!(world.discord.requests().iter().any(|one| one.method == "POST" && one.status == 400));
    assert!(!card.is_v2() && card.content.starts_with("🟢 **CI** succeeded"), "{card:?}");
}

#[tokio::test(start_paused = true)]
async fn where_the_history_may_not_be_read_the_role_is_pinged_without_a_reply() {
    let (world, _) = watching(&["channel = \"CHANNEL\"\nping = \"77\""]).await;
    world.discord.permit(Permissions { history: false, ..Permissions::default() });
    world.runs(push("failure")).await;
    let posts = world.cards();
    assert!(world.discord.requests().iter().any(|one| one.method == "POST" && one.status == 403));
    assert_eq!(posts.len(), 2, "{posts:#?}");
    assert_eq!(posts[1].pings, ["&77"]);
}

#[tokio::test(start_paused = true)]
async fn a_discord_that_is_down_gets_the_card_later() {
    let (world, _) = of(&[ALL], |plan| plan, |hook| hook).await;
    world
        .discord
        .fault_for(super::MINUTE * 3, Fault::new(On::ChannelMessage, What::Status(503)).always());
    world.runs(push("success")).await;
    world.sweeps(6).await;
    assert!(world.card().content.starts_with("🟢 **CI** succeeded"));
}
