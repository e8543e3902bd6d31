//! Forms: what Discord refuses of them, and what it sends when somebody fills one in.
//!
//! <https://docs.discord.com/developers/components/using-modal-components>

use super::{
    components::{Seen, between},
    refusal::{Checked, Refusal, length, list, place},
};
use serde_json::{Value, json};

const ROW: u64 = 1;
const TEXT_INPUT: u64 = 4;
const TEXT_DISPLAY: u64 = 10;
const LABEL: u64 = 18;
/// What else can stand in a label: menus, a file, radio buttons, checkboxes.
const OTHERS: [u64; 9] = [3, 5, 6, 7, 8, 19, 21, 22, 23];

/// Checks a form.
pub(super) fn check(modal: &Value) -> Checked {
    let mut seen = Seen::default();
    between(modal, "data", "title", 1, 45)?;
    between(modal, "data", "custom_id", 1, 100)?;
    let at = "data.components";
    let all = list(&modal["components"], at, 5)?;
    if all.is_empty() {
        let why = "Must be between 1 and 5 in length.";
        return Err(Refusal::form(at, "BASE_TYPE_BAD_LENGTH", why));
    }
    for (index, one) in all.iter().enumerate() {
        let at = place(at, &index.to_string());
        match one["type"].as_u64() {
            Some(TEXT_DISPLAY) => {
                between(one, &at, "content", 1, 4000)?;
            }
            Some(LABEL) => {
                between(one, &at, "label", 1, 45)?;
                length(one, &at, "description", 100)?;
                let inside = &one["component"];
                let at = place(&at, "component");
                if !inside["label"].is_null() {
                    let why = "A label has the text, not what is in it.";
                    return Err(Refusal::form(&place(&at, "label"), "BASE_TYPE_INVALID", why));
                }
                input(inside, &at, &mut seen)?;
            }
            Some(ROW) => {
                let [inside] = list(&one["components"], &place(&at, "components"), 1)? else {
                    return Err(not_here(&at));
                };
                let at = place(&at, "components.0");
                between(inside, &at, "label", 1, 45)?;
                input(inside, &at, &mut seen)?;
            }
            _ => return Err(not_here(&at)),
        }
    }
    Ok(())
}

fn input(value: &Value, at: &str, seen: &mut Seen) -> Checked {
    let kind = value["type"].as_u64();
    if !value["disabled"].is_null() {
        let why = "A form has no disabled components.";
        return Err(Refusal::form(&place(at, "disabled"), "BASE_TYPE_INVALID", why));
    }
    if kind == Some(TEXT_INPUT) {
        if !matches!(value["style"].as_u64(), Some(1 | 2)) {
            let why = "Value must be one of {1, 2}.";
            return Err(Refusal::form(&place(at, "style"), "BASE_TYPE_CHOICES", why));
        }
        length(value, at, "placeholder", 100)?;
        length(value, at, "value", 4000)?;
    } else if !kind.is_some_and(|kind| OTHERS.contains(&kind)) {
        return Err(not_here(at));
    }
    seen.custom_id(value, at)
}

fn not_here(at: &str) -> Refusal {
    let why = "This component cannot stand in a form.";
    Refusal::form(&place(at, "type"), "UNION_TYPE_CHOICES", why)
}

/// The `data` that Discord sends once a form is filled in, or why it cannot be sent. `fields`: the `custom_id` of
/// each text input that was filled in, and the text.
pub(super) fn filled(modal: &Value, fields: &[(&str, &str)]) -> Result<Value, String> {
    let mut left: Vec<&(&str, &str)> = fields.iter().collect();
    let mut fill = |input: &Value| -> Result<Value, String> {
        let id = input["custom_id"].as_str().unwrap_or_default();
        let given = left.iter().position(|(field, _)| *field == id).map(|at| left.remove(at).1);
        let value = given.or(input["value"].as_str()).unwrap_or_default();
        let long = value.chars().count() as u64;
        // What is not said is required.
        let least = input["min_length"].as_u64().unwrap_or(u64::from(input["required"] != false));
        let most = input["max_length"].as_u64().unwrap_or(4000);
        let may_be_empty = input["required"] == false && value.is_empty();
        if !may_be_empty && !(least.max(1)..=most).contains(&long) {
            return Err(format!("{id} must have {least} to {most} characters"));
        }
        Ok(json!({"type": TEXT_INPUT, "custom_id": id, "value": value, "id": 0}))
    };
    let mut components = Vec::new();
    for (one, id) in modal["components"].as_array().into_iter().flatten().zip(1..) {
        let kind = &one["type"];
        components.push(match kind.as_u64() {
            Some(LABEL) => {
                json!({"type": kind, "id": id, "component": fill(&one["component"])?})
            }
            Some(ROW) => {
                json!({"type": kind, "id": id, "components": [fill(&one["components"][0])?]})
            }
            _ => json!({"type": kind, "id": id}),
        });
    }
    match left.first() {
        Some((field, _)) => Err(format!("the form has no field {field}")),
        None => Ok(json!({"custom_id": modal["custom_id"], "components": components})),
    }
}
