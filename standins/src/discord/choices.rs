//! Which choices Discord takes as suggestions for an option.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#autocomplete>

use serde_json::Value;

/// The type of the option that is being typed.
pub(super) fn focused(options: &Value) -> Option<u64> {
    options.as_array()?.iter().find_map(|option| {
        if option["focused"] == true {
            option["type"].as_u64()
        } else {
            focused(&option["options"])
        }
    })
}

/// Checks the choices for an option of this type.
pub(super) fn check(choices: &Value, kind: u64) -> Result<(), String> {
    let choices = choices.as_array().ok_or("data.choices is missing")?;
    if choices.len() > 25 {
        return Err("there are more than 25 choices".into());
    }
    for (index, choice) in choices.iter().enumerate() {
        let within = |field: &str| {
            let text = choice[field].as_str();
            text.is_some_and(|text| (1..=100).contains(&text.chars().count()))
        };
        if !within("name") {
            return Err(format!("data.choices.{index}.name must have 1 to 100 characters"));
        }
        let value = &choice["value"];
        let fits = match kind {
            4 => value.is_i64() || value.is_u64(),
            10 => value.is_number(),
            _ => within("value"),
        };
        if !fits {
            return Err(format!("data.choices.{index}.value does not fit the option: {value}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn choices_have_limits() {
        let of = |choice: Value| json!([choice]);
        let long = "x".repeat(101);
        assert_eq!(check(&json!([]), 3), Ok(()));
        assert_eq!(check(&of(json!({"name": "main", "value": "main"})), 3), Ok(()));
        assert_eq!(check(&of(json!({"name": "#1", "value": 1})), 4), Ok(()));
        for (choices, kind) in [
            (Value::Null, 3),
            (json!(vec![json!({"name": "a", "value": "a"}); 26]), 3),
            (of(json!({"name": "", "value": "a"})), 3),
            (of(json!({"name": long, "value": "a"})), 3),
            (of(json!({"name": "a", "value": long})), 3),
            (of(json!({"name": "a", "value": 1})), 3),
            (of(json!({"name": "a", "value": "1"})), 4),
        ] {
            assert!(check(&choices, kind).is_err(), "{choices}");
        }
    }
}
