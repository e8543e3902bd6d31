//! Suggestions for an option while somebody types it.

use super::{Discord, Interaction, User, command_payload, typing};
use serde_json::{Value, json};

impl Discord {
    /// What Discord sends while this user types this: `|` stands where the cursor is, in the value
    /// of an option that offers suggestions, as in `/deploy-client ref:rel|`.
    pub fn autocomplete(&self, by: &User, text: &str) -> Result<Interaction, String> {
        let now = self.shared.clock.now();
        let payload = {
            let mut state = self.state();
            let data = typing::partial(&state.commands.typable(), text)?;
            let id = state.conversation.ids.next(now);
            let mut payload = command_payload(&id, by, data);
            payload["type"] = json!(4);
            payload
        };
        Ok(self.signed(payload))
    }

    /// The names of the commands that the client shows to this user, by their
    /// `default_member_permissions`. Discord's servers refuse the others; [`Discord::interaction`]
    /// does not, so that a test sees what the bot itself refuses.
    pub fn shown(&self, to: &User) -> Vec<String> {
        const ADMINISTRATOR: u64 = 1 << 3;
        let has: u64 = to.permissions.parse().unwrap_or_default();
        let state = self.state();
        let shown = state.commands.typable().into_iter().filter(|command| {
            let needed = &command["default_member_permissions"];
            let needed = needed.as_str().and_then(|bits| bits.parse::<u64>().ok());
            has & ADMINISTRATOR != 0 || needed.is_none_or(|bits| bits != 0 && has & bits == bits)
        });
        shown.filter_map(|command| command["name"].as_str().map(str::to_owned)).collect()
    }
}

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
