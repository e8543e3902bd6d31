//! What Discord refuses in a message.

use serde_json::{Value, json};

/// A refusal: the status, Discord's error code and text, and where in the body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: u64,
    pub message: String,
    pub errors: Option<Value>,
    /// When to try again, in seconds.
    pub retry_after: Option<f64>,
}

impl Refusal {
    pub fn new(status: u16, code: u64, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), errors: None, retry_after: None }
    }

    /// 400 with code 50035, at a place in the body written as `embeds.0.title`.
    pub fn form(place: &str, code: &str, why: &str) -> Self {
        let mut errors = json!({"_errors": [{"code": code, "message": why}]});
        for part in place.split('.').rev().filter(|part| !part.is_empty()) {
            errors = json!({part: errors});
        }
        Self { errors: Some(errors), ..Self::new(400, 50035, "Invalid Form Body") }
    }

    pub fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        if let Some(retry_after) = self.retry_after {
            body["retry_after"] = json!(retry_after);
        }
        body
    }

    /// All in one line.
    pub fn why(&self) -> String {
        match &self.errors {
            Some(errors) => format!("{}: {errors}", self.message),
            None => self.message.clone(),
        }
    }
}

type Checked = Result<(), Refusal>;

pub(super) const SUPPRESS_EMBEDS: u64 = 1 << 2;
pub(super) const EPHEMERAL: u64 = 1 << 6;
pub(super) const LOADING: u64 = 1 << 7;
pub(super) const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
pub(super) const COMPONENTS_V2: u64 = 1 << 15;

/// Flags that a new message may set.
pub(super) const NEW: u64 = SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2;
/// Flags that a message to the channel may set: everybody sees it.
pub(super) const CHANNEL: u64 = NEW & !EPHEMERAL;
/// Flags that an edit may set.
pub(super) const EDIT: u64 = SUPPRESS_EMBEDS | COMPONENTS_V2;

/// Checks a message's body, whose flags may be these. `was_v2`: an edit of a message of components.
pub(super) fn check(body: &Value, allowed: u64, was_v2: bool) -> Checked {
    if !body.is_object() {
        return Err(Refusal::new(400, 50109, "The request body contains invalid JSON."));
    }
    let flags = flags(body, allowed)?;
    length(body, "", "content", 2000)?;
    embeds(&body["embeds"])?;
    mentions(&body["allowed_mentions"])?;
    let v2 = was_v2 || flags & COMPONENTS_V2 != 0;
    if v2 {
        for field in ["content", "embeds", "poll"] {
            let value = &body[field];
            let empty = value.is_null() || value == "" || value == &json!([]);
            if !empty {
                let why = "The 'content', 'embeds' and 'poll' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2";
                return Err(Refusal::form(
                    field,
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    why,
                ));
            }
        }
    }
    components(&body["components"], v2)
}

/// Reads the flags; others than these are refused.
pub(super) fn flags(body: &Value, allowed: u64) -> Result<u64, Refusal> {
    match &body["flags"] {
        Value::Null => Ok(0),
        flags => match flags.as_u64() {
            Some(flags) if flags & !allowed == 0 => Ok(flags),
            Some(flags) => {
                let why = format!("The flags {} cannot be set here.", flags & !allowed);
                Err(Refusal::form("flags", "BASE_TYPE_INVALID", &why))
            }
            None => Err(Refusal::form("flags", "NUMBER_TYPE_COERCE", "Value is not an int.")),
        },
    }
}

/// Discord's answer to a message with nothing to show.
pub(super) fn empty() -> Refusal {
    Refusal::new(400, 50006, "Cannot send an empty message")
}

fn place(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

/// Checks a text's length in characters; returns it.
fn length(holder: &Value, at: &str, field: &str, most: usize) -> Result<usize, Refusal> {
    let at = place(at, field);
    match &holder[field] {
        Value::Null => Ok(0),
        Value::String(text) => {
            let long = text.chars().count();
            if long > most {
                let why = format!("Must be {most} or fewer in length.");
                return Err(Refusal::form(&at, "BASE_TYPE_MAX_LENGTH", &why));
            }
            Ok(long)
        }
        _ => Err(Refusal::form(&at, "STRING_TYPE_CONVERT", "Could not interpret value as string.")),
    }
}

fn list<'a>(value: &'a Value, at: &str, most: usize) -> Result<&'a [Value], Refusal> {
    match value {
        Value::Null => Ok(&[]),
        Value::Array(items) if items.len() <= most => Ok(items),
        Value::Array(_) => {
            let why = format!("Must be {most} or fewer in length.");
            Err(Refusal::form(at, "BASE_TYPE_MAX_LENGTH", &why))
        }
        _ => {
            Err(Refusal::form(at, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType."))
        }
    }
}

fn embeds(value: &Value) -> Checked {
    let mut all = 0;
    for (index, embed) in list(value, "embeds", 10)?.iter().enumerate() {
        let at = format!("embeds.{index}");
        if !embed.is_object() {
            let why = "Only dictionaries may be used in a DictType";
            return Err(Refusal::form(&at, "DICT_TYPE_CONVERT", why));
        }
        all += length(embed, &at, "title", 256)?;
        all += length(embed, &at, "description", 4096)?;
        all += length(&embed["footer"], &place(&at, "footer"), "text", 2048)?;
        all += length(&embed["author"], &place(&at, "author"), "name", 256)?;
        let fields = place(&at, "fields");
        for (index, field) in list(&embed["fields"], &fields, 25)?.iter().enumerate() {
            let at = format!("{fields}.{index}");
            for (part, most) in [("name", 256), ("value", 1024)] {
                all += length(field, &at, part, most)?;
                if field[part].as_str().is_none_or(|text| text.trim().is_empty()) {
                    let why = "This field is required";
                    return Err(Refusal::form(&place(&at, part), "BASE_TYPE_REQUIRED", why));
                }
            }
        }
        if let Some(color) =
            embed["color"].as_i64().filter(|color| !(0..=0xff_ffff).contains(color))
        {
            let why = format!("int value {color} should be between 0 and 16777215.");
            return Err(Refusal::form(&place(&at, "color"), "NUMBER_TYPE_MAX", &why));
        }
    }
    if all > 6000 {
        let why = "Embed size exceeds maximum size of 6000";
        return Err(Refusal::form("embeds", "MAX_EMBED_SIZE_EXCEEDED", why));
    }
    Ok(())
}

fn mentions(value: &Value) -> Checked {
    let at = "allowed_mentions";
    if value.is_null() {
        return Ok(());
    }
    let parse = list(&value["parse"], "allowed_mentions.parse", 3)?;
    for kind in parse {
        if !matches!(kind.as_str(), Some("users" | "roles" | "everyone")) {
            let why = "Value must be one of ('users', 'roles', 'everyone').";
            return Err(Refusal::form("allowed_mentions.parse", "BASE_TYPE_CHOICES", why));
        }
    }
    for kind in ["users", "roles"] {
        let place = place(at, kind);
        let ids = list(&value[kind], &place, 100)?;
        if !ids.is_empty() && parse.iter().any(|parsed| parsed == kind) {
            let why = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            return Err(Refusal::form(at, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", &why));
        }
        if let Some(id) =
            ids.iter().find(|id| id.as_str().is_none_or(|id| id.parse::<u64>().is_err()))
        {
            let why = format!("Value \"{id}\" is not snowflake.");
            return Err(Refusal::form(&place, "NUMBER_TYPE_COERCE", &why));
        }
    }
    Ok(())
}

fn components(value: &Value, v2: bool) -> Checked {
    let rows = list(value, "components", if v2 { 40 } else { 5 })?;
    let mut count = 0;
    for (index, row) in rows.iter().enumerate() {
        let at = format!("components.{index}");
        if !v2 && row["type"] != 1 {
            let why = "Only an action row can stand here without IS_COMPONENTS_V2.";
            return Err(Refusal::form(&place(&at, "type"), "UNION_TYPE_CHOICES", why));
        }
        component(row, &at, &mut count)?;
    }
    if count > 40 {
        let why = "The total number of components must be 40 or fewer.";
        return Err(Refusal::form("components", "BASE_TYPE_MAX_LENGTH", why));
    }
    Ok(())
}

fn component(value: &Value, at: &str, count: &mut usize) -> Checked {
    *count += 1;
    length(value, at, "custom_id", 100)?;
    if value["custom_id"] == "" {
        let why = "Must be between 1 and 100 in length.";
        return Err(Refusal::form(&place(at, "custom_id"), "BASE_TYPE_BAD_LENGTH", why));
    }
    if value["type"] == 2 {
        length(value, at, "label", 80)?;
        let link = value["style"] == 5;
        if link == value["url"].is_null() || link != value["custom_id"].is_null() {
            let why = "A link button has a url, any other a custom_id.";
            return Err(Refusal::form(at, "BUTTON_COMPONENT_INVALID", why));
        }
    }
    let inside = place(at, "components");
    let most = if value["type"] == 1 { 5 } else { 40 };
    for (index, child) in list(&value["components"], &inside, most)?.iter().enumerate() {
        component(child, &format!("{inside}.{index}"), count)?;
    }
    if value["accessory"].is_object() {
        component(&value["accessory"], &place(at, "accessory"), count)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_and_where() {
        let long = "x".repeat(2001);
        let field = json!({"name": "n", "value": "v".repeat(1024)});
        let button = json!({"type": 2, "style": 1, "custom_id": "c".repeat(101)});
        for (body, place) in [
            (json!({"content": long}), "/content"),
            (json!({"content": 1}), "/content"),
            (json!({"embeds": vec![json!({}); 11]}), "/embeds"),
            (json!({"embeds": ["x"]}), "/embeds/0"),
            (json!({"embeds": [{"title": "t".repeat(257)}]}), "/embeds/0/title"),
            (
                json!({"embeds": [{"fields": [{"name": " ", "value": "v"}]}]}),
                "/embeds/0/fields/0/name",
            ),
            (json!({"embeds": [{"fields": vec![field; 6]}]}), "/embeds"),
            (json!({"flags": 1 << 20}), "/flags"),
            (
                json!({"allowed_mentions": {"parse": ["users"], "users": ["1"]}}),
                "/allowed_mentions",
            ),
            (json!({"allowed_mentions": {"parse": ["user"]}}), "/allowed_mentions/parse"),
            (json!({"components": vec![json!({"type": 1}); 6]}), "/components"),
            (
                json!({"components": [{"type": 1, "components": [button]}]}),
                "/components/0/components/0/custom_id",
            ),
            (json!({"flags": COMPONENTS_V2, "content": "x"}), "/content"),
        ] {
            let refusal = check(&body, NEW, false).unwrap_err();
            assert_eq!((refusal.status, refusal.code), (400, 50035), "{body}");
            let errors = refusal.errors.unwrap();
            let found = errors.pointer(place).map(|errors| errors["_errors"].is_array());
            assert_eq!(found, Some(true), "{place}: {errors}");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let body = json!({"content": "ü".repeat(2000)});
        assert_eq!(check(&body, NEW, false), Ok(()));
    }
}
