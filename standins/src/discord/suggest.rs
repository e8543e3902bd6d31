//! What the client does while somebody types a command: its form, and suggestions for an option.

use super::{
    interaction::{Interaction, command_payload},
    people::{CHANNEL_ID, User},
    standin::Discord,
    typing::{self, Chosen},
};
use serde_json::json;

impl Discord {
    /// What Discord sends while this user types this: `|` stands where the cursor is, in the value
    /// of an option that offers suggestions, as in `/deploy-client ref:rel|`.
    pub fn autocomplete(&self, by: &User, text: &str) -> Result<Interaction, String> {
        let now = self.shared.clock.now();
        let payload = {
            let mut state = self.state();
            let data = typing::partial(&state.commands.typable(), text)?;
            let id = state.conversation.ids.next(now);
            let mut payload = command_payload(&id, by, data);
            state.place(&mut payload, CHANNEL_ID);
            payload["type"] = json!(4);
            payload
        };
        Ok(self.signed(payload))
    }

    /// What Discord sends when this user fills in this form of a command in this channel, or why the client would
    /// not send it.
    pub fn chosen(
        &self,
        by: &User,
        channel: &str,
        chosen: Chosen<'_>,
    ) -> Result<Interaction, String> {
        let now = self.shared.clock.now();
        let payload = {
            let mut state = self.state();
            let data = chosen.data(&state.commands.typable())?;
            let id = state.conversation.ids.next(now);
            let mut payload = command_payload(&id, by, data);
            state.place(&mut payload, channel);
            if chosen.focused.is_some() {
                payload["type"] = json!(4);
            } else {
                state.texts.insert(id, chosen.text());
            }
            payload
        };
        Ok(self.signed(payload))
    }

    /// The names of the commands that the client shows to this user, by their
    /// `default_member_permissions`. Discord's servers refuse the others; [`Discord::interaction`]
    /// does not, so that a test sees what the bot itself refuses.
    pub fn shown(&self, to: &User) -> Vec<String> {
        const ADMINISTRATOR: u64 = 1 << 3;
        let has: u64 = to.permissions.parse().unwrap_or_default();
        let state = self.state();
        let shown = state.commands.typable().into_iter().filter(|command| {
            let needed = &command["default_member_permissions"];
            let needed = needed.as_str().and_then(|bits| bits.parse::<u64>().ok());
            has & ADMINISTRATOR != 0 || needed.is_none_or(|bits| bits != 0 && has & bits == bits)
        });
        shown.filter_map(|command| command["name"].as_str().map(str::to_owned)).collect()
    }
}
