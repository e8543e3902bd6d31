//! A story fails if the bot sent something that nobody looked at.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use standins::discord::Discord;
use standins::github::Github;

use super::World;

/// Checks when it is dropped, at a story's end, that everything the bot sent was read.
///
/// - A message is read in the version that was looked at: a later edit makes it unread again.
/// - A write to GitHub is read by asking for the dispatches, the variable, the secret or all requests.
///   Writes to Discord are read as messages; refused ones and deletions by asking for the requests.
/// - Reads need no look: what they lead to is a message. A story about their number counts them.
/// - What a fault of the story's own kept from being processed needs no look either.
pub(crate) struct Unread {
    github: Github,
    discord: Discord,
    more: AtomicBool,
}

impl Unread {
    pub(crate) fn of(github: &Github, discord: &Discord) -> Self {
        let (github, discord) = (github.clone(), discord.clone());
        Self { github, discord, more: AtomicBool::new(false) }
    }

    pub(crate) fn and_more(&self) {
        self.more.store(true, Ordering::Relaxed);
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if std::thread::panicking() || self.more.load(Ordering::Relaxed) {
            return;
        }
        let unread = [self.github.unread(), self.discord.unread()].concat();
        assert!(
            unread.is_empty(),
            "the bot sent what nobody looked at; assert it, or say `and_more`:\n{}",
            unread.join("\n")
        );
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "original response")]
async fn a_message_that_nobody_read_fails_the_story() {
    let world = World::new().await;
    assert_eq!(world.types("ada", "/agents").await.kind(), 4);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "follow-up")]
async fn a_follow_up_that_nobody_read_fails_the_story() {
    let world = World::new().await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.has_follow_up() && told.original().content.contains("🟢"));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "original response")]
async fn an_edit_after_the_look_fails_the_story() {
    let world = World::named("stuck").await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(30)).await;
    let told = world.told(&interaction, answer);
    assert!(told.original().content.contains("in progress"), "{}", told.transcript());
    // The wait ends with an edit.
    world.settle().await;
    world.dispatch();
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "client-deploy.yml/dispatches, answered 200")]
async fn a_write_that_nobody_looked_at_fails_the_story() {
    let world = World::new().await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("🚀"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_story_may_say_that_there_is_more() {
    let world = World::new().await;
    world.and_more();
    assert!(world.types("ada", "/deploy-client wait:true").await.has_follow_up());
}
