//! What a test decides of the server, its channels and what interactions say.

use super::{
    interaction::Interaction, message::Message, people::User, permissions::Permissions,
    standin::Discord,
};
use serde_json::Value;

impl Discord {
    /// Adds a channel to the server.
    pub fn add_channel(&self, id: &str) {
        self.state().places.others.push(id.to_owned());
    }

    /// Adds a channel of another server, whose members added the bot there.
    pub fn add_channel_abroad(&self, id: &str, guild: &str) {
        self.add_channel(id);
        self.state().places.abroad.insert(id.to_owned(), guild.to_owned());
    }

    /// Adds a public thread to the first channel.
    pub fn add_thread(&self, id: &str) {
        self.add_channel(id);
        self.state().places.threads.push(id.to_owned());
    }

    /// A member writes a message, maybe as a reply to another one; returns its id.
    pub fn writes(&self, by: &User, channel: &str, text: &str, reply_to: Option<&str>) -> String {
        let now = self.shared.clock.now();
        let conversation = &mut self.state().conversation;
        let id = conversation.ids.next(now);
        let blank = Message::blank(id.clone(), String::new(), now);
        conversation.messages.push(Message {
            channel_id: channel.to_owned(),
            reply_to: reply_to.map(str::to_owned),
            content: text.to_owned(),
            author: Some(by.user()),
            ..blank
        });
        id
    }

    /// Changes what the bot may do in one channel; elsewhere what [`Discord::permit`] says holds.
    pub fn permit_in(&self, channel: &str, permissions: Permissions) {
        self.state().places.rights.insert(channel.to_owned(), permissions);
    }

    /// Takes the bot out of the server, or back in. Its commands stay there, as after an
    /// installation without the scope `bot`.
    pub fn set_in_server(&self, is_in: bool) {
        self.state().places.absent = !is_in;
    }

    /// What interactions say in `app_permissions`; none: what the bot may do in the channel.
    pub fn set_app_permissions(&self, bits: Option<&str>) {
        self.state().places.app_permissions = bits.map(str::to_owned);
    }

    /// Which application interactions name in `application_id`.
    pub fn set_interactions_of(&self, application_id: &str) {
        self.state().places.application_id = application_id.to_owned();
    }

    /// How many edits of messages older than an hour a channel takes within 20 s.
    pub fn set_old_edits(&self, count: usize) {
        self.state().places.old_edits = count;
    }

    /// As [`Discord::interaction`], typed in another channel.
    pub fn interaction_in(
        &self,
        channel: &str,
        by: &User,
        text: &str,
    ) -> Result<Interaction, String> {
        let typed = self.interaction(by, text)?;
        let mut payload: Value = serde_json::from_slice(&typed.body).unwrap_or_default();
        self.state().place(&mut payload, channel);
        Ok(self.signed(payload))
    }
}
