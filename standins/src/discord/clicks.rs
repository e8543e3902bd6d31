//! A person presses a button, or fills in a form.

use super::{
    interaction::{Interaction, command_payload},
    message::Message,
    modal,
    people::User,
    standin::Discord,
};
use serde_json::{Value, json};

impl Discord {
    /// What Discord sends when this person presses the button with this label, or why it cannot be pressed. A
    /// message that was deleted meanwhile is still on their screen.
    pub fn click(&self, by: &User, message_id: &str, label: &str) -> Result<Interaction, String> {
        let message = self.on_screen(by, message_id)?;
        let buttons = message.buttons();
        let labels = || buttons.iter().map(|button| button.label.as_str()).collect::<Vec<_>>();
        let button = buttons.iter().find(|button| button.label == label);
        let button = button.ok_or_else(|| format!("there is no {label:?} in {:?}", labels()))?;
        if button.disabled {
            return Err(format!("{label:?} is disabled"));
        }
        let id = button.custom_id.as_deref();
        let id = id.ok_or_else(|| format!("{label:?} opens a page"))?;
        Ok(self.pressed(by, &message, id, label))
    }

    /// The same for a button that the message does not have: an old one, or a forged one.
    pub fn click_forged(
        &self,
        by: &User,
        message_id: &str,
        custom_id: &str,
    ) -> Result<Interaction, String> {
        let message = self.on_screen(by, message_id)?;
        Ok(self.pressed(by, &message, custom_id, custom_id))
    }

    /// The newest message, at or after this interaction or message, that has a button of this name, and the
    /// button's label. Emoji and capital letters do not matter. Does not read the message.
    pub fn button(&self, since: &str, name: &str) -> Option<(String, String)> {
        let number = |id: &str| id.parse::<u64>().unwrap_or_default();
        let state = self.state();
        let mut newest_first = state.conversation.messages().iter().rev();
        newest_first.find_map(|message| {
            let is_it = |label: &String| spelt(label) == spelt(name);
            let mut labels = message.buttons().into_iter().map(|button| button.label);
            let label = labels.find(is_it).filter(|_| number(&message.id) >= number(since))?;
            Some((message.id.clone(), label))
        })
    }

    /// The labels of all buttons that can be pressed, those of the newest message first, each once. Reads no message.
    pub fn buttons(&self) -> Vec<String> {
        let state = self.state();
        let newest_first = state.conversation.messages().iter().rev();
        let mut labels: Vec<String> = Vec::new();
        for button in newest_first.flat_map(Message::buttons) {
            if button.custom_id.is_some() && !button.disabled && !labels.contains(&button.label) {
                labels.push(button.label);
            }
        }
        labels
    }

    /// What Discord sends when the form that answered this interaction is sent off, or why it cannot be.
    /// `fields`: the `custom_id` of each text input that was filled in, and the text.
    pub fn submit(
        &self,
        by: &User,
        opened_by: &Interaction,
        fields: &[(&str, &str)],
    ) -> Result<Interaction, String> {
        let form = self.state().conversation.modal(&opened_by.id).cloned();
        let form = form.ok_or("no form is open")?;
        let data = modal::filled(&form, fields)?;
        let before: Value = serde_json::from_slice(&opened_by.body).unwrap_or_default();
        let channel = before["channel_id"].as_str().unwrap_or_default().to_owned();
        let title = form["title"].as_str().unwrap_or_default();
        Ok(self.sends(by, 5, data, &channel, &before["message"], title))
    }

    fn pressed(&self, by: &User, message: &Message, id: &str, label: &str) -> Interaction {
        let data = json!({"component_type": 2, "custom_id": id, "id": 2});
        self.sends(by, 3, data, &message.channel_id, &message.json(), label)
    }

    fn sends(
        &self,
        by: &User,
        kind: u64,
        data: Value,
        channel: &str,
        message: &Value,
        text: &str,
    ) -> Interaction {
        let now = self.shared.clock.now();
        let payload = {
            let mut state = self.state();
            let id = state.conversation.ids.next(now);
            state.texts.insert(id.clone(), text.to_owned());
            let mut payload = command_payload(&id, by, data);
            state.place(&mut payload, channel);
            payload["type"] = json!(kind);
            if !message.is_null() {
                payload["message"] = message.clone();
            }
            payload
        };
        self.signed(payload)
    }

    /// The message as this person has it on their screen.
    fn on_screen(&self, by: &User, id: &str) -> Result<Message, String> {
        let state = self.state();
        let message = state.conversation.ever(id).ok_or("there is no such message")?;
        if message.ephemeral && !state.conversation.is_by(&message.interaction_id, &by.id) {
            return Err(format!("{} does not see this message", by.username));
        }
        Ok(message.clone())
    }
}

/// A label as a person types it.
fn spelt(label: &str) -> String {
    label.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}
