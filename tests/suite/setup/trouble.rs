//! What can go wrong, and that the same command goes on after it.

use deckhand::setup::{Ended, Service, Stopped};
use rstest::rstest;
use standins::discord::{Fault, On, What};
use standins::github::{Permission, Scenario, Workflow};

use super::scene::{Played, Scene};
use crate::world::TOKEN;

#[track_caller]
pub(super) fn mend(stopped: Result<Ended, Stopped>, person: &Played) -> String {
    match stopped {
        Err(Stopped::Mend(what)) => what,
        other => panic!("{other:?}\n{}", person.said()),
    }
}

#[rstest]
#[case::wrong("MTE5.wrong.token", "Discord refuses it (401)", 1)]
#[case::of_github("github_pat_11AAAA_bbb", "it is a token of GitHub's", 0)]
#[case::public_key(&"ab".repeat(32), "it is a public key", 0)]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_bot_token_is_said_and_asked_for_again(
    #[case] token: &str,
    #[case] why: &str,
    #[case] sent: usize,
) {
    let scene = Scene::new().await;
    let person = scene.person().first("--bot-token-file", token);
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert!(person.said().contains(why), "{}", person.said());
    let refused = scene.discord.requests().iter().filter(|request| request.status == 401).count();
    assert_eq!(refused, sent);
    assert!(!person.said().contains(token), "the token is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_word_bot_before_the_token_is_no_part_of_it() {
    let scene = Scene::new().await;
    let token = format!("Bot {}", scene.discord.bot_token());
    let person = scene.person().answers("--bot-token-file", &token);
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_token_that_was_revoked_is_asked_for_again() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    scene.discord.set_bot_token("MTE5.another.token");
    scene.github.update(|scenario| scenario.token = "github_pat_another".to_owned());
    let person = scene
        .person()
        .answers("--bot-token-file", "MTE5.another.token")
        .answers("--github-token-file", "github_pat_another");
    let ended = scene.set_up(&person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    assert_eq!(person.asked(), ["--bot-token-file", "--github-token-file"]);
    assert!(person.said().contains("restart"), "{}", person.said());
    assert!(scene.settings().contains("GITHUB_TOKEN=github_pat_another\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_application_changes_nothing() {
    let scene = Scene::new().await;
    let before = "DISCORD_APPLICATION_ID=1190000000000000099\n";
    std::fs::write(scene.file(".env"), before).unwrap();
    let person = scene.person();
    let why = mend(scene.set_up(&person).await, &person);
    assert!(why.contains("is of another one") && why.contains("--env-file"), "{why}");
    assert_eq!(scene.settings(), before);
}

#[rstest]
#[case::wrong("ghp_wrong", "GitHub refuses it (401)")]
#[case::of_discord(
    "MTE5MDAwMDAwMDAwMDAwMDAwMQ.Gx1abc.abc-DEF_1",
    "it is a bot's token of Discord's"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_for_github_is_said_and_asked_for_again(
    #[case] token: &str,
    #[case] why: &str,
) {
    let scene = Scene::new().await;
    let person =
        scene.person().answers("--github-token-file", TOKEN).first("--github-token-file", token);
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert!(person.said().contains(why), "{}", person.said());
    assert!(!person.said().contains(token), "the token is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_wrong_token_for_github_an_app_is_offered_again() {
    let scene = Scene::new().await;
    let person =
        scene.person().answers("--github-token-file", "").first("--github-token-file", "ghp_wrong");
    let mut flags = scene.flags();
    flags.wait = std::time::Duration::ZERO;
    let why = mend(scene.set_up_with(&flags, &person).await, &person);
    assert!(why.contains("No App was made"), "{why}");
    assert_eq!(person.said().matches("or Enter, and GitHub makes an App").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_environment_that_is_refused_is_named_by_its_place() {
    let mut scene = Scene::new().await;
    scene.env.insert("GITHUB_TOKEN", "ghp_wrong".to_owned());
    let person = scene.person();
    let why = mend(scene.set_up(&person).await, &person);
    assert!(why.contains("GITHUB_TOKEN in the environment"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_workflows_is_said_and_the_next_one_will_do() {
    let mut scenario = Scenario::default();
    scenario.without_workflows.push("octo-org/web-client".to_owned());
    scenario.listed.push("octo-org/api".to_owned());
    let scene = Scene::with(scenario).await;
    let mut flags = scene.flags();
    flags.repositories = vec!["octo-org/web-client".parse().unwrap()];
    let person = scene.person();
    let why = mend(scene.set_up_with(&flags, &person).await, &person);
    assert!(why.contains("No workflow was found") && why.contains("workflow_dispatch"), "{why}");
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert!(scene.settings().contains("GITHUB_REPO=octo-org/api\n"), "{}", scene.settings());
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_that_cannot_be_started_are_left_out_with_the_reason() {
    let mut scenario = Scenario::default();
    scenario.add_workflow(Workflow { dispatchable: false, ..Workflow::new("ci.yml", "CI") });
    scenario.add_workflow(Workflow {
        state: "disabled_manually".to_owned(),
        ..Workflow::new("old.yml", "Old")
    });
    let scene = Scene::with(scenario).await;
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let (said, agents) = (person.said(), scene.read("agents.toml"));
    assert!(said.contains("old.yml: it is switched off (disabled_manually)"), "{said}");
    assert!(!agents.contains("ci.yml") && !agents.contains("old.yml"), "{agents}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_odd_workflow_does_not_stop_the_others() {
    let mut scenario = Scenario::default();
    scenario.add_workflow(Workflow::new("huge.yml", "Huge").run_name(&"x".repeat(600_000)));
    scenario.add_workflow(Workflow::new("what? 100% #1.yml", "Odd"));
    let scene = Scene::with(scenario).await;
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let (said, agents) = (person.said(), scene.read("agents.toml"));
    assert!(said.contains("huge.yml: the file is too large for a workflow"), "{said}");
    assert!(said.contains("what? 100% #1.yml is left out: its file has a name with"), "{said}");
    assert!(agents.contains("client-deploy.yml") && !agents.contains("huge"), "{agents}");
}

#[rstest]
#[case::not_even_seen(vec![Permission::Hooks])]
#[case::only_seen(vec![Permission::HooksWrite])]
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_make_webhooks_it_goes_on_and_says_which(
    #[case] denied: Vec<Permission>,
) {
    let scene = Scene::with(Scenario { denied, ..Scenario::default() }).await;
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let said = person.said();
    assert!(said.contains("the token lacks the permission Webhooks: read and write"), "{said}");
    assert_eq!(scene.hooks(), Vec::new());
    // With the right the same command makes them.
    scene.github.update(|scenario| scenario.denied.clear());
    let person = scene.person();
    let ended = scene.set_up(&person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_gets_the_secret_that_a_run_before_kept_and_did_not_send() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    // The settings were lost, and the next run stopped after it had kept a new secret.
    let lost = scene.settings();
    let lost = lost.lines().find(|line| line.starts_with("GITHUB_WEBHOOK_SECRET=")).unwrap();
    let settings = scene.settings().replace(lost, "GITHUB_WEBHOOK_SECRET=the-new-one");
    std::fs::write(scene.file(".env"), settings).unwrap();
    let person = scene.person();
    let ended = scene.set_up(&person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    let sent = scene.github.requests().into_iter().find(|one| one.method == "PATCH").unwrap();
    assert_eq!(sent.body["config"]["secret"], "the-new-one");
    assert_eq!(scene.hooks().len(), 1);
}

#[rstest]
#[case::discord("DISCORD_API_BASE", "Discord cannot be reached")]
#[case::github("GITHUB_API_BASE", "GitHub cannot be reached")]
#[tokio::test(flavor = "multi_thread")]
async fn without_network_it_says_so_and_goes_on_later(
    #[case] name: &'static str,
    #[case] why: &str,
) {
    let mut scene = Scene::new().await;
    let right = scene.env.insert(name, "http://127.0.0.1:1".to_owned()).unwrap();
    let person = scene.person();
    let said = mend(scene.set_up(&person).await, &person);
    assert!(said.contains(why) && said.contains(name), "{said}");
    scene.env.insert(name, right);
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
}

#[rstest]
#[case::refused(What::Status(404), "404")]
#[case::limited(What::RateLimited { retry_after: 40.0 }, "rate limit is used up: wait 41 s")]
#[case::down(What::Status(500), "https://discordstatus.com")]
#[case::proxy(What::Proxy { status: 502, retry_after: None }, "status 502")]
#[case::cut(What::Reset, "Check the network")]
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_cannot_be_listed_are_no_empty_list(#[case] what: What, #[case] why: &str) {
    let scene = Scene::new().await;
    // The application is read first.
    scene.discord.fault(Fault::new(On::Other, what).skip(1).always());
    let person = scene.person();
    let said = mend(scene.set_up(&person).await, &person);
    assert!(said.contains(why), "{said}");
    assert!(!person.said().contains("Add the bot to your server"), "{}", person.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_line_that_cannot_be_read_stays_as_it_is() {
    let scene = Scene::new().await;
    std::fs::write(scene.file(".env"), "a secret\n").unwrap();
    let person = scene.person();
    let why = mend(scene.set_up(&person).await, &person);
    assert!(why.contains("line 1") && !why.contains("secret"), "{why}");
    assert_eq!(scene.settings(), "a secret\n");
}

#[rstest]
#[case::systemd(Service::Systemd, "deckhand.service", "compose.yaml")]
#[case::compose(Service::Compose, "compose.yaml", "deckhand.service")]
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_the_server_and_where_it_listens_stay_without_flags(
    #[case] service: Service,
    #[case] file: &str,
    #[case] other: &str,
) {
    let scene = Scene::new().await;
    let mut flags = scene.flags();
    (flags.service, flags.wait) = (Some(service), std::time::Duration::ZERO);
    flags.listen = Some("127.0.0.1:40799".to_owned());
    let person = scene.person();
    let why = mend(scene.set_up_with(&flags, &person).await, &person);
    let before = scene.read(file);
    assert!(
        before.contains("127.0.0.1:40799") && why.contains("127.0.0.1:40799"),
        "{why}\n{before}"
    );
    (flags.service, flags.listen) = (None, None);
    let again = scene.person();
    let why = mend(scene.set_up_with(&flags, &again).await, &again);
    assert!(why.contains("127.0.0.1:40799"), "{why}");
    assert_eq!(scene.read(file), before);
    assert!(!scene.file(other).exists());
    // Another one is written if that is wanted, with the same address; the first is named.
    let another = if service == Service::Systemd { Service::Compose } else { Service::Systemd };
    flags.service = Some(another);
    let third = scene.person();
    mend(scene.set_up_with(&flags, &third).await, &third);
    assert!(scene.read(other).contains("127.0.0.1:40799"), "{}", scene.read(other));
    assert!(third.said().contains(&format!("{file} runs the server, too")), "{}", third.said());
}
