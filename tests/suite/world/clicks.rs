//! Somebody presses a button.

use standins::discord::{Answer, Interaction, Message, User};

use super::{Told, World};

impl World {
    /// What Discord would send if this person pressed the button of this name, of the newest message that has it.
    /// Emoji and capital letters of the name do not matter.
    pub(crate) fn click(&self, who: &str, name: &str) -> Interaction {
        self.click_as(&User::named(who), name)
    }

    /// The same by a member with roles of their own.
    pub(crate) fn click_as(&self, who: &User, name: &str) -> Interaction {
        let (message_id, label) = self.discord.button("", name).expect("a button of this name");
        self.discord.click(who, &message_id, &label).unwrap()
    }

    /// Somebody presses that button, and everything that comes of it happens. What is told is what the click itself
    /// led to; the message with the button is read by [`World::told_since`] or [`World::with_button`].
    pub(crate) async fn clicks(&self, who: &str, name: &str) -> Told {
        self.delivers(&self.click(who, name)).await
    }

    /// The same with an interaction of the story's own, such as a forged one.
    pub(crate) async fn delivers(&self, interaction: &Interaction) -> Told {
        let answer: Answer = self.discord.deliver(interaction, &self.endpoint()).await;
        self.settle().await;
        self.told(interaction, answer)
    }

    /// The newest message that has a button of this name, read. `None`: none has it.
    pub(crate) fn with_button(&self, name: &str) -> Option<Message> {
        let (id, _) = self.discord.button("", name)?;
        let message = self.discord.message(&id)?;
        self.discord.mark_read(&message);
        Some(message)
    }
}
