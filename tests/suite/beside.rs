//! The binary with `agents.toml` beside it, as in Lambda's package, in the image and where a release was unpacked.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use rstest::rstest;
use standins::Scratch;

use crate::places::REQUIRED;

const OWN: &str = r#"
[[agent]]
id = "own"
name = "Own"
description = "An agent of our own"
command = "own-status"
kind = "status"
"#;

/// A folder with the binary and these agents.
struct Unpacked(Scratch);

impl Unpacked {
    fn new(agents: Option<&str>) -> Self {
        // On the disk of the binary, which a link needs. A copy, still open in another thread that starts a program, could
        // not be run.
        let folder = Scratch::within(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
        fs::hard_link(env!("CARGO_BIN_EXE_deckhand"), folder.file("deckhand")).unwrap();
        if let Some(agents) = agents {
            fs::write(folder.file("agents.toml"), agents).unwrap();
        }
        Self(folder)
    }

    /// Run in another folder, so that it is not the current one that counts.
    fn command(&self, arguments: &[&str]) -> Command {
        let elsewhere = self.0.file("elsewhere");
        fs::create_dir_all(&elsewhere).unwrap();
        let mut command = Command::new(self.0.file("deckhand"));
        command.args(arguments).current_dir(elsewhere).env_clear();
        command.envs(REQUIRED).env("ALLOWED_GUILD_IDS", "41");
        // Nobody answers there.
        command.envs([
            ("DISCORD_API_BASE", "http://127.0.0.1:1"),
            ("GITHUB_API_BASE", "http://127.0.0.1:1"),
            ("DISCORD_BOT_TOKEN", "token"),
        ]);
        command
    }

    fn says(&self, arguments: &[&str]) -> (i32, String) {
        said(self.command(arguments))
    }
}

fn said(mut command: Command) -> (i32, String) {
    let ended = command.output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn the_file_beside_the_binary_is_read() {
    let unpacked = Unpacked::new(Some(OWN));
    let (code, said) = unpacked.says(&["commands"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("own-status") && !said.contains("deploy-client"), "{said}");
    let (_, said) = unpacked.says(&["doctor"]);
    let file = unpacked.0.file("agents.toml");
    let words = format!("✅ {} (beside the binary) is valid.", file.display());
    assert!(said.contains(&words), "{said}");
}

#[test]
fn a_link_to_the_binary_leads_to_its_folder() {
    let unpacked = Unpacked::new(Some(OWN));
    let link = unpacked.0.file("elsewhere/linked");
    fs::create_dir(unpacked.0.file("elsewhere")).unwrap();
    symlink(unpacked.0.file("deckhand"), &link).unwrap();
    let mut linked = Command::new(link);
    linked.arg("commands").env_clear();
    let (code, said) = said(linked);
    assert!(code == 0 && said.contains("own-status"), "{said}");
}

#[test]
fn the_setting_wins_over_the_file_beside_the_binary() {
    let unpacked = Unpacked::new(Some("not = read"));
    let another = unpacked.0.file("another.toml");
    fs::write(&another, OWN).unwrap();
    let with = |arguments: &[&str]| {
        let mut command = unpacked.command(arguments);
        command.env("AGENTS_FILE", &another);
        said(command)
    };
    let (code, text) = with(&["commands"]);
    assert!(code == 0 && text.contains("own-status"), "{text}");
    let words = format!("✅ {} (named by AGENTS_FILE) is valid.", another.display());
    let (_, text) = with(&["doctor"]);
    assert!(text.contains(&words), "{text}");
}

#[test]
fn without_any_file_the_one_built_in_is_read() {
    let unpacked = Unpacked::new(None);
    let (code, said) = unpacked.says(&["commands"]);
    assert!(code == 0 && said.contains("deploy-client"), "{said}");
    let (_, said) = unpacked.says(&["doctor"]);
    assert!(said.contains("✅ agents.toml (built into the binary) is valid."), "{said}");
}

#[rstest]
#[case::commands(&["commands"])]
#[case::register(&["register"])]
#[case::serve(&["serve", "--listen", "0"])]
#[case::history(&["history"])]
#[case::doctor(&["doctor"])]
#[test]
fn a_file_that_is_wrong_is_never_passed_over(#[case] arguments: &[&str]) {
    let unpacked = Unpacked::new(Some("\n[[agent]]\nid = 7\n"));
    let (code, said) = unpacked.says(arguments);
    let file = unpacked.0.file("agents.toml");
    assert!(code == 1 && said.contains(&format!("{}:", file.display())), "{said}");
}

#[rstest]
#[case::right(OWN, false)]
#[case::wrong("\n[[agent]]\nid = 7\n", true)]
#[test]
fn on_lambda_it_is_the_same_file(#[case] agents: &str, #[case] is_wrong: bool) {
    let unpacked = Unpacked::new(Some(agents));
    let mut command = unpacked.command(&[]);
    // Nobody answers there: it starts, and then ends.
    command.env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1");
    command.env("AWS_LAMBDA_FUNCTION_NAME", "deckhand");
    let (_, said) = said(command);
    let file = format!("{}/agents.toml:", unpacked.0.path().display());
    assert_eq!(said.contains(&file), is_wrong, "{said}");
}

#[test]
fn what_is_there_and_no_file_is_an_error_that_says_why_it_is_read() {
    let unpacked = Unpacked::new(None);
    // As a mount of something else makes it.
    fs::create_dir(unpacked.0.file("agents.toml")).unwrap();
    let (code, said) = unpacked.says(&["commands"]);
    assert!(code == 1 && said.contains("agents.toml: cannot be read"), "{said}");
    assert!(said.contains("it lies beside the binary, so it is read"), "{said}");
}

#[rstest]
#[case::beside(Some(OWN), "/agents.toml (beside the binary)")]
#[case::built_in(None, "of agents.toml (built into the binary)")]
#[test]
fn the_server_logs_which_file_it_read_and_is_healthy(
    #[case] agents: Option<&str>,
    #[case] words: &str,
) {
    let unpacked = Unpacked::new(agents);
    let log = fs::File::create(unpacked.0.file("log")).unwrap();
    let mut serve = unpacked.command(&["serve", "--listen", "0.0.0.0:0"]);
    let mut server = serve.stdout(Stdio::piped()).stderr(log.try_clone().unwrap()).spawn().unwrap();
    let mut out = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut lines = Vec::new();
    let address = loop {
        let line = out.next().unwrap().unwrap();
        if let Some(address) = line.strip_prefix("deckhand listens on http://") {
            break address.to_owned();
        }
        lines.push(line);
    };
    // A proxy is for others: nobody answers there.
    let mut health = unpacked.command(&["health", "--listen", &address]);
    health.envs([("HTTP_PROXY", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1")]);
    let healthy = said(health);
    server.kill().unwrap();
    server.wait().unwrap();
    lines.push(fs::read_to_string(unpacked.0.file("log")).unwrap());
    assert_eq!(healthy, (0, format!("healthy: deckhand {}\n", env!("CARGO_PKG_VERSION"))));
    assert!(lines.concat().contains(words), "{lines:?}");
    let (code, said) = unpacked.says(&["health", "--listen", &address]);
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("deckhand: not healthy: http://127.0.0.1:"), "{said}");
}
