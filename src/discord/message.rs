//! A message that always fits Discord's limits and pings only the users and roles it names.
//!
//! <https://docs.discord.com/developers/resources/message>

use std::hash::{Hash, Hasher};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::attachment::Attachment;
use super::components::{self, Block, Button, Card};
use super::fit::{fitted, is_within};

/// Limit for a message's content, in UTF-16 units: the stricter reading of Discord's documentation.
const CONTENT_LIMIT: usize = 2000;

/// The flag of an ephemeral message, which only the caller sees.
const EPHEMERAL: u64 = 1 << 6;

/// The flag of a message of components only. Once set, it stays.
const COMPONENTS_V2: u64 = 1 << 15;

/// A message: its content, its attachment, whom it pings, and who sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    content: String,
    /// Shown in place of the content.
    card: Option<Card>,
    /// Under the content.
    buttons: Vec<Button>,
    pings: Vec<u64>,
    pinged_roles: Vec<u64>,
    ephemeral: bool,
    attachment: Option<Attachment>,
}

impl Message {
    /// A message for the whole channel. Text from outside must be escaped first, with
    /// `text::escape`. If the content is too long, whole lines are left out and the last
    /// line says how many. Only a line that is too long for any message is truncated.
    pub fn public(content: &str) -> Self {
        Self {
            content: fitted(content, CONTENT_LIMIT),
            card: None,
            buttons: Vec::new(),
            pings: Vec::new(),
            pinged_roles: Vec::new(),
            ephemeral: false,
            attachment: None,
        }
    }

    /// The same, but ephemeral.
    pub fn private(content: &str) -> Self {
        Self { ephemeral: true, ..Self::public(content) }
    }

    /// A card for the whole channel. What Discord would refuse is left out of it: lines of the longest texts, lines
    /// between blocks, buttons that do not fit. `text`: the content of [`Message::as_text`].
    pub fn card(card: Card, text: &str) -> Self {
        Self { card: Some(card.fitted(text)), ..Self::public(text) }
    }

    /// Adds buttons: under a text as rows of their own, in a card at its end.
    pub fn with_buttons(mut self, mut buttons: Vec<Button>) -> Self {
        match self.card.take() {
            Some(mut card) => {
                card.blocks.push(Block::Buttons(buttons));
                self.card = Some(card.fitted(&self.content));
            }
            None => {
                self.buttons.append(&mut buttons);
                self.buttons = components::under_text(self.buttons);
            }
        }
        self
    }

    /// Whether it is a card. A message that was a card once cannot become a text.
    pub fn is_card(&self) -> bool {
        self.card.is_some()
    }

    /// The same message as a text, with the card's buttons under it: for when Discord refuses the card.
    pub fn as_text(&self) -> Self {
        let buttons = self.card.as_ref().map_or_else(|| self.buttons.clone(), Card::buttons);
        Self { card: None, buttons: components::under_text(buttons), ..self.clone() }
    }

    /// The message without the buttons under its text, for when Discord refuses those as well.
    pub fn without_buttons(&self) -> Self {
        Self { buttons: Vec::new(), ..self.clone() }
    }

    /// What a person reads: of a card its texts, one below the other. See [`Answer::shown`].
    ///
    /// [`Answer::shown`]: super::Answer::shown
    pub fn shown(&self) -> String {
        self.card.as_ref().map_or_else(|| self.content.clone(), Card::shown)
    }

    /// Identifies all that is shown: texts, buttons and colour.
    pub fn fingerprint(&self) -> String {
        let mut shown = Shown(Sha256::new());
        match &self.card {
            Some(card) => card.hash(&mut shown),
            None => (&self.content, &self.buttons).hash(&mut shown),
        }
        hex::encode(shown.0.finalize().iter().take(8).copied().collect::<Vec<_>>())
    }

    /// Lets a mention of this user in the content ping them. Nobody else is pinged.
    pub fn pinging(mut self, user_id: u64) -> Self {
        self.pings.push(user_id);
        self
    }

    /// Lets a mention of this role in the content ping its members.
    pub fn pinging_role(mut self, role_id: u64) -> Self {
        self.pinged_roles.push(role_id);
        self
    }

    /// Whether it notifies somebody when it is posted.
    pub fn pings(&self) -> bool {
        !self.pings.is_empty() || !self.pinged_roles.is_empty()
    }

    /// The same message, but ephemeral.
    pub fn privately(self) -> Self {
        Self { ephemeral: true, ..self }
    }

    /// Attaches a file. Such a message is never the HTTP answer itself; see `bot::follow_up`.
    pub fn with(mut self, attachment: Attachment) -> Self {
        self.attachment = Some(attachment);
        self
    }

    /// Whether a file is attached.
    pub fn has_attachment(&self) -> bool {
        self.attachment.is_some()
    }

    /// The message without its file, for when Discord refuses the file.
    pub fn without_attachment(&self) -> Self {
        Self { attachment: None, ..self.clone() }
    }

    /// The content type and body of a request with `json`, which was made of this message, and the file.
    pub(super) fn encoded(&self, json: &Value) -> (String, Bytes) {
        match &self.attachment {
            Some(attachment) => attachment.form(json),
            None => ("application/json".to_owned(), json.to_string().into()),
        }
    }

    /// Whether only the caller sees it.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// The text. Of a card it is what is shown in its place where Discord refuses it.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The JSON that creates this message, as an interaction response's `data` or as a follow-up.
    pub fn to_create(&self) -> Value {
        let mut body = json!({});
        let mut flags = if self.ephemeral { EPHEMERAL } else { 0 };
        if self.is_card() {
            flags |= COMPONENTS_V2;
        } else {
            set(&mut body, "content", json!(self.content));
        }
        if flags != 0 {
            set(&mut body, "flags", json!(flags));
        }
        if let Some(components) = self.components() {
            set(&mut body, "components", components);
        }
        self.finish(body)
    }

    /// The JSON that turns an existing message into this one. An edit cannot change who sees it.
    pub fn to_edit(&self) -> Value {
        // An edit leaves alone what it does not name, so the buttons of a text are always named.
        let components = self.components().unwrap_or_else(|| json!([]));
        let mut body = json!({"components": components});
        if self.is_card() {
            set(&mut body, "flags", json!(COMPONENTS_V2));
            set(&mut body, "content", Value::Null);
            set(&mut body, "embeds", json!([]));
        } else {
            set(&mut body, "content", json!(self.content));
        }
        self.finish(body)
    }

    /// Its components, if it has any.
    fn components(&self) -> Option<Value> {
        match &self.card {
            Some(card) => Some(card.json()),
            None if self.buttons.is_empty() => None,
            None => Some(components::rows(&self.buttons).into()),
        }
    }

    /// Adds what every request says.
    fn finish(&self, mut body: Value) -> Value {
        let ids = |ids: &[u64]| ids.iter().map(u64::to_string).collect::<Vec<_>>();
        let mut mentions = json!({"parse": [], "users": ids(&self.pings)});
        if !self.pinged_roles.is_empty() {
            set(&mut mentions, "roles", json!(ids(&self.pinged_roles)));
        }
        set(&mut body, "allowed_mentions", mentions);
        if let Some(attachment) = &self.attachment {
            set(&mut body, "attachments", attachment.listed());
        }
        body
    }
}

fn set(body: &mut Value, field: &str, value: Value) {
    if let Some(object) = body.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}

/// Takes in what is shown. The same in each process: what one has shown, another must recognise.
struct Shown(Sha256);

impl Hasher for Shown {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used: [`Message::fingerprint`] takes the whole digest.
    fn finish(&self) -> u64 {
        0
    }
}

/// The `data` of a deferred answer. It sets only who sees it.
pub(crate) fn deferred_data(ephemeral: bool) -> Value {
    if ephemeral { json!({"flags": EPHEMERAL}) } else { json!({}) }
}

/// Whether a content is short enough to be sent unchanged.
pub(crate) fn fits(content: &str) -> bool {
    is_within(content, CONTENT_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::components::Style;
    use proptest::prelude::*;

    #[test]
    fn nobody_is_pinged_unless_named() {
        let message = Message::public("hi @everyone <@7>");
        let nobody = json!({"parse": [], "users": []});
        assert_eq!(message.to_create()["allowed_mentions"], nobody);
        assert_eq!(message.to_edit()["allowed_mentions"], nobody);
        let ada = json!({"parse": [], "users": ["7"]});
        assert_eq!(message.pinging(7).to_create()["allowed_mentions"], ada);
    }

    #[test]
    fn only_a_new_message_can_be_ephemeral() {
        let message = Message::private("x");
        assert_eq!(message.to_create()["flags"], json!(64));
        assert_eq!(message.to_edit().get("flags"), None);
        assert_eq!(Message::public("x").to_create().get("flags"), None);
    }

    fn card() -> Message {
        let buttons = vec![Button::press("Cancel", Style::Danger, "cancel:1".to_owned())];
        let blocks = vec![Block::Text("<@7> deploys".to_owned()), Block::Buttons(buttons)];
        Message::card(Card { accent: 0x57_f287, blocks }, "<@7> deploys, as text")
    }

    fn row() -> Value {
        let button = json!({"type": 2, "style": 4, "label": "Cancel", "custom_id": "cancel:1"});
        json!({"type": 1, "components": [button]})
    }

    #[test]
    fn a_card_has_no_content_and_its_flag() {
        let inside = json!([{"type": 10, "content": "<@7> deploys"}, row()]);
        let container = json!([{"type": 17, "accent_color": 0x57_f287, "components": inside}]);
        let created = json!({
            "flags": 32768, "components": container,
            "allowed_mentions": {"parse": [], "users": []},
        });
        assert_eq!(card().to_create(), created);
        assert_eq!(card().privately().to_create()["flags"], 32768 | 64);
        let edited = json!({
            "flags": 32768, "content": null, "embeds": [], "components": container,
            "allowed_mentions": {"parse": [], "users": ["7"]},
        });
        assert_eq!(card().pinging(7).privately().to_edit(), edited);
    }

    #[test]
    fn a_card_as_text_keeps_its_buttons() {
        let text = card().as_text();
        assert_eq!((text.is_card(), text.shown()), (false, "<@7> deploys, as text".to_owned()));
        let expected = json!({
            "content": "<@7> deploys, as text", "components": [row()],
            "allowed_mentions": {"parse": [], "users": []},
        });
        assert_eq!((text.to_create(), text.to_edit()), (expected.clone(), expected));
        assert_eq!(text.without_buttons().to_edit()["components"], json!([]));
        assert_eq!(text.without_buttons().to_create().get("components"), None);
    }

    #[test]
    fn buttons_can_be_added_to_both() {
        let button = || vec![Button::open("Open", "https://github.com/o/r")];
        let json = json!({"type": 2, "style": 5, "label": "Open", "url": "https://github.com/o/r"});
        let text = Message::public("x").with_buttons(button());
        assert_eq!(text.to_create()["components"][0]["components"], json!([json]));
        let added = card().with_buttons(button());
        assert_eq!(added.to_create()["components"][0]["components"][2]["components"][0], json);
        assert_eq!(added.as_text().to_edit()["components"][0]["components"][1], json);
    }

    #[test]
    fn a_fingerprint_tells_all_that_is_shown() {
        let text = Message::public("<@7> deploys");
        let more = text.clone().with_buttons(vec![Button::open("Open", "https://a.example")]);
        let mut other = card();
        if let Some(card) = &mut other.card {
            card.accent += 1;
        }
        let all =
            [text.fingerprint(), more.fingerprint(), card().fingerprint(), other.fingerprint()];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 4, "{all:?}");
        assert_eq!(all[0], Message::private("<@7> deploys").pinging(7).fingerprint());
        assert_eq!(all[2], card().fingerprint());
    }

    #[test]
    fn a_long_list_loses_whole_lines_and_says_how_many() {
        let list: Vec<String> =
            (0..100).map(|n| format!("line {n:03} {}", "x".repeat(40))).collect();
        let message = Message::public(&list.join("\n"));
        let last = message.content().lines().last().unwrap_or_default();
        let kept = message.content().lines().count() - 1;
        assert_eq!(last, format!("… and {} more lines", 100 - kept));
        assert!(kept > 30, "{kept}");
    }

    #[test]
    fn a_line_that_is_too_long_is_truncated() {
        let message = Message::public(&format!("refused: {}\nid", "x".repeat(3000)));
        let lines: Vec<_> = message.content().lines().collect();
        assert!(lines[0].starts_with("refused: xxx") && lines[0].ends_with("x…"));
        assert_eq!(lines[1], "… and 1 more line");
    }

    proptest! {
        #[test]
        fn every_text_fits(text in r"(([ -~]{0,300}|.{0,150}|😀{0,150})\n?){0,30}") {
            let message = Message::public(&text);
            prop_assert!(message.content().encode_utf16().count() <= CONTENT_LIMIT);
        }
    }
}
