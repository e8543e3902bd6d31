//! `deckhand doctor`.

use std::process::Output;
use std::sync::Arc;

use chrono::Utc;
use deckhand::agents::file;
use deckhand::bot::registration;
use deckhand::clock::SystemClock;
use deckhand::commands::TABLE;
use deckhand::discord::registration::Scope;
use deckhand::store::File;
use rstest::rstest;
use standins::discord::{self, CHANNEL_ID, Discord, GUILD_ID, Permissions};
use standins::github::{Github, Scenario};
use standins::{Clock, Gauge, Scratch};

use super::ADA;
use crate::world::TOKEN;

const ENDPOINT: &str = "https://deckhand.example.com/discord";

/// A set-up in real time, for the command line.
pub(crate) struct SetUp {
    github: Github,
    pub(crate) discord: Discord,
    env: Vec<(&'static str, String)>,
}

impl SetUp {
    pub(crate) async fn new() -> Self {
        let (clock, gauge) = (Clock::start_at(Utc::now()), Gauge::new());
        let github = Github::start(clock.clone(), gauge.clone(), Scenario::default()).await;
        let discord = Discord::start(clock, gauge).await;
        discord.set_interactions_endpoint(Some(ENDPOINT));
        let registry = file::load(None).unwrap();
        discord.set_commands(registration(TABLE, &registry, Scope::Global));
        let env = vec![
            ("DISCORD_PUBLIC_KEY", discord.public_key()),
            ("DISCORD_APPLICATION_ID", discord.application_id()),
            ("DISCORD_BOT_TOKEN", discord.bot_token()),
            ("DISCORD_API_BASE", discord.url()),
            ("GITHUB_API_BASE", github.url()),
            ("GITHUB_TOKEN", TOKEN.to_owned()),
            ("GITHUB_REPO", "octo-org/web-client".to_owned()),
            ("ALLOWED_GUILD_IDS", GUILD_ID.to_owned()),
            ("ADMIN_USER_IDS", ADA.to_owned()),
        ];
        Self { github, discord, env }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.retain(|(given, _)| *given != name);
        self.env.push((name, value.to_owned()));
        self
    }

    /// What `deckhand doctor` prints, and its exit status.
    pub(crate) async fn examined(&self) -> (String, Option<i32>) {
        self.examined_with(&[]).await
    }

    /// The same with some settings changed.
    pub(crate) async fn examined_with(
        &self,
        changes: &[(&'static str, &str)],
    ) -> (String, Option<i32>) {
        let mut env = self.env.clone();
        env.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        env.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let (text, said, status) = self.run(&["doctor"], env).await;
        assert!(said.is_empty(), "{said}");
        (text, status)
    }

    /// What `deckhand` with these arguments prints and says, and its exit status.
    pub(crate) async fn run(
        &self,
        args: &[&str],
        env: Vec<(&'static str, String)>,
    ) -> (String, String, Option<i32>) {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let run = move || {
            // A folder of its own: `serve` keeps its file in the one where it runs.
            let folder = Scratch::new().unwrap();
            let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_deckhand"));
            doctor.args(args).current_dir(folder.path()).env_clear().envs(env).output().unwrap()
        };
        let Output { status, stdout, stderr } = tokio::task::spawn_blocking(run).await.unwrap();
        let text = String::from_utf8(stdout).unwrap();
        for secret in [TOKEN.to_owned(), self.discord.bot_token()] {
            assert!(!text.contains(&secret), "a secret is shown");
        }
        let said = String::from_utf8(stderr).unwrap();
        (text.replace(&self.github.url(), "GITHUB"), said, status.code())
    }

    /// The settings.
    pub(crate) fn env(&self) -> &[(&'static str, String)] {
        &self.env
    }
}

#[tokio::test]
async fn the_command_line_prints_the_same_and_succeeds() {
    let (text, status) = SetUp::new().await.examined().await;
    assert_eq!(status, Some(0), "{text}");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn the_command_line_names_each_problem_with_its_fix() {
    let set_up = SetUp::new().await.with("ADMIN_USER_IDS", "");
    set_up.github.update(|s| {
        s.workflow_mut("client-deploy.yml").inputs.retain(|input| input.name != "VITE_API_BASE");
        s.workflow_mut("diagnose-dispatch.yml").run_name = None;
    });
    let mut commands = registration(TABLE, &file::load(None).unwrap(), Scope::Global);
    commands.as_array_mut().unwrap().pop();
    set_up.discord.set_commands(commands);
    let (text, status) = set_up.examined().await;
    assert_eq!(status, Some(1), "{text}");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn the_command_line_reads_the_file_of_a_server_that_runs() {
    let folder = Scratch::new().unwrap();
    let file = folder.file("deckhand.redb");
    let _server = File::open(&file, Arc::new(SystemClock)).unwrap();
    let set_up = SetUp::new().await.with("DATA_FILE", &file.to_string_lossy());
    let (text, status) = set_up.examined().await;
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("✅ Interactions and deploys are remembered"), "{text}");
}

#[tokio::test]
async fn the_command_line_works_without_settings() {
    let set_up = SetUp::new().await;
    let (text, status) = SetUp { env: Vec::new(), ..set_up }.examined().await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(text);
}

#[rstest]
#[case::agents_file(
    "AGENTS_FILE",
    "no/such.toml",
    Some(1),
    "❌ The agents cannot be used: no/such.toml"
)]
#[case::bad_setting(
    "POLL_INTERVAL_SECONDS",
    "soon",
    Some(1),
    "❌ POLL_INTERVAL_SECONDS is not valid."
)]
#[case::no_bot_token("DISCORD_BOT_TOKEN", "", Some(0), "→ Set DISCORD_BOT_TOKEN for this check")]
#[case::wrong_bot_token(
    "DISCORD_BOT_TOKEN",
    "another",
    Some(1),
    "❌ Discord refuses DISCORD_BOT_TOKEN (401)."
)]
#[case::wrong_id("DISCORD_APPLICATION_ID", "1", Some(1), "❌ DISCORD_APPLICATION_ID is not the id")]
#[case::wrong_key(
    "DISCORD_PUBLIC_KEY",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    Some(1),
    "❌ DISCORD_PUBLIC_KEY is not this application's key"
)]
#[case::other_guild("DISCORD_GUILD_ID", "7", Some(1), "❌ The commands of server 7 cannot be seen")]
#[case::empty_guild(
    "DISCORD_GUILD_ID",
    GUILD_ID,
    Some(0),
    "✅ The 14 commands registered for all servers are those declared."
)]
#[case::digest(
    "DIGEST_CHANNEL_ID",
    CHANNEL_ID,
    Some(0),
    "✅ The bot sees the channel of the digest, and may post there."
)]
#[case::no_such_channel(
    "DIGEST_CHANNEL_ID",
    "7",
    Some(1),
    "❌ Discord knows no channel of the id in DIGEST_CHANNEL_ID (404)."
)]
#[case::no_channel_at_all(
    "DIGEST_CHANNEL_ID",
    "#deploys",
    Some(1),
    "❌ DIGEST_CHANNEL_ID is not valid."
)]
#[case::webhook(
    "GITHUB_WEBHOOK_SECRET",
    "It's a Secret to Everybody",
    Some(0),
    "⚠️ No rightly signed delivery of octo-org/web-client was seen"
)]
#[case::webhook_s_previous_secret(
    "GITHUB_WEBHOOK_SECRET_PREVIOUS",
    "another",
    Some(0),
    "⚠️ No rightly signed delivery of octo-org/web-client was seen"
)]
#[case::bad_webhook(
    "GITHUB_WEBHOOK_SECRET_PARAMETER",
    "two words",
    Some(1),
    "❌ GITHUB_WEBHOOK_SECRET_PARAMETER is not valid."
)]
#[case::no_discord("DISCORD_API_BASE", "http://127.0.0.1:9", Some(1), "Discord cannot be reached")]
#[case::no_github("GITHUB_API_BASE", "http://127.0.0.1:9", Some(1), "GitHub cannot be reached")]
#[case::no_admins("ADMIN_USER_IDS", "", Some(0), "⚠️ Nobody is an admin")]
#[case::no_servers("ALLOWED_GUILD_IDS", "", Some(1), "❌ ALLOWED_GUILD_IDS is not set.")]
#[case::bad_servers("ALLOWED_GUILD_IDS", "ours", Some(1), "❌ ALLOWED_GUILD_IDS is not valid.")]
#[case::every_server(
    "ALLOWED_GUILD_IDS",
    "*",
    Some(1),
    "❌ The bot is public and every server may command it"
)]
#[case::plain_http(
    "GITHUB_API_BASE",
    "http://github.example.com/api/v3",
    Some(1),
    "❌ GITHUB_API_BASE is not valid."
)]
#[tokio::test]
async fn a_wrong_setting_is_found(
    #[case] name: &'static str,
    #[case] value: &str,
    #[case] status: Option<i32>,
    #[case] what: &str,
) {
    let (text, ended) = SetUp::new().await.with(name, value).examined().await;
    assert!(text.contains(what), "{text}");
    assert_eq!(ended, status, "{text}");
    assert!(!name.contains("SECRET") || !text.contains(value), "a secret is shown: {text}");
}

#[tokio::test]
async fn every_server_is_a_warning_for_a_bot_that_is_not_public() {
    let set_up = SetUp::new().await.with("ALLOWED_GUILD_IDS", "*");
    set_up.discord.set_public(false);
    let (text, status) = set_up.examined().await;
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("⚠️ ALLOWED_GUILD_IDS is *"), "{text}");
    assert!(text.contains("✅ The bot is not public"), "{text}");
}

#[tokio::test]
async fn a_digest_without_a_way_to_post_it_is_found() {
    let set_up = SetUp::new().await.with("DIGEST_CHANNEL_ID", CHANNEL_ID);
    set_up.discord.permit(Permissions { view: false, ..Permissions::default() });
    let (text, status) = set_up.examined().await;
    assert!(text.contains("❌ The bot does not see the channel of DIGEST_CHANNEL_ID"), "{text}");
    assert!(text.contains("→ Invite the bot to the channel's server"), "{text}");
    assert_eq!(status, Some(1));
    let (text, status) = set_up.with("DISCORD_BOT_TOKEN", "").examined().await;
    assert!(
        text.contains(
            "❌ DISCORD_BOT_TOKEN is not set: the digest of DIGEST_CHANNEL_ID is not posted."
        ),
        "{text}"
    );
    assert!(text.contains("Reset Token"), "{text}");
    assert_eq!(status, Some(1));
}

#[rstest]
#[case::drift(|d: &Discord| {
    let mut commands = registration(TABLE, &file::load(None).unwrap(), Scope::Global);
    commands[0]["name"] = "deploy".into();
    d.set_commands(commands);
}, "⚠️ The commands registered for all servers are not those declared. Registering would change: + /agents, - /deploy.")]
#[case::none(|d: &Discord| d.set_commands(serde_json::json!([])), "❌ No command is registered for all servers, nor in server 1190000000000000002.")]
#[case::no_endpoint(|d: &Discord| d.set_interactions_endpoint(None), "❌ No endpoint URL is set")]
#[case::bad_endpoint(|d: &Discord| d.set_interactions_endpoint(Some("https://x.example.com/")),
    "❌ The endpoint URL is https://x.example.com/, which is not https or does not end in /discord.")]
#[case::fault(|d: &Discord| d.fault(discord::Fault::new(discord::On::Any, discord::What::Status(503)).always()),
    "❌ The application could not be read: Discord has a fault (status 503).")]
#[case::limited(|d: &Discord| d.fault(discord::Fault::new(discord::On::Commands,
    discord::What::RateLimited { retry_after: 3.0 }).always()),
    "⚠️ The registered commands could not be checked: Discord's rate limit is used up.")]
#[tokio::test]
async fn problems_on_discord_are_found(#[case] change: fn(&Discord), #[case] what: &str) {
    let set_up = SetUp::new().await;
    change(&set_up.discord);
    let (text, status) = set_up.examined().await;
    assert!(text.contains(what), "{text}");
    assert_eq!(status, Some(i32::from(what.starts_with('❌'))), "{text}");
}

#[tokio::test]
async fn commands_that_are_registered_twice_are_found_with_the_lines_that_remove_them() {
    let set_up = SetUp::new().await;
    let commands = registration(TABLE, &file::load(None).unwrap(), Scope::Guild);
    set_up.discord.set_guild_commands(&commands);
    let (text, status) = set_up.examined().await;
    let what = format!(
        "⚠️ Commands are registered both for all servers and in server {GUILD_ID}: people there see {} of them \
         twice.",
        commands.as_array().unwrap().len()
    );
    assert!(text.contains(&what), "{text}");
    assert!(text.contains(&format!("deckhand register --guild {GUILD_ID} --remove")), "{text}");
    assert!(text.contains("deckhand register --global --remove"), "{text}");
    assert_eq!(status, Some(0), "{text}");
}

#[tokio::test]
async fn commands_of_one_server_alone_are_enough_and_the_advice_stays_there() {
    let set_up = SetUp::new().await;
    set_up.discord.set_commands(serde_json::json!([]));
    let mut commands = registration(TABLE, &file::load(None).unwrap(), Scope::Guild);
    commands[0]["description"] = "Old".into();
    set_up.discord.set_guild_commands(&commands);
    set_up.discord.add_entry_point();
    let (text, status) = set_up.examined().await;
    let what = format!("The commands registered in server {GUILD_ID} are not those declared.");
    assert!(
        text.contains(&what) && text.contains("would change: ~ /agents (description)"),
        "{text}"
    );
    assert!(text.contains(&format!("→ Run: deckhand register --guild {GUILD_ID}\n")), "{text}");
    assert!(!text.contains("for all servers") && !text.contains("launch"), "{text}");
    assert_eq!(status, Some(0), "{text}");
}
