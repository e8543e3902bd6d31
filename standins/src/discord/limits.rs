//! What Discord refuses in a message.

use super::components;
pub(super) use super::refusal::Refusal;
use super::refusal::{Checked, length, list, place};
use serde_json::{Value, json};

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
                return Err(legacy(field));
            }
        }
    }
    components::check(&body["components"], v2)
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

/// Discord's answer to a field that a message of components cannot have.
pub(super) fn legacy(field: &str) -> Refusal {
    let why = "The 'content', 'embeds' and 'poll' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2";
    Refusal::form(field, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", why)
}

/// Discord's answer to a message with nothing to show.
pub(super) fn empty() -> Refusal {
    Refusal::new(400, 50006, "Cannot send an empty message")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_and_where() {
        let long = "x".repeat(2001);
        let field = json!({"name": "n", "value": "v".repeat(1024)});
        let button = json!({"type": 2, "style": 1, "label": "l", "custom_id": "c".repeat(101)});
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
