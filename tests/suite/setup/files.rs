//! The files that the flags name, and the folder that all is written to.

use std::fs;
use std::path::Path;

use deckhand::setup::{Ended, Flags};
use rstest::rstest;

use super::scene::Scene;
use super::trouble::mend;

#[rstest]
#[case::missing("none", "cannot be read (No such file")]
#[case::empty("empty", "it is empty")]
#[case::folder(".", "cannot be read (Is a directory")]
#[case::too_large("large", "it is too large for a token")]
#[case::no_text("bytes", "it is no text")]
#[case::of_discord("of-discord", "it is a bot's token of Discord's")]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_is_of_no_use_is_said_before_the_first_question(
    #[case] file: &str,
    #[case] why: &str,
) {
    let scene = Scene::new().await;
    fs::write(scene.file("empty"), " \n").unwrap();
    fs::write(scene.file("large"), "x".repeat(70_000)).unwrap();
    fs::write(scene.file("bytes"), [0xff, 0xfe]).unwrap();
    fs::write(scene.file("of-discord"), "MTE5MDAwMDAwMDAwMDAwMDAwMQ.Gx1abc.abc-DEF_1").unwrap();
    let mut flags = scene.flags();
    flags.github_token_file = Some(scene.file(file));
    let person = scene.person();
    let said = mend(scene.set_up_with(&flags, &person).await, &person);
    assert!(said.contains("--github-token-file") && said.contains(why), "{said}");
    assert_eq!((person.asked(), scene.writes()), (Vec::new(), 0));
    assert!(!scene.file(".env").exists());
}

#[rstest]
#[case::agents(|flags: &mut Flags, bad: &Path| flags.agents = bad.to_owned())]
#[case::settings(|flags: &mut Flags, bad: &Path| flags.env_file = bad.to_owned())]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_can_never_be_written_is_said_before_anything_is_done(
    #[case] set: fn(&mut Flags, &Path),
    #[values(false, true)] dry_run: bool,
    #[values(("none/x", "there is no folder"), ("folder", "Is a directory"), ("large", "it is too large"), ("link", "it is a link to a file that is not there"))]
    bad: (&str, &str),
) {
    let scene = Scene::new().await;
    fs::create_dir(scene.file("folder")).unwrap();
    std::os::unix::fs::symlink(scene.file("nowhere"), scene.file("link")).unwrap();
    fs::File::create(scene.file("large")).unwrap().set_len(9 << 20).unwrap();
    let mut flags = scene.flags();
    flags.dry_run = dry_run;
    set(&mut flags, &scene.file(bad.0));
    let person = scene.person();
    let said = mend(scene.set_up_with(&flags, &person).await, &person);
    assert!(said.contains(bad.1), "{said}");
    assert!(!person.asked().contains(&"--bot-token-file"), "{:?}", person.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_whether_files_can_be_written_leaves_nothing() {
    let scene = Scene::new().await;
    let person = scene.person().without("--bot-token-file");
    assert!(scene.set_up(&person).await.is_err());
    assert!(fs::read_dir(scene.file(".")).unwrap().next().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_come_through_a_pipe_that_can_be_read_once() {
    let scene = Scene::new().await;
    let pipe = scene.file("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (into, token) = (pipe.clone(), scene.discord.bot_token());
    let writer = std::thread::spawn(move || fs::write(into, token).unwrap());
    let mut flags = scene.flags();
    flags.bot_token_file = Some(pipe.clone());
    let person = scene.person().without("--bot-token-file");
    let ended = scene.set_up_with(&flags, &person).await;
    writer.join().unwrap();
    fs::remove_file(pipe).unwrap();
    assert_eq!(ended, Ok(Ended::Well), "{}", person.said());
}

#[rstest]
#[case::no_port(&["--listen", "127.0.0.1:0"], 1, "port 0 is another one each time")]
#[case::of_a_server(&["--to", "aws", "--url", "https://bot.example.com"], 1, "--url is for a server only")]
#[case::of_aws(&["--to", "server", "--zip", "package.zip"], 1, "--zip is for AWS only")]
#[case::no_stack(&["--stack", "a b"], 2, "it must be letters, digits and -")]
#[tokio::test(flavor = "multi_thread")]
async fn a_flag_that_would_have_no_effect_is_refused(
    #[case] flags: &[&str],
    #[case] status: i32,
    #[case] why: &str,
) {
    let scene = Scene::new().await;
    fs::write(scene.file("package.zip"), crate::setup::aws::PACKAGE).unwrap();
    let (code, said) = scene.runs(&[&["setup"], flags].concat()).await;
    assert!(code == status && said.contains(why), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_holds_one_token() {
    let scene = Scene::new().await;
    let (code, said) =
        scene.runs(&["setup", "--bot-token-file", "-", "--github-token-file", "-"]).await;
    assert!(code == 1 && said.contains("Standard input holds one token only"), "{said}");
    let (code, said) = scene.runs(&["setup", "--bot-token-file", "-"]).await;
    assert!(code == 1 && said.contains("--bot-token-file -: it is empty"), "{said}");
}
