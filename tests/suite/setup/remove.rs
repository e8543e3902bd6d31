//! `deckhand setup --remove`.

use deckhand::setup::{Ended, Stopped};
use rstest::rstest;
use serde_json::json;
use standins::github::Permission;

use super::scene::{Played, Scene};

#[track_caller]
fn not_removed(stopped: Result<(), Stopped>, person: &Played) -> String {
    match stopped {
        Err(Stopped::NotRemoved(what)) => what,
        other => panic!("{other:?}\n{}", person.said()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_taken_back_and_asked_for_each() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    // Enter takes nothing back.
    let (files, writes) = (scene.files(), scene.writes());
    let person = (0..4).fold(Played::default(), |person, _| person.first("--yes", ""));
    scene.remove(&scene.flags(), &Played::clone(&person).first("--yes", "")).await.unwrap();
    assert_eq!((scene.files(), scene.writes()), (files.clone(), writes));
    let said = person.said();
    for question in [
        "Take the interactions endpoint away from the application?",
        "Take all commands of the bot back, for all servers?",
        "Delete the webhook in octo-org/web-client?",
    ] {
        assert!(said.contains(question), "{question:?} is not in:\n{said}");
    }
    // A dry run says it.
    let mut flags = scene.flags();
    flags.dry_run = true;
    let person = Played::without_a_terminal();
    scene.remove(&flags, &person).await.unwrap();
    assert!(
        person.said().contains("would delete the webhook in octo-org/web-client"),
        "{}",
        person.said()
    );
    assert_eq!((scene.files(), scene.writes()), (files, writes));
    flags.dry_run = false;
    flags.yes = true;
    scene.remove(&flags, &Played::without_a_terminal()).await.unwrap();
    assert_eq!(scene.discord.interactions_endpoint(), None);
    assert!(scene.discord.commands().is_empty());
    let deleted = scene.github.requests();
    assert_eq!(
        deleted
            .iter()
            .filter(|request| request.method == "DELETE" && request.status == 204)
            .count(),
        1
    );
    let left: Vec<_> = scene.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["agents.toml"]);
    // And again: there is nothing.
    scene.remove(&flags, &Played::without_a_terminal()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_something_else_stays() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    let other = "https://other.example.com/interactions";
    scene.discord.set_interactions_endpoint(Some(other));
    let mut flags = scene.flags();
    flags.yes = true;
    let person = Played::without_a_terminal();
    scene.remove(&flags, &person).await.unwrap();
    assert_eq!(scene.discord.interactions_endpoint().as_deref(), Some(other));
    assert!(person.said().contains("is not of this server, so it stays"), "{}", person.said());
    // Nor are the commands.
    assert!(!scene.discord.commands().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_revoked_token_the_rest_is_taken_back_and_it_goes_on_with_another() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    std::fs::write(scene.file(".env"), scene.settings() + "# Mine\nLOG_LEVEL=debug\n").unwrap();
    let token = scene.discord.bot_token();
    scene.discord.set_bot_token("MTE5.another.token");
    let (before, mut flags) = (scene.settings(), scene.flags());
    flags.yes = true;
    let person = Played::without_a_terminal();
    let why = not_removed(scene.remove(&flags, &person).await, &person);
    assert!(why.contains("the application's endpoint and commands"), "{why}");
    assert!(why.contains("DISCORD_BOT_TOKEN") && why.contains(".env"), "{why}");
    let said = person.said();
    assert!(said.contains("octo-org/web-client: the webhook is deleted."), "{said}");
    // The tokens stay for what is left.
    assert_eq!(scene.settings(), before);
    scene.discord.set_bot_token(&token);
    scene.remove(&flags, &Played::without_a_terminal()).await.unwrap();
    assert_eq!(scene.discord.interactions_endpoint(), None);
    assert!(scene.discord.commands().is_empty());
    // What is not of the set-up stays.
    assert_eq!(scene.settings(), "# Mine\nLOG_LEVEL=debug\n");
}

#[rstest]
#[case::discord("DISCORD_API_BASE", "the application's endpoint and commands")]
#[case::github("GITHUB_API_BASE", "the webhook of octo-org/web-client")]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_keeps_the_settings(#[case] name: &'static str, #[case] what: &str) {
    let mut scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    let before = scene.settings();
    let right = scene.env.insert(name, "http://127.0.0.1:1".to_owned()).unwrap();
    let mut flags = scene.flags();
    flags.yes = true;
    let person = Played::without_a_terminal();
    let why = not_removed(scene.remove(&flags, &person).await, &person);
    assert!(why.contains(what), "{why}");
    assert_eq!(scene.settings(), before);
    scene.env.insert(name, right);
    scene.remove(&flags, &Played::without_a_terminal()).await.unwrap();
    assert_eq!(scene.discord.interactions_endpoint(), None);
    let deleted = scene.github.requests();
    assert!(deleted.iter().any(|request| request.method == "DELETE" && request.status == 204));
    assert!(!scene.file(".env").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_not_see_webhooks_keeps_the_settings_only_if_some_were_made() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    scene.github.update(|scenario| scenario.denied.push(Permission::Hooks));
    let mut flags = scene.flags();
    flags.yes = true;
    let person = Played::without_a_terminal();
    let why = not_removed(scene.remove(&flags, &person).await, &person);
    assert!(why.contains("the webhook of octo-org/web-client"), "{why}");
    let without: String = scene
        .settings()
        .lines()
        .filter(|line| !line.starts_with("GITHUB_WEBHOOK_SECRET="))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(scene.file(".env"), without).unwrap();
    scene.remove(&flags, &Played::without_a_terminal()).await.unwrap();
    assert!(!scene.file(".env").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_stops_says_how_it_goes_on() {
    let scene = Scene::new().await;
    std::fs::write(scene.file(".env"), "DISCORD_APPLICATION_ID=1\na secret\n").unwrap();
    let why = scene.remove(&scene.flags(), &Played::default()).await.unwrap_err().to_string();
    assert!(why.contains("line 2") && why.contains("`deckhand setup --remove` again"), "{why}");
    let stopped = {
        std::fs::write(
            scene.file(".env"),
            "DISCORD_APPLICATION_ID=1\nDECKHAND_URL=https://x.example\n",
        )
        .unwrap();
        scene.remove(&scene.flags(), &Played::default()).await
    };
    assert_eq!(stopped, Err(Stopped::RemovalInterrupted));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_set_up_a_removal_says_so_and_asks_nothing() {
    let scene = Scene::new().await;
    let person = Played::default();
    scene.remove(&scene.flags(), &person).await.unwrap();
    assert!(person.said().contains("Nothing was set up here"), "{}", person.said());
    assert_eq!(person.asked(), Vec::<&str>::new());
}

#[rstest]
#[case::agents_that_can_be_read(true)]
#[case::agents_that_cannot(false)]
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_a_bot_that_needs_no_endpoint_stay(#[case] can_be_read: bool) {
    let scene = Scene::new().await;
    scene.discord.set_commands(json!([{"type": 1, "name": "status", "description": "Theirs"}]));
    let person = scene.person().answers("--replace-endpoint", "no");
    assert!(matches!(scene.set_up(&person).await, Err(Stopped::Declined(_))), "{}", person.said());
    if !can_be_read {
        std::fs::write(scene.file("agents.toml"), "[[agent]]\n").unwrap();
    }
    let mut flags = scene.flags();
    flags.yes = true;
    let person = Played::without_a_terminal();
    let ended = scene.remove(&flags, &person).await;
    assert!(person.said().contains("commands stay"), "{}", person.said());
    assert_eq!(scene.discord.commands()[0]["description"], "Theirs");
    // What cannot be told yet keeps the token.
    assert_eq!((ended.is_ok(), scene.file(".env").exists()), (can_be_read, !can_be_read));
}
