//! What a watch needs, and who says that it is missing.

use deckhand::bot::tasks::Tasks;
use deckhand::host::startup;
use rstest::rstest;
use standins::Scratch;
use standins::discord::{CHANNEL_ID, ROLE_ID, User};

use super::{ALL, agents};
use crate::secrets::{listen, logged};
use crate::world::{Plan, World, durable};

const FEW: &str = "[[agent]]\nid = \"a\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"a\"\nkind = \"status\"\n";

/// The lines of the doctor that tell of watches and webhooks.
async fn told(watches: &[&str], webhooks: bool, bot: bool, hook: bool) -> String {
    let (plan, _) = durable(standins::github::Scenario::default());
    // Few agents: a message of the doctor's leaves out good findings if it is too long.
    let text = agents(watches);
    let text = match text.split_once("\n[[watch]]") {
        Some((_, watches)) => format!("{FEW}\n[[watch]]{watches}"),
        None => FEW.to_owned(),
    };
    let mut plan = Plan { agents: Some(Box::leak(text.into_boxed_str())), ..plan };
    plan.env.push(("ADMIN_USER_IDS", User::named("ada").id));
    let plan = if webhooks { plan.with_webhooks() } else { plan };
    let world = World::durable(if bot { plan.with_bot() } else { plan }).await;
    world.and_more();
    if hook {
        world.add_hook(world.hook()).await;
    }
    let told = world.types("ada", "/doctor").await;
    let lines = told.original().content.lines();
    let about = ["**Watches:**", "**Webhooks:**", "DISCORD\\_BOT\\_TOKEN is not set"];
    let wanted = |line: &&str| about.iter().any(|about| line.contains(about));
    lines.filter(wanted).collect::<Vec<_>>().join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_can_show_its_runs_is_well() {
    let watch = format!("channel = \"{CHANNEL_ID}\"\nping = \"{ROLE_ID}\"");
    let told = told(&[&watch], true, true, true).await;
    assert!(told.contains(&format!("✅ **Watches:** The bot sees channel {CHANNEL_ID}")), "{told}");
    assert!(!told.contains('❌') && !told.contains("⚠️"), "{told}");
}

#[rstest]
#[case::no_secret(ALL, false, true, "GITHUB\\_WEBHOOK\\_SECRET is not set")]
#[case::no_bot(ALL, true, false, "DISCORD\\_BOT\\_TOKEN is not set")]
#[case::no_delivery(ALL, true, true, "Its watches show nothing until one comes")]
#[case::of_a_repository_without_an_agent(
    "channel = \"CHANNEL\"\nrepository = \"octo-org/api\"",
    true,
    true,
    "delivery of octo-org/api was seen"
)]
#[case::no_such_channel(
    "channel = \"5\"",
    true,
    true,
    "Channel 5: Discord knows no channel of this id"
)]
#[case::no_such_role("channel = \"CHANNEL\"\nping = \"77\"", true, true, "has no role 77")]
#[tokio::test(start_paused = true)]
async fn the_doctor_says_what_a_watch_lacks(
    #[case] watch: &str,
    #[case] webhooks: bool,
    #[case] bot: bool,
    #[case] expected: &str,
) {
    let told = told(&[watch], webhooks, bot, false).await;
    assert!(told.contains(expected), "{expected}: {told}");
}

#[tokio::test(start_paused = true)]
async fn without_watches_nothing_is_said_of_them() {
    let told = told(&[], false, false, false).await;
    assert!(!told.contains("Watches"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn without_a_bot_nothing_is_asked_for_a_watched_run() {
    let (plan, store) = durable(standins::github::Scenario::default());
    let world = World::durable(Plan { agents: Some(agents(&[ALL])), ..plan }.with_webhooks()).await;
    world.add_hook(world.hook()).await;
    let commits = store.asked().commits;
    world.runs(super::push("failure")).await;
    assert!(world.github.requests().is_empty() && world.cards().is_empty());
    assert_eq!(store.asked().commits, commits);
}

#[rstest]
#[case::nothing(&[], &["GITHUB_WEBHOOK_SECRET is not set", "DISCORD_BOT_TOKEN is not set"])]
#[case::a_secret(&[("GITHUB_WEBHOOK_SECRET", "s")], &["DISCORD_BOT_TOKEN is not set"])]
#[case::all(&[("GITHUB_WEBHOOK_SECRET", "s"), ("DISCORD_BOT_TOKEN", "t")], &[])]
#[test]
fn what_a_watch_lacks_is_warned_of_at_start(
    #[case] set: &[(&str, &str)],
    #[case] expected: &[&str],
) {
    listen();
    let folder = Scratch::new().unwrap();
    let file = folder.file("deckhand.redb").to_string_lossy().into_owned();
    let agents_file = folder.file("agents.toml");
    std::fs::write(&agents_file, agents(&[ALL])).unwrap();
    let agents_file = agents_file.to_string_lossy().into_owned();
    let env = |name: &str| {
        let own = [
            ("ALLOWED_GUILD_IDS", "1"),
            ("DATA_FILE", file.as_str()),
            ("AGENTS_FILE", agents_file.as_str()),
        ];
        let mut given = crate::places::REQUIRED.into_iter().chain(own).chain(set.iter().copied());
        given.find(|(given, _)| *given == name).map(|(_, value)| value.to_owned())
    };
    assert!(startup::app(env, Tasks::default()).is_ok());
    let lines = logged();
    let said: Vec<&str> =
        lines.lines().filter(|line| line.contains("a [[watch]] that shows nothing")).collect();
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (line, expected) in said.iter().zip(expected) {
        assert!(line.contains(expected), "{expected}: {line}");
    }
}
