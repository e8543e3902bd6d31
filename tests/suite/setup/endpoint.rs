//! The server's address, and the application that sends its commands there.

use deckhand::setup::{Ended, Stopped};
use rstest::rstest;
use serde_json::json;
use standins::discord::{Fault, On, What};

use super::scene::{Played, Scene};
use super::trouble::mend;

#[tokio::test(flavor = "multi_thread")]
async fn another_endpoint_is_replaced_only_if_that_is_wanted() {
    let scene = Scene::new().await;
    let other = "https://other.example.com/interactions";
    scene.discord.set_interactions_endpoint(Some(other));
    let person = scene.person().answers("--replace-endpoint", "");
    let declined = scene.set_up(&person).await;
    assert!(matches!(declined, Err(Stopped::Declined(_))), "{declined:?}");
    assert!(person.said().contains(other), "{}", person.said());
    assert_eq!(scene.discord.interactions_endpoint().as_deref(), Some(other));
    // A script that only says yes does not replace it either.
    let mut flags = scene.flags();
    flags.yes = true;
    let declined = scene.set_up_with(&flags, &scene.person()).await;
    assert!(matches!(declined, Err(Stopped::Declined(_))), "{declined:?}");
    let person = scene.person().answers("--replace-endpoint", "yes");
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert_eq!(person.asked(), ["--replace-endpoint"]);
    assert_eq!(scene.discord.interactions_endpoint(), Some(format!("{}/discord", scene.url())));
}

#[rstest]
#[case::everywhere("play", false)]
#[case::in_one_server("play", true)]
#[case::of_a_name_that_we_have("status", false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_bot_without_an_endpoint_that_has_commands_is_replaced_only_if_that_is_wanted(
    #[case] name: &str,
    #[case] in_server: bool,
) {
    let scene = Scene::new().await;
    let play = json!([{"type": 1, "name": name, "description": "Plays a song"}]);
    if in_server {
        scene.discord.set_guild_commands(&play);
    } else {
        scene.discord.set_commands(play);
    }
    let mut flags = scene.flags();
    let person = scene.person().answers("--replace-endpoint", "");
    let declined = scene.set_up_with(&flags, &person).await;
    assert!(matches!(declined, Err(Stopped::Declined(_))), "{declined:?}");
    let words = format!("it has commands that are not this bot's: /{name}.");
    assert!(person.said().contains(&words), "{}", person.said());
    assert_eq!(scene.discord.interactions_endpoint(), None);
    assert_eq!(scene.discord.commands().len(), usize::from(!in_server));
    flags.yes = true;
    let declined = scene.set_up_with(&flags, &scene.person()).await;
    assert!(matches!(declined, Err(Stopped::Declined(_))), "{declined:?}");
    flags.replace_endpoint = true;
    let person = scene.person();
    assert!(scene.set_up_with(&flags, &person).await.is_ok(), "{}", person.said());
    assert_eq!(scene.discord.interactions_endpoint(), Some(format!("{}/discord", scene.url())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_told_with_how_to_start_it() {
    let scene = Scene::new().await;
    let person = scene.person().answers("--url URL", "http://127.0.0.1:1");
    let mut flags = scene.flags();
    flags.wait = std::time::Duration::ZERO;
    let why = mend(scene.set_up_with(&flags, &person).await, &person);
    assert!(
        why.contains("/health does not answer") && why.contains("systemctl enable --now"),
        "{why}"
    );
    // A mistyped address is kept; so it says what changes it.
    assert!(why.contains("give it with --url URL"), "{why}");
    let person = scene.person();
    let mut flags = scene.flags();
    flags.url = Some(scene.url());
    assert_eq!(scene.set_up_with(&flags, &person).await, Ok(Ended::Well), "{}", person.said());
    assert!(
        person.said().contains("The address was http://127.0.0.1:1, and is"),
        "{}",
        person.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_does_not_answer_is_asked_for_again_and_enter_keeps_it() {
    let scene = Scene::new().await;
    let mistyped = "http://127.0.0.1:1";
    let mut flags = scene.flags();
    flags.wait = std::time::Duration::ZERO;
    let person = scene.person().answers("--url URL", mistyped);
    mend(scene.set_up_with(&flags, &person).await, &person);
    let person = scene.person().answers("--url URL", "");
    mend(scene.set_up_with(&flags, &person).await, &person);
    assert_eq!(person.asked(), ["--url URL"]);
    assert!(scene.settings().contains(&format!("DECKHAND_URL={mistyped}\n")));
    // Where nobody can be asked it stays.
    let person = Played::without_a_terminal();
    let why = mend(scene.set_up_with(&flags, &person).await, &person);
    assert!(why.contains(&format!("{mistyped}/health does not answer")), "{why}");
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert!(scene.settings().contains(&format!("DECKHAND_URL={}\n", scene.url())));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_and_the_webhook_move_with_the_address() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    let hooks = scene.hooks();
    // The same server, by another name.
    let moved = scene.url().replace("127.0.0.1", "localhost");
    let mut flags = scene.flags();
    flags.url = Some(moved.clone());
    let person = scene.person();
    let ended = scene.set_up_with(&flags, &person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    assert_eq!(person.asked(), Vec::<&str>::new());
    assert_eq!(scene.discord.interactions_endpoint(), Some(format!("{moved}/discord")));
    assert_eq!(scene.hooks(), hooks, "another one was made");
    let sent = scene.github.requests();
    let last = sent.iter().rfind(|one| one.method == "PATCH").unwrap();
    assert_eq!(last.body["config"]["url"], format!("{moved}/github/webhook"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_that_is_too_long_is_said_and_the_same_command_goes_on() {
    let scene = Scene::new().await;
    let limit = Fault::new(On::Commands, What::RateLimited { retry_after: 300.0 });
    // The commands of the application and of its server are read before.
    scene.discord.fault(limit.skip(3));
    let person = scene.person();
    let why = mend(scene.set_up(&person).await, &person);
    assert!(why.contains("asks to wait 300 s"), "{why}");
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert_eq!(person.asked(), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_on_the_command_line_is_refused_before_anything_is_written() {
    let scene = Scene::new().await;
    let mut flags = scene.flags();
    flags.url = Some("https://bot example.com".to_owned());
    let person = scene.person();
    let why = mend(scene.set_up_with(&flags, &person).await, &person);
    assert!(why.starts_with("--url: it must be an https address"), "{why}");
    assert_eq!(scene.files(), Vec::<(String, String)>::new());
    assert_eq!(person.asked(), Vec::<&str>::new());
}
