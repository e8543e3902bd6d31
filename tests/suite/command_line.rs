//! `deckhand serve` and `deckhand health` as a person starts them: where they listen, where settings come from.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use rstest::rstest;
use standins::Scratch;

const SETTINGS: &str = "\
export DISCORD_PUBLIC_KEY=d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a # the application's
DISCORD_APPLICATION_ID=\"1200000000000000000\"
GITHUB_TOKEN='github_pat_secret'
GITHUB_REPO = octo-org/web-client

ALLOWED_GUILD_IDS=41
";

/// `deckhand serve` in a folder with these settings in `.env`.
fn serve(folder: &Scratch, settings: &str, listen: &str) -> Command {
    fs::write(folder.file(".env"), settings.replace('\n', "\r\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_deckhand"));
    command.args(["serve", "--listen", listen]).current_dir(folder.path()).env_clear();
    command
}

/// Where it says that it listens. It is stopped then.
fn listens_on(mut command: Command) -> String {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    line
}

fn fails(mut command: Command) -> (i32, String) {
    let ended = command.output().unwrap();
    (ended.status.code().unwrap(), String::from_utf8(ended.stderr).unwrap())
}

#[rstest]
#[case::port("0", "127.0.0.1")]
#[case::colon(":0", "127.0.0.1")]
#[case::name("localhost:0", "127.0.0.1")]
#[case::address("127.0.0.1:0", "127.0.0.1")]
#[case::every_network("0.0.0.0:0", "0.0.0.0")]
#[test]
fn the_server_starts_with_the_settings_of_dot_env(#[case] listen: &str, #[case] host: &str) {
    let folder = Scratch::new().unwrap();
    let line = listens_on(serve(&folder, SETTINGS, listen));
    assert!(line.starts_with(&format!("deckhand listens on http://{host}:")), "{line}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = Scratch::new().unwrap();
    let mut command = serve(&folder, SETTINGS, "0");
    command.env("GITHUB_REPO", "no repository");
    let (code, said) = fails(command);
    assert!(code == 1 && said.contains("GITHUB_REPO is not valid"), "{said}");
    assert!(said.contains("Settings were read from the environment and from .env."), "{said}");
}

#[test]
fn on_lambda_no_file_is_read() {
    let folder = Scratch::new().unwrap();
    let mut command = serve(&folder, SETTINGS, "0");
    // Nobody answers there; what it cannot start for is found before.
    command.env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1");
    let (code, said) = fails(command);
    assert!(code == 1 && said.contains("DISCORD_PUBLIC_KEY is not set"), "{said}");
}

#[rstest]
#[case("3000x")]
#[case("localhost")]
#[case("http://localhost:3000")]
#[test]
fn an_address_that_is_none_is_refused_with_those_that_are(#[case] listen: &str) {
    let (code, said) = fails(serve(&Scratch::new().unwrap(), SETTINGS, listen));
    assert_eq!(code, 2);
    assert!(said.contains("expected a port like 3000") && said.contains("[::1]:3000"), "{said}");
}

#[test]
fn a_port_in_use_is_said_with_another_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (code, said) = fails(serve(&Scratch::new().unwrap(), SETTINGS, &port.to_string()));
    let expected = format!("deckhand: port {port} of 127.0.0.1 is in use by another program");
    assert!(code == 1 && said.contains(&expected) && said.contains("like --listen"), "{said}");
}

#[test]
fn health_needs_no_setting() {
    let mut health = Command::new(env!("CARGO_BIN_EXE_deckhand"));
    health.args(["health", "--listen", "127.0.0.1:1"]).env_clear();
    let (code, said) = fails(health);
    let words = "deckhand: not healthy: http://127.0.0.1:1/health: ";
    assert!(code == 1 && said.starts_with(words), "{said}");
}
