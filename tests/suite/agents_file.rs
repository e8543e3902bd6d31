//! A file of agents with mistakes, by each way in: all of them are told at once, by the name of the file as it was given.

use std::fs;
use std::process::Command;

use chrono::Utc;
use deckhand::agents::file;
use deckhand::bot::registration;
use deckhand::bot::tasks::Tasks;
use deckhand::commands::TABLE;
use deckhand::discord::registration::Scope;
use deckhand::host::startup;
use rstest::rstest;
use serde_json::json;
use standins::discord::{Discord, GUILD_ID, User};
use standins::{Clock, Gauge, Scratch};

use crate::world::endpoint;

const WRONG: &str = r#"[[agent]]
id = "deploy_api"
name = "API deploy"
description = "Deploys the API"
command = "deploy-api"
kind = "deploy"
workflow = "api.yml"
allowed_roles = [123]
allowed_ref = ["main"]

[[agent]]
id = "status"
name = "Status"
description = "Shows runs"
command = "doctor"
kind = "status"
"#;

const TOLD: [&str; 3] = [
    "my agents.toml:8: allowed_roles: ids go in quotes: allowed_roles = [\"123\"]",
    "my agents.toml:9: unknown key `allowed_ref` in [[agent]]: did you mean `allowed_refs`?",
    "my agents.toml:15: command \"doctor\" is built in",
];

#[rstest]
#[case::commands(&["commands"])]
#[case::register(&["register", "--dry-run"])]
#[case::doctor(&["doctor"])]
#[case::serve(&["serve", "--listen", "127.0.0.1:0"])]
#[case::history(&["history"])]
#[tokio::test]
async fn all_mistakes_are_told_on_the_command_line(#[case] arguments: &[&str]) {
    let folder = Scratch::new().unwrap();
    fs::write(folder.file("my agents.toml"), WRONG).unwrap();
    let mut deckhand = Command::new(env!("CARGO_BIN_EXE_deckhand"));
    deckhand.args(arguments).current_dir(folder.path());
    deckhand.env_clear().env("AGENTS_FILE", "my agents.toml");
    // Registering names them first, and nothing else without them.
    deckhand.env("DISCORD_APPLICATION_ID", "7").env("DISCORD_BOT_TOKEN", "a.b.c");
    let done = tokio::task::spawn_blocking(move || deckhand.output()).await.unwrap().unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    for what in TOLD {
        assert!(said.contains(what), "{what:?} is not in: {said}");
    }
}

#[tokio::test]
async fn all_mistakes_are_told_on_lambda() {
    let folder = Scratch::new().unwrap();
    let path = folder.file("my agents.toml");
    fs::write(&path, WRONG).unwrap();
    let discord = Discord::start(Clock::start_at(Utc::now()), Gauge::new()).await;
    let (key, path) = (discord.public_key(), path.display().to_string());
    let env = |name: &str| match name {
        "DISCORD_PUBLIC_KEY" => Some(key.clone()),
        "ALLOWED_GUILD_IDS" => Some(GUILD_ID.to_owned()),
        "AGENTS_FILE" => Some(path.clone()),
        _ => None,
    };
    let app = startup::app_that_explains(env, Tasks::default()).unwrap();
    discord.set_commands(registration(TABLE, &file::load(None).unwrap(), Scope::Guild));
    let interaction = discord.interaction(&User::named("ada"), "/deploy-client").unwrap();
    let answer = discord.deliver(&interaction, &endpoint(app, None)).await;
    assert_eq!(answer.body["data"]["flags"], json!(64));
    let said = answer.body["data"]["content"].as_str().unwrap().replace('\\', "");
    for what in TOLD {
        assert!(said.contains(what), "{what:?} is not in: {said}");
    }
    assert_eq!(said.lines().filter(|line| line.contains("agents.toml:")).count(), TOLD.len());
}
