//! A story fails if the bot sent something that nobody looked at.

use std::sync::atomic::{AtomicBool, Ordering};

use standins::discord::Discord;
use standins::github::Github;

/// Checks when it is dropped, at a story's end, that everything the bot sent was read.
///
/// - A message is read in the version that was looked at: a later edit makes it unread again.
/// - A write to GitHub is read by asking for the dispatches, the variable, the secret or all requests.
///   Writes to Discord are read as messages; refused ones and deletions by asking for the requests.
/// - Reads need no look: what they lead to is a message. A story about their number counts them.
/// - What a fault of the story's own kept from being processed needs no look either.
pub struct Unread {
    github: Github,
    discord: Discord,
    more: AtomicBool,
}

impl Unread {
    pub fn of(github: &Github, discord: &Discord) -> Self {
        let (github, discord) = (github.clone(), discord.clone());
        Self { github, discord, more: AtomicBool::new(false) }
    }

    pub fn and_more(&self) {
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
