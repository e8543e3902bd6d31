//! `register_commands.sh`, run as a person would, with everything wrong once that a person can get wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::Utc;
use rstest::rstest;
use standins::discord::{Discord, GUILD_ID};
use standins::{Clock, Gauge, Scratch};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const DECKHAND: &str = env!("CARGO_BIN_EXE_deckhand");
const SETTINGS: [&str; 3] = ["DISCORD_APPLICATION_ID", "DISCORD_BOT_TOKEN", "DISCORD_API_BASE"];

/// Somebody who registers the commands with Discord.
struct Person {
    discord: Discord,
    script: PathBuf,
    env: Vec<(&'static str, String)>,
}

/// Exit status, and both outputs.
type Done = (i32, String);

impl Person {
    async fn new() -> Self {
        let discord = Discord::start(Clock::start_at(Utc::now()), Gauge::new()).await;
        let values = [discord.application_id(), discord.bot_token(), discord.url()];
        let mut env: Vec<_> = SETTINGS.into_iter().zip(values).collect();
        env.push(("PATH", std::env::var("PATH").unwrap()));
        env.push(("DECKHAND", DECKHAND.to_owned()));
        Self { discord, script: Path::new(ROOT).join("register_commands.sh"), env }
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_owned()));
        self
    }

    async fn runs(&self, arguments: &[&str]) -> Done {
        let mut command = Command::new(&self.script);
        command.args(arguments).env_clear().envs(self.env.iter().cloned());
        let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains(&self.discord.bot_token()), "the token is shown: {said}");
        (done.status.code().unwrap(), said)
    }
}

#[track_caller]
fn assert_done((code, said): Done, expected: i32, words: &[&str]) {
    assert_eq!(code, expected, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_registering_twice_changes_nothing_more() {
    let person = Person::new().await;
    for _ in 0..2 {
        let done = person.runs(&["--dry-run"]).await;
        assert_done(done, 0, &["+ /deploy-client", "nothing was changed"]);
    }
    let done = person.runs(&[]).await;
    assert_done(done, 0, &["+ /deploy-client", "Registered for all servers"]);
    assert_done(person.runs(&[]).await, 0, &["Nothing differs", "Registered"]);
    let server = person.runs(&["--guild", GUILD_ID]).await;
    assert_done(server, 0, &["+ /deploy-client", "Registered for server"]);
}

#[rstest]
#[case::help(&["--help"], 0, &["--dry-run"])]
#[case::unknown_argument(&["--force"], 1, &["unknown argument", "Usage:"])]
#[case::no_server(&["--guild", ""], 1, &["needs the id of a server"])]
#[case::server_it_is_not_in(&["--guild", "41"], 1, &["(403)", "server 41"])]
#[tokio::test(flavor = "multi_thread")]
async fn arguments(#[case] given: &[&str], #[case] status: i32, #[case] words: &[&str]) {
    assert_done(Person::new().await.runs(given).await, status, words);
}

#[rstest]
#[case::wrong_token("DISCORD_BOT_TOKEN", "wrong", &["(401)"])]
#[case::no_token("DISCORD_BOT_TOKEN", "", &["not set", "DISCORD_BOT_TOKEN"])]
#[case::no_application("DISCORD_APPLICATION_ID", "", &["not set", "DISCORD_APPLICATION_ID"])]
#[case::no_network("DISCORD_API_BASE", "http://127.0.0.1:1", &["cannot be reached"])]
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

/// A clone in which nothing is built, so that the script asks cargo, which is the built binary in disguise.
async fn fresh_clone(folder: &Path) -> Person {
    let mut person = Person::new().await;
    let script = folder.join("register_commands.sh");
    std::os::unix::fs::symlink(&person.script, &script).unwrap();
    fs::create_dir(folder.join("bin")).unwrap();
    let cargo = folder.join("bin/cargo");
    // cargo run --quiet --manifest-path FILE -- ARGUMENTS
    fs::write(&cargo, format!("#!/bin/sh\nshift 5\nexec '{DECKHAND}' \"$@\"\n")).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    person.script = script;
    person.set("DECKHAND", "").set("PATH", &format!("{}/bin:/usr/bin:/bin", folder.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_fresh_clone_cargo_is_asked_and_the_agents_file_of_dot_env_is_used() {
    let folder = Scratch::new().unwrap();
    let person = fresh_clone(folder.path()).await;
    assert_done(person.runs(&["--dry-run"]).await, 0, &["+ /deploy-client"]);
    fs::write(folder.file(".env"), "AGENTS_FILE='no-such-file.toml'\n").unwrap();
    assert_done(person.runs(&["--dry-run"]).await, 1, &["no-such-file.toml"]);
}
