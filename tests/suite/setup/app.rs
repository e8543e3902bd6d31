//! A GitHub App instead of a token: the person's browser makes it and installs it.

use std::io::{Read, Write};
use std::net::TcpStream;

use deckhand::setup::{Ended, Stopped};
use standins::github::Scenario;

use super::scene::{Played, Scene};

/// Gets a page of this machine, as a browser does.
fn get(address: &str) -> String {
    let (host, path) = address.trim_start_matches("http://").split_once('/').unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    write!(connection, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    connection.read_to_string(&mut page).unwrap();
    page
}

/// The address of the page that the set-up shows.
fn address(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("Open this page in a browser on this machine")?;
    let line = rest.lines().nth(1)?;
    Some(line.trim().to_owned())
}

/// Somebody who makes the App, then installs it.
fn person(scene: &Scene) -> Played {
    let (person, github) =
        (scene.person().answers("--github-token-file", ""), scene.github.clone());
    let (eyes, made) = (person.clone(), std::sync::atomic::AtomicBool::new(false));
    person.while_waiting(move |_| {
        let said = eyes.said();
        if said.contains("/installations/new") {
            github.update(|scenario| scenario.installed = true);
        } else if let Some(address) = address(&said)
            && !made.swap(true, std::sync::atomic::Ordering::Relaxed)
        {
            let page = get(&address);
            assert!(
                page.contains(
                    "&quot;default_events&quot;:[&quot;workflow_run&quot;,&quot;workflow_job&quot;]"
                ),
                "{page}"
            );
            // Until the server answers, it leads nowhere.
            assert!(page.contains("https://deckhand.invalid/github/webhook"), "{page}");
            let (_, state) = page.split_once("?state=").unwrap();
            let (state, _) = state.split_once('"').unwrap();
            let (_, redirect) = page.split_once("redirect_url&quot;:&quot;").unwrap();
            let (redirect, _) = redirect.split_once("&quot;").unwrap();
            let back =
                |code: &str, state: &str| get(&format!("{redirect}?code={code}&state={state}"));
            // Who does not know the page's path sees no state.
            let front = redirect.strip_suffix("made").unwrap();
            assert!(get(front).starts_with("HTTP/1.1 404"));
            assert!(back("stolen", "guessed").starts_with("HTTP/1.1 400"));
            assert!(back("made-in-a-browser", state).starts_with("HTTP/1.1 200"));
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_made_and_installed_in_the_browser() {
    let scene = Scene::with(Scenario { installed: false, ..Scenario::default() }).await;
    let person = person(&scene);
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let (said, settings) = (person.said(), scene.settings());
    assert!(said.contains("Signed in as the App deckhand[bot]"), "{said}");
    assert!(!said.contains("PRIVATE KEY") && !said.contains("standin-webhook-secret"), "{said}");
    assert!(
        settings.contains("GITHUB_APP_INSTALLATION_ID=") && !settings.contains("GITHUB_TOKEN="),
        "{settings}"
    );
    let sent = scene.github.requests();
    let hook = sent
        .iter()
        .find(|request| request.path == "/app/hook/config" && request.method == "PATCH")
        .unwrap();
    assert_eq!(hook.body["url"], format!("{}/github/webhook", scene.url()));
    // Again: nothing is asked, and only the same hook is set.
    let writes = |scene: &Scene| {
        let all = scene.github.requests();
        all.iter().filter(|one| one.is_write() && !one.path.ends_with("/access_tokens")).count()
    };
    let before = writes(&scene);
    let again = scene.person();
    assert_eq!(scene.set_up(&again).await, Ok(Ended::Well), "{}", again.said());
    assert_eq!((again.asked().len(), writes(&scene)), (0, before + 1));
    let sent = scene.github.requests();
    let last = sent.iter().rfind(|one| one.method == "PATCH").unwrap();
    assert_eq!((last.path.as_str(), &last.body), ("/app/hook/config", &hook.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_was_made_and_not_installed_is_not_made_again() {
    let scene = Scene::with(Scenario { installed: false, ..Scenario::default() }).await;
    let mut flags = scene.flags();
    flags.wait = std::time::Duration::from_secs(8);
    let maker = person(&scene);
    // They close the browser before they install it.
    scene.github.update(|scenario| scenario.installed = false);
    let stopped = {
        let eyes = maker.clone();
        let github = scene.github.clone();
        let forgetful = maker.clone().while_waiting(move |_| {
            if eyes.said().contains("/installations/new") {
                github.update(|scenario| scenario.installed = false);
            }
        });
        scene.set_up_with(&flags, &forgetful).await
    };
    assert!(
        matches!(&stopped, Err(Stopped::Mend(why)) if why.contains("is not installed")),
        "{stopped:?}"
    );
    scene.github.update(|scenario| scenario.installed = true);
    let person = scene.person().without("--github-token-file");
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_gets_the_secret_that_is_kept_already_with_its_address() {
    let scene = Scene::with(Scenario { installed: false, ..Scenario::default() }).await;
    let kept = format!("GITHUB_WEBHOOK_SECRET=kept-before\nDECKHAND_URL={}\n", scene.url());
    std::fs::write(scene.file(".env"), kept).unwrap();
    let person = person(&scene);
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert!(scene.settings().contains("GITHUB_WEBHOOK_SECRET=kept-before\n"));
    let sent = scene.github.requests();
    let hook = sent.iter().find(|request| request.method == "PATCH").unwrap();
    let expected = format!("{}/github/webhook", scene.url());
    assert_eq!(
        (&hook.body["url"], &hook.body["secret"]),
        (&expected.into(), &"kept-before".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_beside_an_app_is_refused_since_the_bot_would_not_use_it() {
    let scene = Scene::new().await;
    std::fs::write(scene.file(".env"), "GITHUB_APP_ID=7\n").unwrap();
    std::fs::write(scene.file("token"), crate::world::TOKEN).unwrap();
    let mut flags = scene.flags();
    flags.github_token_file = Some(scene.file("token"));
    let why = scene.set_up_with(&flags, &scene.person()).await.unwrap_err().to_string();
    assert!(why.contains("signs in as the App 7") && why.contains("--github-token-file"), "{why}");
    assert!(!scene.settings().contains("GITHUB_TOKEN"), "{}", scene.settings());
}
