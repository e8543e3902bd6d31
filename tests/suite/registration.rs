//! `deckhand register` and `register_commands.sh`, run as a person would, with everything wrong once that a person
//! can get wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::Utc;
use deckhand::agents::file;
use deckhand::bot::registration;
use deckhand::commands::TABLE;
use deckhand::discord::registration::Scope;
use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::{Discord, Fault, GUILD_ID, On, What};
use standins::{Clock, Gauge, Scratch};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const DECKHAND: &str = env!("CARGO_BIN_EXE_deckhand");
const SETTINGS: [&str; 3] = ["DISCORD_APPLICATION_ID", "DISCORD_BOT_TOKEN", "DISCORD_API_BASE"];

/// Somebody who registers the commands with Discord, in a folder of their own.
struct Person {
    discord: Discord,
    folder: Scratch,
    /// What is run, with its first arguments.
    program: (PathBuf, &'static [&'static str]),
    env: Vec<(&'static str, String)>,
}

/// Exit status, and both outputs.
type Done = (i32, String);

impl Person {
    async fn new() -> Self {
        let discord = Discord::start(Clock::start_at(Utc::now()), Gauge::new()).await;
        let values = [discord.application_id(), discord.bot_token(), discord.url()];
        let env = SETTINGS.into_iter().zip(values).collect();
        let folder = Scratch::new().unwrap();
        Self { discord, folder, program: (DECKHAND.into(), &["register"]), env }
    }

    /// The same with the script instead of the binary.
    async fn with_script() -> Self {
        let mut person = Self::new().await;
        let script = person.folder.file("register_commands.sh");
        // It looks for files beside itself.
        let original = Path::new(ROOT).join("register_commands.sh");
        std::os::unix::fs::symlink(original, &script).unwrap();
        person.program = (script, &[]);
        person.set("PATH", &std::env::var("PATH").unwrap()).set("DECKHAND", DECKHAND)
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_owned()));
        self
    }

    /// Moves all settings to a file in the folder.
    fn writes(&mut self, file: &str) {
        let lines =
            self.env.drain(..).map(|(name, value)| format!("export {name} = \"{value}\"\r\n"));
        let text: String = lines.collect();
        fs::write(self.folder.file(file), format!("\u{feff}# Settings\r\n\r\n{text}")).unwrap();
    }

    async fn runs(&self, arguments: &[&str]) -> Done {
        let (program, first) = &self.program;
        let mut command = Command::new(program);
        command.args(*first).args(arguments).current_dir(self.folder.path());
        command.env_clear().envs(self.env.iter().cloned());
        let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains(&self.discord.bot_token()), "the token is shown: {said}");
        (done.status.code().unwrap(), said)
    }

    /// How many bulk overwrites Discord was asked for.
    fn overwrites(&self) -> usize {
        self.discord.requests().iter().filter(|request| request.method == "PUT").count()
    }
}

#[track_caller]
fn assert_done((code, said): Done, expected: i32, words: &[&str]) {
    assert_eq!(code, expected, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn names(commands: &[Value]) -> Vec<&str> {
    commands.iter().map(|command| command["name"].as_str().unwrap()).collect()
}

fn declared(scope: Scope) -> Value {
    registration(TABLE, &file::load(None).unwrap(), scope)
}

#[rstest]
#[case::binary(Person::new())]
#[case::script(Person::with_script())]
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_registering_twice_changes_nothing_more(
    #[case]
    #[future]
    person: Person,
) {
    let person = person.await;
    for _ in 0..2 {
        let done = person.runs(&["--dry-run"]).await;
        assert_done(done, 0, &["+ /deploy-client", "nothing was changed"]);
    }
    assert_eq!(person.overwrites(), 0);
    let done = person.runs(&[]).await;
    assert_done(done, 0, &["+ /deploy-client", "Registered for all servers"]);
    assert_done(person.runs(&[]).await, 0, &["Nothing differs for all servers", "Registered"]);
    assert_eq!(person.overwrites(), 2);
    assert_eq!(person.discord.commands().len(), declared(Scope::Global).as_array().unwrap().len());
    let server = person.runs(&["--guild", GUILD_ID]).await;
    assert_done(server, 0, &["+ /deploy-client", "Registered for server"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_printed_and_replaced() {
    let person = Person::new().await;
    let mut commands = declared(Scope::Global);
    commands[0]["description"] = json!("Something else");
    commands[1]["name"] = json!("old");
    person.discord.set_commands(commands);
    let (code, said) = person.runs(&[]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        said,
        "Changes for all servers (+ new, ~ changed, - removed):\n~ /agents (description)\n+ /deploy-client\n\
         - /old\nRegistered for all servers.\n"
    );
    assert!(!names(&person.discord.commands()).contains(&"old"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_of_the_setting_is_the_place_unless_an_option_says_another() {
    let person = Person::new().await.set("DISCORD_GUILD_ID", GUILD_ID);
    assert_done(person.runs(&[]).await, 0, &["Registered for server", GUILD_ID]);
    assert_eq!(person.discord.commands(), Vec::<Value>::new());
    assert_done(person.runs(&["--global"]).await, 0, &["Registered for all servers"]);
    assert!(!person.discord.commands().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_registers_twice_is_told_how_to_remove_the_others() {
    let person = Person::new().await;
    person.discord.set_commands(declared(Scope::Global));
    let done = person.runs(&["--guild", GUILD_ID]).await;
    let again = "Warning: 14 of these commands are registered for all servers, too";
    let cure = "deckhand register --global --remove";
    assert_done(done, 0, &["Registered for server", again, "see them twice", cure]);
    let person = person.set("ALLOWED_GUILD_IDS", &format!("41,{GUILD_ID}"));
    let cure = format!("deckhand register --guild {GUILD_ID} --remove");
    let done = person.runs(&["--dry-run"]).await;
    assert_done(done, 0, &["Nothing differs", "registered for server", "see them twice", &cure]);
    let done = person.runs(&["--guild", GUILD_ID, "--remove"]).await;
    assert_done(done, 0, &["- /deploy-client", "Removed for server"]);
    let (_, said) = person.runs(&[]).await;
    assert!(!said.contains("twice"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_commands_are_taken_back_also_if_the_agents_cannot_be_read() {
    let person = Person::new().await.set("AGENTS_FILE", "no-such-file.toml");
    person.discord.set_commands(declared(Scope::Global));
    person.discord.set_guild_commands(&declared(Scope::Guild));
    assert_done(person.runs(&["--remove", "--dry-run"]).await, 0, &["- /doctor", "Dry run"]);
    assert_eq!(person.overwrites(), 0);
    assert_done(person.runs(&["--global", "--remove"]).await, 0, &["Removed for all servers."]);
    assert_eq!((person.discord.commands().len(), person.overwrites()), (0, 1));
    assert!(!person.discord.guild_commands().is_empty());
    let done = person.runs(&["--remove"]).await;
    assert_done(done, 0, &["Nothing is registered for all servers."]);
    assert_eq!(person.overwrites(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_point_of_an_app_stays() {
    let person = Person::new().await;
    person.discord.add_entry_point();
    let launch = person.discord.commands();
    let (code, said) = person.runs(&[]).await;
    assert!(code == 0 && !said.contains("launch"), "{said}");
    let kept = |there: &[Value]| {
        let found = there.iter().find(|command| command["type"] == 4).unwrap();
        ["id", "handler", "contexts", "integration_types"].map(|key| found[key].clone())
    };
    assert_eq!(kept(&person.discord.commands()), kept(&launch));
    assert_done(person.runs(&["--dry-run"]).await, 0, &["Nothing differs"]);
    assert_done(person.runs(&["--remove"]).await, 0, &["- /doctor", "Removed"]);
    assert_eq!(names(&person.discord.commands()), ["launch"]);
    assert_done(person.runs(&["--remove"]).await, 0, &["Nothing is registered"]);
}

#[rstest]
#[case::help(&["--help"], 0, &["--dry-run", "--remove", "--global"])]
#[case::unknown_argument(&["--force"], 1, &["unknown argument", "Usage:"])]
#[case::no_server(&["--guild", ""], 1, &["needs the id of a server"])]
#[case::no_number(&["--guild", "my server"], 1, &["needs the id of a server", "Copy Server ID"])]
#[case::server_it_is_not_in(&["--guild", "41"], 1, &["(403)", "server 41"])]
#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_the_script(
    #[case] given: &[&str],
    #[case] status: i32,
    #[case] words: &[&str],
) {
    assert_done(Person::with_script().await.runs(given).await, status, words);
}

#[rstest]
#[case::help(&["--help"], 0, &["--guild <ID>", "--global", "--remove", "--dry-run", "--env-file <FILE>"])]
#[case::unknown_argument(&["--force"], 2, &["unexpected argument", "Usage:"])]
#[case::both_places(&["--guild", "41", "--global"], 2, &["cannot be used with"])]
#[case::no_server(&["--guild", ""], 1, &["needs the id of a server"])]
#[case::no_number(&["--guild", "4x1"], 1, &["needs the id of a server", "Copy Server ID"])]
#[case::server_it_is_not_in(&["--guild", "41"], 1, &["(403)", "server 41", "scope applications.commands",
    "https://discord.com/oauth2/authorize?client_id="])]
#[tokio::test(flavor = "multi_thread")]
async fn arguments(#[case] given: &[&str], #[case] status: i32, #[case] words: &[&str]) {
    assert_done(Person::new().await.runs(given).await, status, words);
}

#[rstest]
#[case::wrong_token("DISCORD_BOT_TOKEN", "wrong", &["(401)", "Reset Token"])]
#[case::no_token("DISCORD_BOT_TOKEN", "", &["not set", "DISCORD_BOT_TOKEN"])]
#[case::odd_token("DISCORD_BOT_TOKEN", "two words", &["DISCORD_BOT_TOKEN is not valid"])]
#[case::no_application("DISCORD_APPLICATION_ID", "", &["not set", "DISCORD_APPLICATION_ID"])]
#[case::other_application("DISCORD_APPLICATION_ID", "41", &["(404)", "application 41", "General Information"])]
#[case::no_server("DISCORD_GUILD_ID", "ours", &["DISCORD_GUILD_ID is not valid"])]
#[case::no_network("DISCORD_API_BASE", "http://127.0.0.1:1", &["cannot be reached", "DISCORD_API_BASE"])]
#[case::plain_http("DISCORD_API_BASE", "http://discord.example.com/api/v10", &["plain http only to this machine"])]
#[case::query("DISCORD_API_BASE", "https://discord.com/api/v10?a=b", &["without query"])]
#[case::no_agents_file("AGENTS_FILE", "no-such-file.toml", &["no-such-file.toml", "nothing was changed"])]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_named(
    #[case] name: &'static str,
    #[case] value: &str,
    #[case] words: &[&str],
) {
    assert_done(Person::new().await.set(name, value).runs(&[]).await, 1, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_missing_settings_are_named_at_once() {
    let person =
        Person::new().await.set("DISCORD_APPLICATION_ID", "").set("DISCORD_BOT_TOKEN", " ");
    let words = [
        "fix:",
        "- DISCORD_APPLICATION_ID is not set",
        "- DISCORD_BOT_TOKEN is not set",
        "this folder has no file .env",
    ];
    assert_done(person.runs(&[]).await, 1, &words);
}

#[rstest]
#[case::limited(What::RateLimited { retry_after: 0.1 }, 0, &["waiting 1 s", "Registered"])]
#[case::limited_for_long(What::RateLimited { retry_after: 300.0 }, 1, &["asks to wait 300 s"])]
#[case::fault(What::Status(503), 1, &["fault (status 503)", "discordstatus.com"])]
#[case::lost(What::Lost, 1, &["Run this again"])]
#[case::proxy(What::Proxy { status: 403, retry_after: None }, 1, &["a proxy in front of Discord"])]
#[case::other_token(What::Refused { status: 403, code: 20012, message: "No".to_owned() }, 1,
    &["(403)", "is not a token of application"])]
#[case::refused(What::Refused { status: 400, code: 30032, message: "Maximum reached".to_owned() }, 1,
    &["refuses the commands (status 400, code 30032)", "- Maximum reached"])]
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_with_the_overwrite_is_said(
    #[case] what: What,
    #[case] status: i32,
    #[case] words: &[&str],
) {
    let person = Person::new().await;
    person.discord.fault(Fault::new(On::Commands, what).skip(1));
    assert_done(person.runs(&[]).await, status, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_agents_is_found_before_discord_is_asked() {
    let person = Person::new().await.set("AGENTS_FILE", "own.toml");
    let status = |id: &str| {
        format!(
            "[[agent]]\nid = \"{id}\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"{id}\"\nkind = \"status\"\n"
        )
    };
    fs::write(person.folder.file("own.toml"), status("a") + &status("b") + &status("doctor"))
        .unwrap();
    let words = [
        "own.toml:12: kind \"status\" is given twice, first in line 6",
        "own.toml:17: command \"doctor\" is built in",
        "own.toml:18: kind \"status\"",
        "nothing was changed",
    ];
    assert_done(person.runs(&[]).await, 1, &words);
    assert_eq!(person.discord.requests().len(), 0);
    let mut commands = person;
    commands.program.1 = &["commands"];
    assert_done(commands.runs(&[]).await, 1, &words[..3]);
}

#[rstest]
#[case::default(".env", &[])]
#[case::named("my settings", &["--env-file", "my settings"])]
#[tokio::test(flavor = "multi_thread")]
async fn settings_come_from_a_file_too(#[case] file: &str, #[case] arguments: &[&str]) {
    let mut person = Person::new().await;
    person.writes(file);
    assert_done(person.runs(arguments).await, 0, &["Registered for all servers"]);
    let person = person.set("DISCORD_BOT_TOKEN", "other");
    assert_done(person.runs(arguments).await, 1, &["(401)"]);
    let person = person.set("DISCORD_BOT_TOKEN", "");
    assert_done(person.runs(arguments).await, 0, &["Registered"]);
}

#[rstest]
#[case::missing(None, "no.env: cannot be read (No such file")]
#[case::no_setting(Some("A=1\nsecret\n"), "no.env: line 2: it must be NAME=value")]
#[case::open_quote(
    Some("A='secret\n"),
    "no.env: line 1: the quote before the value has no closing quote"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_an_error(#[case] text: Option<&str>, #[case] words: &str) {
    let mut person = Person::new().await;
    if let Some(text) = text {
        fs::write(person.folder.file("no.env"), text).unwrap();
    }
    for command in [&["register"][..], &["serve"], &["doctor"], &["history"], &["commands"]] {
        person.program.1 = command;
        let (code, said) = person.runs(&["--env-file", "no.env"]).await;
        assert!(code == 1 && said.contains(words) && !said.contains("secret"), "{said}");
    }
    assert_eq!(person.discord.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_of_aws_in_the_file_are_said_to_have_no_effect() {
    let person = Person::new().await;
    fs::write(person.folder.file(".env"), "AWS_REGION=eu-west-1\nDISCORD_GUILD_ID=41\n").unwrap();
    let words = [".env: AWS_REGION there has no effect", "export AWS_REGION=", "server 41"];
    assert_done(person.runs(&[]).await, 1, &words);
}

/// A clone in which nothing is built, so that the script asks cargo, which is the built binary in disguise.
async fn fresh_clone() -> Person {
    let person = Person::with_script().await;
    let folder = person.folder.path().to_owned();
    fs::create_dir(folder.join("bin")).unwrap();
    let cargo = folder.join("bin/cargo");
    // cargo run --quiet --manifest-path FILE -- ARGUMENTS
    fs::write(&cargo, format!("#!/bin/sh\nshift 5\nexec '{DECKHAND}' \"$@\"\n")).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    person.set("DECKHAND", "").set("PATH", &format!("{}/bin:/usr/bin:/bin", folder.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_fresh_clone_cargo_is_asked_and_the_agents_file_of_dot_env_is_used() {
    let person = fresh_clone().await;
    assert_done(person.runs(&["--dry-run"]).await, 0, &["+ /deploy-client"]);
    fs::write(person.folder.file(".env"), "AGENTS_FILE='no-such-file.toml'\n").unwrap();
    assert_done(person.runs(&["--dry-run"]).await, 1, &["no-such-file.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_takes_the_agents_file_beside_it() {
    let person = fresh_clone().await;
    fs::write(person.folder.file("agents.toml"), "[[agent]]\nid = 1\n").unwrap();
    assert_done(person.runs(&["--dry-run"]).await, 1, &["agents.toml:2"]);
    fs::write(person.folder.file(".env"), "# AGENTS_FILE=other.toml\n").unwrap();
    assert_done(person.runs(&["--dry-run"]).await, 1, &["agents.toml:2"]);
}
