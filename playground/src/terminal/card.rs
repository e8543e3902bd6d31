//! Renders components as lines of text: a card with its bar, and buttons.

use serde_json::Value;

/// A line of a message.
#[derive(Clone, PartialEq)]
pub(crate) struct Line {
    /// The colour of the bar before it, `0xRRGGBB`, if it is in a card.
    pub bar: Option<u64>,
    /// Discord's Markdown.
    pub text: String,
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self { bar: None, text }
    }
}

/// The lines of a message's components.
pub(crate) fn lines(components: &[Value]) -> Vec<Line> {
    let mut lines = Vec::new();
    components.iter().for_each(|component| add(component, None, &mut lines));
    lines
}

fn add(component: &Value, bar: Option<u64>, lines: &mut Vec<Line>) {
    let inside = component["components"].as_array().map_or(&[][..], Vec::as_slice);
    match component["type"].as_u64() {
        Some(1) => {
            let buttons: Vec<String> = inside.iter().map(button).collect();
            lines.push(Line { bar, text: buttons.join(" ") });
        }
        Some(14) => lines.push(Line { bar, text: "─".repeat(20) }),
        Some(17) => {
            // Without a colour of its own a card has Discord's grey.
            let bar = component["accent_color"].as_u64().or(Some(0x80_84_8e));
            inside.iter().for_each(|component| add(component, bar, lines));
        }
        _ => {
            let text = component["content"].as_str().unwrap_or_default();
            lines.extend(text.lines().map(|text| Line { bar, text: text.to_owned() }));
            inside.iter().for_each(|component| add(component, bar, lines));
        }
    }
}

/// `[ Cancel ]`. One that opens a page is a link, one that cannot be pressed stands in round brackets.
fn button(button: &Value) -> String {
    let mut label = String::new();
    for c in button["label"].as_str().unwrap_or("?").chars() {
        if c.is_ascii_punctuation() {
            label.push('\\');
        }
        label.push(c);
    }
    match button["url"].as_str() {
        Some(url) => format!("[\\[ {label} \\]](<{url}>)"),
        None if button["disabled"] == true => format!("( {label} )"),
        None => format!("\\[ {label} \\]"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::markdown::{Paint, line};
    use super::*;

    fn shown(components: &Value) -> Vec<String> {
        let lines = lines(components.as_array().unwrap());
        let paint = |one: &Line| {
            let bar = one.bar.map(|colour| Paint::Plain.bar(colour)).unwrap_or_default();
            bar + &line(&one.text, Paint::Plain, &|_| None)
        };
        lines.iter().map(paint).collect()
    }

    #[test]
    fn a_card_has_a_bar_and_its_buttons() {
        let card = json!([{"type": 17, "accent_color": 0x57_f287, "components": [
            {"type": 10, "content": "**client** to `main`\nsecond"},
            {"type": 14},
            {"type": 1, "components": [
                {"type": 2, "style": 4, "label": "Cancel [1]", "custom_id": "a"},
                {"type": 2, "style": 2, "label": "Refresh", "custom_id": "b", "disabled": true},
                {"type": 2, "style": 5, "label": "Open", "url": "https://github.com/o/r"},
            ]},
        ]}]);
        let expected = [
            "▌ client to `main`",
            "▌ second",
            "▌ ────────────────────",
            "▌ [ Cancel [1] ] ( Refresh ) [ Open ] (https://github.com/o/r)",
        ];
        assert_eq!(shown(&card), expected);
    }

    #[test]
    fn buttons_under_a_text_have_no_bar() {
        let row =
            json!([{"type": 1, "components": [{"type": 2, "label": "Yes", "custom_id": "y"}]}]);
        assert_eq!(shown(&row), ["[ Yes ]"]);
    }
}
