//! What the bot sent and no test has read.

use super::{
    message::{Event, Message},
    standin::Discord,
};
use crate::request::Request;

impl Discord {
    /// What the bot sent and nobody has read, one line each: messages in their latest version,
    /// deletions, registered commands, and requests that were refused (not by a [`Fault`], which a
    /// test plans itself). Reading is [`Discord::messages`], [`Discord::channel_messages`],
    /// [`Discord::conversation`], [`Discord::requests`] or [`Discord::mark_read`].
    ///
    /// [`Fault`]: super::fault::Fault
    pub fn unread(&self) -> Vec<String> {
        let state = self.state();
        let conversation = &state.conversation;
        state.read.unread(conversation.messages(), conversation.events(), &state.requests)
    }

    /// Marks this version of a message as read.
    pub fn mark_read(&self, message: &Message) {
        self.state().read.message(message);
    }

    /// What happened since the event of this number, the first of which is 0. Does not count as a look at it.
    pub fn conversation_since(&self, number: usize) -> Vec<Event> {
        let state = self.state();
        state.conversation.events().iter().skip(number).cloned().collect()
    }

    /// The requests received since the one of this number, the first of which is 0. Does not count as a look.
    pub fn requests_since(&self, number: usize) -> Vec<Request> {
        self.state().requests.iter().skip(number).cloned().collect()
    }

    /// A message as it stands, without reading it.
    pub fn message(&self, id: &str) -> Option<Message> {
        let state = self.state();
        state.conversation.messages().iter().find(|message| message.id == id).cloned()
    }

    /// An interaction's messages, as [`Discord::messages`] has them, without reading them.
    pub fn peek(&self, interaction_id: &str) -> Vec<Message> {
        let state = self.state();
        let all = state.conversation.messages().iter();
        all.filter(|message| message.interaction_id == interaction_id).cloned().collect()
    }
}
