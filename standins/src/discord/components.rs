//! Components: what Discord refuses of them, and what a person sees.
//!
//! <https://docs.discord.com/developers/components/reference>

use super::refusal::{Checked, Refusal, length, list, place};
use serde::Serialize;
use serde_json::{Value, json};

/// Components of a message in all.
const MOST: usize = 40;
/// Characters over all texts of a message.
const TEXT: usize = 4000;

const ROW: u64 = 1;
const BUTTON: u64 = 2;
const SELECTS: [u64; 5] = [3, 5, 6, 7, 8];
const SECTION: u64 = 9;
const TEXT_DISPLAY: u64 = 10;
const THUMBNAIL: u64 = 11;
const GALLERY: u64 = 12;
const FILE: u64 = 13;
const SEPARATOR: u64 = 14;
const CONTAINER: u64 = 17;
/// What can stand in a container; at the top of a message a container as well.
const IN_A_CONTAINER: [u64; 6] = [ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR];

/// Which components Discord takes, as a test decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Components {
    /// All, as it does.
    #[default]
    All,
    /// Only buttons under a text: the flag of Components V2 is refused.
    Buttons,
    /// None.
    None,
}

/// A button as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// 1 blurple, 2 grey, 3 green, 4 red, 5 a link.
    pub style: u64,
    /// Whether it cannot be pressed.
    pub disabled: bool,
    /// What the bot has named it; a link has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// All texts of components, one below the other.
pub(super) fn text(components: &[Value]) -> String {
    let mut all = Vec::new();
    walk(components, &mut |component| {
        if component["type"] == TEXT_DISPLAY {
            all.extend(component["content"].as_str());
        }
    });
    all.join("\n")
}

/// All buttons, in reading order.
pub(super) fn buttons(components: &[Value]) -> Vec<Button> {
    let mut all = Vec::new();
    walk(components, &mut |component| {
        if component["type"] == BUTTON {
            let text = |field: &str| component[field].as_str().map(str::to_owned);
            all.push(Button {
                label: text("label").unwrap_or_default(),
                style: component["style"].as_u64().unwrap_or_default(),
                disabled: component["disabled"] == true,
                custom_id: text("custom_id"),
                url: text("url"),
            });
        }
    });
    all
}

/// The components as the API shows them: each has an id.
pub(super) fn shown(components: &[Value]) -> Value {
    fn number(component: &mut Value, next: &mut u64) {
        *next += 1;
        let id = *next;
        let Some(object) = component.as_object_mut() else { return };
        object.entry("id").or_insert(json!(id));
        for inside in ["components", "accessory"] {
            match object.get_mut(inside) {
                Some(Value::Array(all)) => all.iter_mut().for_each(|one| number(one, next)),
                Some(one) => number(one, next),
                None => {}
            }
        }
    }
    let (mut all, mut last) = (components.to_vec(), 0);
    all.iter_mut().for_each(|component| number(component, &mut last));
    all.into()
}

fn walk<'a>(components: &'a [Value], see: &mut impl FnMut(&'a Value)) {
    for component in components {
        see(component);
        walk(component["components"].as_array().map_or(&[], Vec::as_slice), see);
        if component["accessory"].is_object() {
            walk(std::slice::from_ref(&component["accessory"]), see);
        }
    }
}

/// Checks a message's components. `v2`: it is a message of components.
pub(super) fn check(value: &Value, v2: bool) -> Checked {
    let all = list(value, "components", if v2 { MOST } else { 5 })?;
    let mut seen = Seen::default();
    for (index, one) in all.iter().enumerate() {
        let at = format!("components.{index}");
        let fits = match kind(one, &at)? {
            ROW => true,
            CONTAINER => v2,
            kind => v2 && IN_A_CONTAINER.contains(&kind),
        };
        if !fits {
            let why = "This component cannot stand here, or not without IS_COMPONENTS_V2.";
            return Err(Refusal::form(&place(&at, "type"), "UNION_TYPE_CHOICES", why));
        }
        seen.component(one, &at)?;
    }
    if v2 && seen.count > MOST {
        let why = "The total number of components must be 40 or fewer.";
        return Err(Refusal::form("components", "BASE_TYPE_MAX_LENGTH", why));
    }
    if seen.text > TEXT {
        let why = "The total length of all text displays must be 4000 or fewer.";
        return Err(Refusal::form("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", why));
    }
    Ok(())
}

fn kind(component: &Value, at: &str) -> Result<u64, Refusal> {
    component["type"].as_u64().ok_or_else(|| {
        let why = "This field is required";
        Refusal::form(&place(at, "type"), "BASE_TYPE_REQUIRED", why)
    })
}

/// What was seen of a message so far.
#[derive(Default)]
pub(super) struct Seen {
    count: usize,
    text: usize,
    ids: Vec<String>,
}

impl Seen {
    fn component(&mut self, value: &Value, at: &str) -> Checked {
        self.count += 1;
        match kind(value, at)? {
            ROW => self.row(value, at),
            BUTTON => self.button(value, at),
            SECTION => {
                self.inside(value, at, 1..=3, |kind| kind == TEXT_DISPLAY)?;
                let at = place(at, "accessory");
                match kind(&value["accessory"], &at)? {
                    BUTTON | THUMBNAIL => self.component(&value["accessory"], &at),
                    _ => Err(not_here(&at)),
                }
            }
            TEXT_DISPLAY => {
                self.text += between(value, at, "content", 1, TEXT)?;
                Ok(())
            }
            CONTAINER => {
                let colour = &value["accent_color"];
                let is_colour = colour.as_u64().is_some_and(|colour| colour <= 0xff_ffff);
                if !colour.is_null() && !is_colour {
                    let why = format!("int value {colour} should be between 0 and 16777215.");
                    let at = place(at, "accent_color");
                    return Err(Refusal::form(&at, "NUMBER_TYPE_MAX", &why));
                }
                self.inside(value, at, 1..=MOST, |kind| IN_A_CONTAINER.contains(&kind))
            }
            kind if SELECTS.contains(&kind) => self.custom_id(value, at),
            THUMBNAIL | GALLERY | FILE | SEPARATOR => Ok(()),
            _ => Err(not_here(at)),
        }
    }

    fn row(&mut self, value: &Value, at: &str) -> Checked {
        let row = value["components"].as_array();
        let is_select = |one: &Value| one["type"].as_u64().is_some_and(|it| SELECTS.contains(&it));
        let most = if row.is_some_and(|row| row.iter().any(is_select)) { 1 } else { 5 };
        self.inside(value, at, 1..=most, |kind| kind == BUTTON || SELECTS.contains(&kind))
    }

    fn inside(
        &mut self,
        value: &Value,
        at: &str,
        count: std::ops::RangeInclusive<usize>,
        fits: impl Fn(u64) -> bool,
    ) -> Checked {
        let at = place(at, "components");
        let all = list(&value["components"], &at, *count.end())?;
        if !count.contains(&all.len()) {
            let (least, most) = (count.start(), count.end());
            let why = format!("Must be between {least} and {most} in length.");
            return Err(Refusal::form(&at, "BASE_TYPE_BAD_LENGTH", &why));
        }
        for (index, one) in all.iter().enumerate() {
            let at = place(&at, &index.to_string());
            if !fits(kind(one, &at)?) {
                return Err(not_here(&at));
            }
            self.component(one, &at)?;
        }
        Ok(())
    }

    fn button(&mut self, value: &Value, at: &str) -> Checked {
        let style = value["style"].as_u64().filter(|style| (1..=6).contains(style));
        let style = style.ok_or_else(|| {
            let why = "Value must be one of {1, 2, 3, 4, 5, 6}.";
            Refusal::form(&place(at, "style"), "BASE_TYPE_CHOICES", why)
        })?;
        let shows = length(value, at, "label", 80)? > 0 || value["emoji"].is_object();
        if !shows && style != 6 {
            let why = "A button must have a label or an emoji.";
            return Err(Refusal::form(at, "BUTTON_COMPONENT_INVALID_EMOJI_OR_LABEL", why));
        }
        let has = |field: &str| !value[field].is_null();
        let needs = match style {
            5 => "url",
            6 => "sku_id",
            _ => "custom_id",
        };
        for field in ["custom_id", "url", "sku_id"] {
            if has(field) != (field == needs) {
                let why = format!("A button of style {style} has a {needs} and nothing else.");
                return Err(Refusal::form(at, "BUTTON_COMPONENT_INVALID", &why));
            }
        }
        match style {
            5 => page(value, at),
            6 => Ok(()),
            _ => self.custom_id(value, at),
        }
    }

    pub fn custom_id(&mut self, value: &Value, at: &str) -> Checked {
        between(value, at, "custom_id", 1, 100)?;
        let id = value["custom_id"].as_str().unwrap_or_default().to_owned();
        if self.ids.contains(&id) {
            let why = "Component custom id cannot be duplicated";
            let at = place(at, "custom_id");
            return Err(Refusal::form(&at, "COMPONENT_CUSTOM_ID_DUPLICATED", why));
        }
        self.ids.push(id);
        Ok(())
    }
}

fn page(value: &Value, at: &str) -> Checked {
    length(value, at, "url", 512)?;
    let url = value["url"].as_str().unwrap_or_default();
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if matches!(scheme, Some("http" | "https" | "discord")) {
        return Ok(());
    }
    let why = format!(
        "Scheme {:?} is not supported. Scheme must be one of ('http', 'https', 'discord').",
        scheme.unwrap_or_default()
    );
    Err(Refusal::form(&place(at, "url"), "URL_TYPE_INVALID_SCHEME", &why))
}

/// Checks the length of a text that must be there.
pub(super) fn between(
    holder: &Value,
    at: &str,
    field: &str,
    least: usize,
    most: usize,
) -> Result<usize, Refusal> {
    let long = length(holder, at, field, most)?;
    let blank = holder[field].as_str().is_none_or(|text| text.trim().is_empty());
    if long < least || (least > 0 && blank) {
        let why = format!("Must be between {least} and {most} in length.");
        return Err(Refusal::form(&place(at, field), "BASE_TYPE_BAD_LENGTH", &why));
    }
    Ok(long)
}

fn not_here(at: &str) -> Refusal {
    let why = "This component cannot stand here.";
    Refusal::form(&place(at, "type"), "UNION_TYPE_CHOICES", why)
}
