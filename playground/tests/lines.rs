//! Lines on the command line, and from a pipe.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn playground(arguments: &[&str], typed: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_playground"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn what_was_meant_is_said_and_nothing_is_sent() {
    for (typed, meant) in [
        ("/deploi-client wait:true", "/deploy-client wait:true"),
        ("/deploy-client waitt:true", "/deploy-client wait:true"),
        ("scenarioo failure", "scenario failure"),
        ("grace: /agentss", "grace: /agents"),
    ] {
        let output = playground(&[typed], "");
        assert_eq!(output.status.code(), Some(2), "{typed}");
        assert!(shown(&output).contains(&format!("Did you mean: {meant}\n")), "{}", shown(&output));
    }
}

#[test]
fn a_push_has_a_card_that_is_shown_to_its_end() {
    let output = playground(&["--scenario", "failure", "push release/1.0"], "");
    let text = shown(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("🔵 CI: queued") && text.contains("🔴 CI failed"), "{text}");
    assert!(
        text.contains("▌ `release/1.0` · ") && text.contains("▌ pushed by octocat · "),
        "{text}"
    );
}

#[test]
fn two_people_deploy_at_once() {
    let output = playground(&["/deploy-client wait:true &", "grace: /deploy-client wait:true"], "");
    let text = shown(&output);
    assert!(output.status.success(), "{text}");
    // Grace does not wait for the end of Ada's deploy.
    let typed = text.find("grace  /deploy-client").unwrap();
    assert!(typed < text.find("notifies ada").unwrap(), "{text}");
    assert!(text.contains("notifies grace"), "{text}");
}

#[test]
fn without_a_terminal_lines_come_from_a_pipe() {
    let output = playground(&["--terminal"], "/agents\nwebhooks lossy\nquit\n");
    let text = shown(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("ada  /agents") && text.contains("webhooks are lossy"), "{text}");
}

#[test]
fn lines_can_be_recorded() {
    let scratch = standins::Scratch::new().unwrap();
    let file = scratch.file("record.jsonl");
    let output = playground(&["--record", file.to_str().unwrap(), "/agents"], "");
    assert!(output.status.success(), "{}", shown(&output));
    let record = std::fs::read_to_string(&file).unwrap();
    assert!(record.starts_with("{") && record.contains("\"t\":\"message\""), "{record}");
}

#[test]
fn a_file_that_cannot_be_used_is_named_at_the_start() {
    for (options, expected) in [
        (&["--replay", "/nothing/here"][..], "/nothing/here: "),
        (&["--record", "/dev/full", "/agents"], "/dev/full: cannot record: "),
        (&["--agents", "/nothing/here", "/agents"], "--agents /nothing/here: "),
    ] {
        let output = playground(options, "");
        assert_eq!(output.status.code(), Some(1), "{options:?}");
        let said = shown(&output);
        assert!(said.starts_with(&format!("playground: {expected}")), "{said}");
        assert!(!said.contains("AGENTS_FILE"), "{said}");
    }
}
