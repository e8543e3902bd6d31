//! `/doctor`, and the command line's `deckhand doctor`.

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use deckhand::agents::file;
use deckhand::bot::registration;
use deckhand::clock::SystemClock;
use deckhand::commands::TABLE;
use deckhand::discord::registration::Scope;
use deckhand::store::File;
use rstest::rstest;
use standins::discord::{self, CHANNEL_ID, Discord, GUILD_ID, Permissions};
use standins::github::{Fault, Github, On, Permission, Scenario, Title, What};
use standins::{Clock, Gauge, Scratch};

use crate::app;
use crate::world::{Plan, Remembers, TOKEN, World};

const ADA: &str = "810000000000000001";
const ENDPOINT: &str = "https://deckhand.example.com/discord";

fn scenario(change: impl FnOnce(&mut Scenario)) -> Scenario {
    let mut scenario = Scenario::default();
    change(&mut scenario);
    scenario
}

async fn world(scenario: Scenario, env: &[(&'static str, &str)]) -> World {
    let mut all = vec![("ADMIN_USER_IDS", ADA.to_owned())];
    all.extend(env.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let remembers = Remembers::InMemory;
    World::of(Plan { scenario, env: all, remembers, ..Plan::default() }).await
}

async fn told(scenario: Scenario) -> String {
    let world = world(scenario, &[]).await;
    let told = world.types("ada", "/doctor").await;
    assert!(told.original().ephemeral);
    told.original().content.replace(&world.github.url(), "GITHUB")
}

/// The lines of this icon, each with its fix.
fn marked(told: &str, icon: &str) -> Vec<String> {
    let lines: Vec<&str> = told.lines().collect();
    let at = lines.iter().enumerate().filter(|(_, line)| line.starts_with(icon));
    at.map(|(n, line)| format!("{line} {}", lines.get(n + 1).unwrap_or(&""))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_correct_setup_passes() {
    let told = told(Scenario::default()).await;
    assert!(marked(&told, "❌").is_empty(), "{told}");
    insta::assert_snapshot!(told);
}

#[tokio::test(start_paused = true)]
async fn problems_are_listed_first() {
    let told = told(scenario(|s| {
        s.denied = vec![Permission::Variables, Permission::Secrets];
        s.workflow_mut("client-deploy.yml").state = "disabled_manually".to_owned();
        s.title = Title::Neither;
    }))
    .await;
    insta::assert_snapshot!(told);
}

#[rstest]
#[case(
    Permission::ActionsRead,
    "❌",
    "Actions, which /deploy-client, /diagnose, /status, /status-digest, /cancel, /rerun, /rollback, /verify-latest and /verify-run need"
)]
#[case(Permission::Contents, "⚠️", "Contents, which /doctor needs")]
#[case(Permission::Variables, "⚠️", "Variables, which /set-frontend needs")]
#[case(Permission::Secrets, "⚠️", "Secrets, which /set-api-base needs")]
#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named_with_its_commands(
    #[case] denied: Permission,
    #[case] icon: &str,
    #[case] what: &str,
) {
    let told = told(scenario(|s| s.denied = vec![denied])).await;
    assert!(marked(&told, icon).iter().any(|line| line.contains(what)), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_renamed_command_is_still_named_with_the_permission_that_it_lacks() {
    let agents = include_str!("../../agents.toml").replace("\"verify-latest\"", "\"is-it-live\"");
    let scenario = scenario(|s| s.denied = vec![Permission::ActionsRead]);
    let env = vec![("ADMIN_USER_IDS", ADA.to_owned())];
    let plan = Plan { scenario, env, agents: Some(agents.leak()), ..Plan::default() };
    let world = World::of(plan).await;
    let told = world.types("ada", "/doctor").await;
    let content = &told.original().content;
    assert!(content.contains("/is-it-live and /verify-run need"), "{content}");
}

#[rstest]
#[case("Resource protected by organization SAML enforcement.", "single sign-on")]
#[case("This installation has been suspended", "Unsuspend the app")]
#[tokio::test(start_paused = true)]
async fn a_403_that_is_no_lack_of_permission_shows_githubs_reason(
    #[case] said: &str,
    #[case] cure: &str,
) {
    let told =
        told(scenario(|s| s.faults.push(Fault::status(403, said).on(On::RunList).always()))).await;
    assert!(told.contains(said.trim_end_matches('.')) && told.contains(cure), "{told}");
}

#[tokio::test(start_paused = true)]
async fn where_no_permission_can_be_read_there_is_no_empty_line() {
    use Permission::{ActionsRead, Contents, Secrets, Variables};
    let (app, denied) = (app::env().await, vec![ActionsRead, Contents, Secrets, Variables]);
    for env in [Vec::new(), app] {
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let world = world(scenario(|s| s.denied = denied.clone()), &env).await;
        let told = world.types("ada", "/doctor").await;
        let content = &told.original().content;
        assert!(content.contains("lacks the permission Actions"), "{content}");
        let empty = |line: &&str| line.trim_end_matches(['*', ' ']).ends_with("web-client:");
        assert_eq!(content.lines().find(empty), None, "{content}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_and_unchecked_permissions_are_named() {
    let world = world(scenario(|s| s.denied = vec![Permission::ActionsWrite]), &[]).await;
    let told = world.types("ada", "/doctor").await;
    assert!(world.github.requests().iter().all(|request| request.method == "GET"));
    let content = &told.original().content;
    assert!(content.contains("cannot be seen without writing"), "{content}");
    assert!(
        content.contains("Actions: write for /deploy-client, /diagnose, /cancel, /rerun, /rollback and /verify-latest"),
        "{content}"
    );
}

#[rstest]
#[case::missing(|s: &mut Scenario| s.workflows.retain(|w| w.file != "client-deploy.yml"),
    "❌", "GitHub knows no workflow client-deploy.yml")]
#[case::disabled(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").state = "disabled_inactivity".into(),
    "❌", "is disabled (disabled\\_inactivity)")]
#[case::not_dispatchable(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").dispatchable = false,
    "❌", "has no workflow\\_dispatch trigger")]
#[case::input_missing(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").inputs.retain(|i| i.name != "VITE_API_BASE"),
    "❌", "does not declare VITE\\_API\\_BASE: GitHub refuses a dispatch that gives it")]
#[case::no_inputs(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").inputs.clear(),
    "⚠️", "does not declare correlation\\_id and requester, so a dispatch leaves that out")]
#[case::channel(|s: &mut Scenario| s.workflow_mut("diagnose-dispatch.yml").inputs.retain(|i| i.name != "channel"),
    "⚠️", "diagnose-dispatch.yml does not declare channel, so a dispatch leaves that out")]
#[case::never_given(|s: &mut Scenario| {
    let changed = s.workflow_mut("client-deploy.yml").clone().input("stage", true);
    s.add_workflow(changed);
}, "❌", "requires stage, which is never given")]
#[case::not_always_given(|s: &mut Scenario| {
    for input in &mut s.workflow_mut("client-deploy.yml").inputs { input.required = true; }
}, "⚠️", "requires VITE\\_API\\_BASE, but the command's option for it may be left out")]
#[case::run_name(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").run_name = None,
    "⚠️", "run name of client-deploy.yml does not carry the correlation id")]
#[case::no_ref(|s: &mut Scenario| s.refs.retain(|r| r != "main"),
    "❌", "client-deploy.yml does not exist on main")]
#[case::no_repository(|s: &mut Scenario| s.repo = Some("octo-org/other".into()),
    "❌", "does not exist, or the token may not see it")]
#[case::rate_low(|s: &mut Scenario| s.rate_limit = 0, "❌", "nothing works until then")]
#[case::clock(|s: &mut Scenario| s.clock_skew = TimeDelta::minutes(4), "⚠️", "clock and GitHub's are")]
#[case::token(|s: &mut Scenario| s.token = "another".into(), "❌", "refuses the token (401)")]
#[case::down(|s: &mut Scenario| s.faults.push(Fault::bad_gateway().always()),
    "❌", "GitHub could not be checked: GitHub's answer was lost (status 502)")]
#[case::account(|s: &mut Scenario| s.faults.push(Fault::bad_gateway().on(On::User).always()),
    "⚠️", "The token's account could not be checked")]
#[tokio::test(start_paused = true)]
async fn problems_on_github_are_found(
    #[case] change: fn(&mut Scenario),
    #[case] icon: &str,
    #[case] what: &str,
) {
    let told = told(scenario(change)).await;
    let found = marked(&told, icon);
    assert!(found.iter().any(|line| line.contains(what) && line.contains("→ ")), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_rate_limit_is_reported() {
    let told = told(scenario(|s| s.rate_limit = 5)).await;
    let found = marked(&told, "⚠️");
    assert!(found.iter().any(|line| line.contains("GitHub's rate limit is used up")), "{told}");
}

#[rstest]
#[case::granted(Vec::new(), "✅", "The app was granted what these commands write.")]
#[case::actions(vec![Permission::ActionsWrite], "❌", "not granted Actions: write, which /deploy-client, /diagnose, /cancel, /rerun, /rollback and /verify-latest need")]
#[case::variables(vec![Permission::VariablesWrite], "⚠️", "not granted Variables: write")]
#[tokio::test(start_paused = true)]
async fn an_apps_write_permissions_are_checked(
    #[case] denied: Vec<Permission>,
    #[case] icon: &str,
    #[case] what: &str,
) {
    let env = app::env().await;
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let world = world(scenario(|s| s.denied = denied), &env).await;
    let told = world.types("ada", "/doctor").await.original().content.clone();
    assert!(marked(&told, icon).iter().any(|line| line.contains(what)), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_not_installed_is_reported() {
    let mut env = app::env().await;
    env.push(("GITHUB_APP_INSTALLATION_ID", "7".to_owned()));
    let env: Vec<_> = env.iter().rev().map(|(name, value)| (*name, value.as_str())).collect();
    let world = world(Scenario::default(), &env).await;
    let told = world.types("ada", "/doctor").await;
    let found = marked(&told.original().content, "❌");
    assert!(found.iter().any(|line| line.contains("(404)")), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn an_unauthorized_user_learns_nothing() {
    let world = world(Scenario::default(), &[]).await;
    let told = world.types("grace", "/doctor").await;
    assert!(told.original().ephemeral);
    assert!(told.original().content.starts_with("⚠️ You may not use this command"));
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_stays_private() {
    let slow = What::Delay(Duration::from_secs(2));
    let world = world(scenario(|s| s.faults.push(Fault::new(On::Any, slow).always())), &[]).await;
    let told = world.types("ada", "/doctor").await;
    assert_eq!(told.kind(), 5);
    let found: Vec<_> = told.messages().iter().filter(|m| m.content.contains("🩺")).collect();
    assert!(found.len() == 1 && found[0].ephemeral, "{}", told.transcript());
}

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

#[tokio::test(start_paused = true)]
async fn who_may_use_each_agent_is_listed() {
    let agent = |id: &str, rule: &str| {
        format!(
            "[[agent]]\nid = \"{id}\"\nname = \"Deploy {id}\"\ndescription = \"x\"\ncommand = \"{id}\"\n\
             kind = \"deploy\"\nworkflow = \"client-deploy.yml\"\n{rule}\n"
        )
    };
    let agents = [
        agent("open", ""),
        agent("for_role", "allowed_roles = [\"77\"]"),
        agent("for_both", "allowed_roles = [\"77\"]\nallowed_users = [\"7\", \"8\"]"),
    ];
    let env = vec![("ADMIN_USER_IDS", ADA.to_owned())];
    let plan = Plan { env, agents: Some(agents.concat().leak()), ..Plan::default() };
    let world = World::of(plan).await;
    let told = world.types("ada", "/doctor").await;
    for expected in [
        "Deploy open (/open) is for everyone in the server.",
        "Deploy for\\_role (/for\\_role) is for role 77; admins.",
        "Deploy for\\_both (/for\\_both) is for role 77, users 7 and 8; admins.",
    ] {
        assert!(told.original().content.contains(expected), "{}", told.transcript());
    }
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
