//! A card, and buttons: the part of Discord's components that is used here, within all of their limits.
//!
//! <https://docs.discord.com/developers/components/reference>

use serde_json::{Value, json};

use super::fit::{fitted, is_within, length};

/// Components of a message in all, those inside of others included.
const COMPONENTS: usize = 40;

/// Length of all texts of a card together.
const TEXT: usize = 4000;

/// Bytes of all texts of a card together, each with [`BYTES_OF_A_TEXT`] more. Discord is reported to fail (500)
/// above 10,170.
const BYTES: usize = 10_000;
const BYTES_OF_A_TEXT: usize = 12;

/// Buttons of a row.
const IN_A_ROW: usize = 5;

/// Buttons of a message: five rows. In a card there could be more, at the expense of its texts.
const BUTTONS: usize = 5 * IN_A_ROW;

const LABEL: usize = 80;
const CUSTOM_ID: usize = 100;
const URL: usize = 512;

/// A message of components: a box with a bar in a colour at its left.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Card {
    /// The colour of the bar: `0xRRGGBB`.
    pub accent: u32,
    /// What is in the box, from top to bottom.
    pub blocks: Vec<Block>,
}

/// A part of a card.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Block {
    /// Markdown. Text from outside must be escaped first, with `text::escape`.
    Text(String),
    /// A line.
    Separator,
    /// Buttons side by side, five a row.
    Buttons(Vec<Button>),
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Button {
    /// No Markdown; 80 characters at most.
    pub label: String,
    /// Its colour. A link has none.
    pub style: Style,
    /// What pressing it does.
    pub does: Does,
}

/// The colour of a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Blurple: what is meant to be pressed.
    Primary,
    /// Grey.
    Secondary,
    /// Green.
    Success,
    /// Red: it ends or replaces something.
    Danger,
}

/// What pressing a button does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Does {
    /// Discord sends us a click with this `custom_id` of 1 to 100 characters.
    Press(String),
    /// The user's browser opens this page.
    Open(String),
}

impl Card {
    /// The card with everything that Discord would refuse left out. `text`: what it shows if nothing is left.
    pub(super) fn fitted(self, text: &str) -> Self {
        let (mut seen, mut left) = (Vec::new(), BUTTONS);
        let blocks = self.blocks.into_iter().map(|block| match block {
            Block::Text(text) => Block::Text(text.trim().to_owned()),
            Block::Buttons(buttons) => {
                let mut buttons = usable(buttons, &mut seen);
                buttons.truncate(left);
                left -= buttons.len();
                Block::Buttons(buttons)
            }
            Block::Separator => Block::Separator,
        });
        let mut blocks: Vec<Block> = blocks.filter(|block| !block.is_empty()).collect();
        tidy(&mut blocks);
        while count(&blocks) > COMPONENTS {
            shrink(&mut blocks);
        }
        if !blocks.iter().any(|block| matches!(block, Block::Text(_))) {
            let text = if text.trim().is_empty() { "…" } else { text.trim() };
            while count(&blocks) >= COMPONENTS {
                shrink(&mut blocks);
            }
            blocks.insert(0, Block::Text(text.to_owned()));
        }
        shorten(&mut blocks);
        Self { accent: self.accent.min(0xff_ffff), blocks }
    }

    /// Its texts as one.
    pub(super) fn shown(&self) -> String {
        self.blocks.iter().filter_map(Block::text).collect::<Vec<_>>().join("\n")
    }

    /// All its buttons.
    pub(super) fn buttons(&self) -> Vec<Button> {
        let rows = self.blocks.iter().filter_map(|block| match block {
            Block::Buttons(buttons) => Some(buttons.as_slice()),
            Block::Text(_) | Block::Separator => None,
        });
        rows.collect::<Vec<_>>().concat()
    }

    /// The message's `components`.
    pub(super) fn json(&self) -> Value {
        let inside: Vec<Value> = self.blocks.iter().flat_map(Block::json).collect();
        json!([{"type": 17, "accent_color": self.accent, "components": inside}])
    }
}

impl Block {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Buttons(buttons) => buttons.is_empty(),
            Self::Separator => false,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Separator | Self::Buttons(_) => None,
        }
    }

    /// How many components it is.
    fn count(&self) -> usize {
        match self {
            Self::Text(_) | Self::Separator => 1,
            Self::Buttons(buttons) => buttons.len() + buttons.len().div_ceil(IN_A_ROW),
        }
    }

    fn json(&self) -> Vec<Value> {
        match self {
            Self::Text(text) => vec![json!({"type": 10, "content": text})],
            Self::Separator => vec![json!({"type": 14})],
            Self::Buttons(buttons) => rows(buttons),
        }
    }
}

impl Button {
    /// A button that sends us a click.
    pub fn press(label: &str, style: Style, custom_id: String) -> Self {
        Self { label: label.to_owned(), style, does: Does::Press(custom_id) }
    }

    /// A button that opens a page.
    pub fn open(label: &str, url: &str) -> Self {
        Self { label: label.to_owned(), style: Style::Secondary, does: Does::Open(url.to_owned()) }
    }

    fn json(&self) -> Value {
        let style = match self.style {
            Style::Primary => 1,
            Style::Secondary => 2,
            Style::Success => 3,
            Style::Danger => 4,
        };
        match &self.does {
            Does::Press(id) => {
                json!({"type": 2, "style": style, "label": self.label, "custom_id": id})
            }
            Does::Open(url) => json!({"type": 2, "style": 5, "label": self.label, "url": url}),
        }
    }
}

/// The buttons that Discord takes, with their labels truncated. `seen`: the ids that the message has already,
/// because each must be there once only.
fn usable(buttons: Vec<Button>, seen: &mut Vec<String>) -> Vec<Button> {
    let usable = buttons.into_iter().filter_map(|button| {
        let label = label(&button.label)?;
        let does = match button.does {
            Does::Press(id) => {
                if id.is_empty() || !is_within(&id, CUSTOM_ID) || seen.contains(&id) {
                    return None;
                }
                seen.push(id.clone());
                Does::Press(id)
            }
            Does::Open(url) => Does::Open(page(&url)?),
        };
        Some(Button { label, does, ..button })
    });
    usable.collect()
}

/// Under a text message there is room for five rows.
pub(super) fn under_text(buttons: Vec<Button>) -> Vec<Button> {
    let mut usable = usable(buttons, &mut Vec::new());
    usable.truncate(BUTTONS);
    usable
}

/// Rows of buttons.
pub(super) fn rows(buttons: &[Button]) -> Vec<Value> {
    let row = |buttons: &[Button]| {
        let buttons: Vec<Value> = buttons.iter().map(Button::json).collect();
        json!({"type": 1, "components": buttons})
    };
    buttons.chunks(IN_A_ROW).map(row).collect()
}

/// A label that fits. `None`: it shows nothing.
fn label(label: &str) -> Option<String> {
    let label = label.trim();
    if is_within(label, LABEL) {
        return (!label.is_empty()).then(|| label.to_owned());
    }
    let mut left = LABEL - 1;
    let fits = |c: &char| {
        let less = left.checked_sub(c.len_utf16());
        left = less.unwrap_or_default();
        less.is_some()
    };
    Some(label.chars().take_while(fits).chain(['…']).collect())
}

/// The page's address in the form that URLs have. `None`: Discord would not open it.
fn page(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    is_within(url.as_str(), URL).then(|| url.into())
}

fn count(blocks: &[Block]) -> usize {
    // One for the container.
    1 + blocks.iter().map(Block::count).sum::<usize>()
}

/// Takes away lines that divide nothing.
fn tidy(blocks: &mut Vec<Block>) {
    blocks.dedup_by(|next, one| matches!((next, one), (Block::Separator, Block::Separator)));
    if blocks.last() == Some(&Block::Separator) {
        blocks.pop();
    }
    if blocks.first() == Some(&Block::Separator) {
        blocks.remove(0);
    }
}

/// Makes it fewer components, by what is missed least: a line, texts of their own, a button.
fn shrink(blocks: &mut Vec<Block>) {
    if let Some(line) = blocks.iter().rposition(|block| *block == Block::Separator) {
        blocks.remove(line);
        return;
    }
    let are_texts = |two: &[Block]| matches!(two, [Block::Text(_), Block::Text(_)]);
    if let Some(at) = blocks.windows(2).rposition(are_texts) {
        let after = blocks.remove(at + 1);
        if let (Some(Block::Text(text)), Block::Text(after)) = (blocks.get_mut(at), after) {
            text.push('\n');
            text.push_str(&after);
        }
        return;
    }
    let has_buttons = |block: &Block| matches!(block, Block::Buttons(_));
    if let Some(at) = blocks.iter().rposition(has_buttons) {
        if let Some(Block::Buttons(buttons)) = blocks.get_mut(at) {
            buttons.pop();
        }
        blocks.retain(|block| !block.is_empty());
    }
}

/// Leaves out lines of the longest texts, until all of them fit together.
fn shorten(blocks: &mut [Block]) {
    let whole: Vec<&str> = blocks.iter().filter_map(Block::text).collect();
    if whole.iter().map(|text| text.len()).sum::<usize>() <= TEXT && bytes(&whole) <= BYTES {
        return;
    }
    let lengths: Vec<usize> = whole.iter().map(|text| length(text)).collect();
    if lengths.iter().sum::<usize>() <= TEXT && bytes(&whole) <= BYTES {
        return;
    }
    let mut shortened = Vec::new();
    // A UTF-16 unit has at most three bytes, so the last of these fits in any script.
    for budget in (TEXT * 3 / 4..=TEXT).rev().step_by(TEXT / 40) {
        let most = share(lengths.clone(), budget);
        shortened = whole.iter().map(|text| fitted(text, most)).collect();
        if bytes(&shortened) <= BYTES {
            break;
        }
    }
    let texts = blocks.iter_mut().filter_map(|block| match block {
        Block::Text(text) => Some(text),
        Block::Separator | Block::Buttons(_) => None,
    });
    texts.zip(shortened).for_each(|(text, shortened)| *text = shortened);
}

/// How long each text may be, so that all fit into the budget and short ones stay whole.
fn share(mut lengths: Vec<usize>, budget: usize) -> usize {
    lengths.sort_unstable();
    let (mut left, mut texts) = (budget, lengths.len());
    for long in lengths {
        let each = left / texts.max(1);
        if long > each {
            return each;
        }
        (left, texts) = (left - long, texts - 1);
    }
    budget
}

fn bytes(texts: &[impl AsRef<str>]) -> usize {
    texts.iter().map(|text| text.as_ref().len() + BYTES_OF_A_TEXT).sum()
}

#[cfg(test)]
mod tests;
