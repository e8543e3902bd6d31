//! `deckhand setup`, with a played person at the terminal, and with the real server that the person starts.

mod agents;
mod app;
mod aws;
mod endpoint;
mod files;
mod remove;
mod scene;
mod trouble;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use deckhand::setup::{Ended, Stopped, Target};
use scene::{Played, Scene};
use standins::discord::{Fault, GUILD_ID, On, What};

const QUESTIONS: [&str; 6] = [
    "--to server or --to aws",
    "--bot-token-file",
    "--server ID",
    "--github-token-file",
    "--workflow FILE",
    "--url URL",
];

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_a_working_installation_with_six_questions_and_again_with_none() {
    let scene = Scene::new().await;
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert_eq!(person.asked(), QUESTIONS);
    // What it made.
    let settings = scene.settings();
    for line in [
        format!("DISCORD_PUBLIC_KEY={}", scene.discord.public_key()),
        format!("ALLOWED_GUILD_IDS={GUILD_ID}"),
        "ADMIN_USER_IDS=810000000000000001".to_owned(),
        "GITHUB_REPO=octo-org/web-client".to_owned(),
    ] {
        assert!(settings.lines().any(|there| there == line), "{line} is not in:\n{settings}");
    }
    let mode = fs::metadata(scene.file(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(scene.read("deckhand.service").contains("--env-file"), "{settings}");
    assert_eq!(scene.discord.interactions_endpoint(), Some(format!("{}/discord", scene.url())));
    let names: Vec<_> = scene.discord.commands();
    let has = |name: &str| names.iter().any(|command| command["name"] == name);
    assert!(has("client-deploy") && has("diagnose-dispatch") && has("status"), "{names:?}");
    let hooks = scene.hooks();
    assert_eq!(
        hooks,
        [(format!("{}/github/webhook", scene.url()), "workflow_run,workflow_job".to_owned())]
    );
    // What it said.
    let said = person.said();
    for words in [
        "switch off Public Bot",
        "Signed in as deckhand-bot",
        "Done. Type in Discord: /client-deploy wait:true",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
    // Again: nothing is asked, and nothing is changed. The webhook's secret is sent, since GitHub shows none.
    let (before, writes) = (scene.files(), scene.writes());
    let again = scene.person();
    assert_eq!(scene.set_up(&again).await, Ok(Ended::Well), "{}", again.said());
    assert_eq!(again.asked(), Vec::<&str>::new());
    assert_eq!(scene.files(), before);
    assert_eq!(scene.writes(), writes + 1);
    let sent = scene.github.requests().into_iter().find(|one| one.method == "PATCH").unwrap();
    assert!(scene.secrets().contains(&sent.body["config"]["secret"].as_str().unwrap().to_owned()));
    for secret in scene.secrets() {
        assert!(!(said.clone() + &again.said()).contains(&secret), "a secret was shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_installation_really_deploys() {
    let scene = Scene::new().await;
    assert_eq!(scene.set_up(&scene.person()).await, Ok(Ended::Well));
    let answer = scene.types("/client-deploy").await;
    assert!(answer.accepted(), "{answer:?}");
    scene.until(|| scene.github.dispatches().len() == 1).await;
    assert_eq!(scene.github.dispatches()[0].workflow, "client-deploy.yml");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ctrl_c_at_any_question_the_same_command_goes_on() {
    let scene = Scene::new().await;
    for question in QUESTIONS {
        let person = scene.person().without(question);
        assert_eq!(scene.set_up(&person).await, Err(Stopped::Interrupted), "{}", person.said());
        // What was answered before is not asked again; where the bot runs shows only when something is kept.
        let asked: Vec<_> =
            person.asked().into_iter().filter(|asked| *asked != QUESTIONS[0]).collect();
        let expected: &[&str] = if question == QUESTIONS[0] { &[] } else { &[question] };
        assert_eq!(asked, expected);
        let person = scene.person().only(question).answers(QUESTIONS[0], "1");
        let ended = scene.set_up(&person).await;
        assert!(person.asked().contains(&question), "{}", person.said());
        assert_eq!(ended.is_ok(), question == "--url URL", "{}", person.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_is_invited_while_the_set_up_waits() {
    let scene = Scene::new().await;
    scene.discord.set_in_server(false);
    // After the application and the first look: what passes does not end the wait.
    scene.discord.fault(Fault::new(On::Other, What::Status(500)).skip(2));
    let discord = scene.discord.clone();
    let person = scene.person().while_waiting(move |times| {
        discord.set_in_server(times > 1);
    });
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let link = format!(
        "https://discord.com/oauth2/authorize?client_id={}&scope=bot+applications.commands&permissions=274877975552",
        scene.discord.application_id()
    );
    assert!(person.said().contains(&link), "{}", person.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_servers_only_the_chosen_ones_may_command_the_bot() {
    let scene = Scene::new().await;
    scene.discord.add_guild("1190000000000000077", "Strangers");
    // None of them would be a bot that nobody can command.
    let person = scene.person().answers("--server ID", "1").first("--server ID", "none");
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert!(person.said().contains("2) Strangers (1190000000000000077)"), "{}", person.said());
    assert!(scene.settings().contains(&format!("ALLOWED_GUILD_IDS={GUILD_ID}\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_answers_by_flags_alone() {
    let scene = Scene::new().await;
    let mut flags = scene.flags();
    fs::write(scene.file("bot"), scene.discord.bot_token() + "\n").unwrap();
    fs::write(scene.file("github"), "ghs_standin_token").unwrap();
    flags.bot_token_file = Some(scene.file("bot"));
    flags.github_token_file = Some(scene.file("github"));
    flags.target = Some(Target::Server);
    flags.servers = vec![GUILD_ID.parse().unwrap()];
    flags.admins = vec![810_000_000_000_000_007];
    flags.workflows = vec!["client-deploy.yml".to_owned()];
    flags.repositories = vec!["octo-org/web-client".parse().unwrap()];
    flags.url = Some(scene.url());
    let person = Played::default();
    assert_eq!(scene.set_up_with(&flags, &person).await, Ok(Ended::Well), "{}", person.said());
    assert_eq!(person.asked(), Vec::<&str>::new());
    assert!(
        scene.settings().contains("ADMIN_USER_IDS=810000000000000007\n"),
        "{}",
        scene.settings()
    );
    assert!(!scene.read("agents.toml").contains("diagnose"), "{}", scene.read("agents.toml"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_environment_has_is_kept_for_the_server() {
    let mut scene = Scene::new().await;
    let given = [
        ("ALLOWED_GUILD_IDS", GUILD_ID),
        ("ADMIN_USER_IDS", "810000000000000007"),
        ("DATA_FILE", "mine.redb"),
        ("DISCORD_GUILD_ID", GUILD_ID),
        ("GITHUB_REPO", "octo-org/web-client"),
        ("GITHUB_WEBHOOK_SECRET", "of-the-environment"),
    ];
    scene.env.extend(given.map(|(name, value)| (name, value.to_owned())));
    let person = scene.person();
    let ended = scene.set_up(&person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    let settings = scene.settings();
    for (name, value) in given {
        assert!(settings.contains(&format!("{name}={value}\n")), "{name}: {settings}");
    }
    // The server has the file alone.
    let answer = scene.types("/client-deploy").await;
    assert!(answer.accepted(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing() {
    let scene = Scene::new().await;
    let mut flags = scene.flags();
    flags.dry_run = true;
    let person = scene.person();
    assert_eq!(scene.set_up_with(&flags, &person).await, Ok(Ended::Well));
    let said = person.said();
    assert!(
        said.contains("would write")
            && said.contains("would keep ADMIN_USER_IDS, ")
            && said.contains("Dry run: nothing was changed."),
        "{said}"
    );
    assert_eq!((scene.files(), scene.writes()), (Vec::new(), 0));
    // Without an answer it says what would be asked, and the steps.
    flags.target = Some(Target::Server);
    let person = Played::without_a_terminal();
    assert_eq!(scene.set_up_with(&flags, &person).await, Ok(Ended::Well));
    let said = person.said();
    assert!(
        said.contains("would ask: The bot's token") && said.contains("(--bot-token-file)"),
        "{said}"
    );
    // With agents.toml it goes the whole way.
    fs::write(scene.file("agents.toml"), scene::AGENTS).unwrap();
    let person = scene.person();
    assert_eq!(scene.set_up_with(&flags, &person).await, Ok(Ended::Well));
    let said = person.said();
    for words in [
        "would have Discord send commands to",
        "would make a webhook in octo-org/web-client",
        "+ /ship",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
    assert_eq!(scene.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_without_a_terminal_names_the_flag() {
    let scene = Scene::new().await;
    let (code, said) = scene.runs(&["setup"]).await;
    assert!(code == 1 && said.contains("Give it with --to server or --to aws"), "{said}");
    let (code, said) = scene.runs(&["setup", "--to", "server"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there is no terminal to ask at: The bot's token"), "{said}");
    assert!(said.contains("Give it with --bot-token-file"), "{said}");
    let (code, said) = scene.runs(&["setup", "--workflow", "octo org:deploy.yml"]).await;
    assert!(code == 2 && said.contains("it must be FILE, OWNER/NAME:FILE or all"), "{said}");
    let (code, said) = scene.runs(&["setup", "--dry-run"]).await;
    assert!(code == 0 && said.contains("Dry run: nothing was changed."), "{said}");
    assert_eq!(scene.files(), Vec::<(String, String)>::new());
}
