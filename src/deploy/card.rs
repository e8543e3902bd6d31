//! A deploy's message as a card of components; as text where Discord refuses components. Both say the same.

use chrono::{DateTime, Utc};

use super::buttons::buttons;
use super::record::Deploy;
use crate::discord::Message;
use crate::discord::components::{Block, Card};

/// What a deploy's message says, from top to bottom: lines of Markdown.
#[derive(Debug, Default)]
pub(super) struct Says {
    /// How it stands. Begins with the lamp.
    pub(super) state: String,
    /// What, where, and how far.
    pub(super) about: Vec<String>,
    /// Small print.
    pub(super) small: Vec<String>,
}

/// The lamps of a state, and the card's colour for each: as GitHub shows them.
const COLOURS: [(&str, u32); 7] = [
    ("🟢", 0x2d_a4_4e),
    ("🔴", 0xcf_22_2e),
    ("❌", 0xcf_22_2e),
    ("🟠", 0xd2_99_22),
    ("⚪", 0x8c_95_9f),
    ("⏱️", 0xea_b3_08),
    ("⚠️", 0xea_b3_08),
];

/// Under way.
const BLUE: u32 = 0x3b_82_f6;

impl Says {
    /// The message.
    pub(super) fn message(&self, deploy: &Deploy, now: DateTime<Utc>) -> Message {
        let small: Vec<String> = self.small.iter().map(|line| format!("-# {line}")).collect();
        let mut lines = vec![self.state.as_str()];
        lines.extend(self.about.iter().map(String::as_str));
        let above = lines.join("\n");
        let small = small.join("\n");
        let text = format!("{above}\n{small}");
        let buttons = Block::Buttons(buttons(deploy, now));
        let blocks = vec![Block::Text(above), Block::Text(small), buttons];
        let card = Message::card(Card { accent: self.colour(), blocks }, text.trim_end());
        match deploy.place.as_ref().filter(|place| place.text_only) {
            None => card,
            Some(place) if place.no_buttons => card.as_text().without_buttons(),
            Some(_) => card.as_text(),
        }
    }

    fn colour(&self) -> u32 {
        let lamp = COLOURS.iter().find(|(lamp, _)| self.state.starts_with(lamp));
        lamp.map_or(BLUE, |(_, colour)| *colour)
    }
}

#[cfg(test)]
mod tests;
