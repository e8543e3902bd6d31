//! Reads the parts of an interaction. The error names a part that must be there and is not.

use serde_json::Value;

use crate::discord::interaction_id::InteractionId;
use crate::discord::token::InteractionToken;
use crate::secrets::Secret;

/// A signed body that is not an interaction we can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// The body is not a JSON object with a numeric `type`.
    #[error("the body is not an interaction")]
    NotAnInteraction,
    /// A command without this part, or with a part of the wrong type.
    #[error("the command has no usable {0}")]
    Command(&'static str),
    /// The same of a press of a button.
    #[error("the click has no usable {0}")]
    Click(&'static str),
}

/// The interaction's id.
pub(super) fn id(value: &Value) -> Option<InteractionId> {
    snowflake(value.get("id")).map(InteractionId)
}

/// The token, with the application that it is of. Both become segments of a URL's path: the token must have no
/// special characters, and an application's id that is no snowflake is left out.
pub(super) fn token(value: &Value) -> Option<InteractionToken> {
    let token = value.get("token")?.as_str()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~=+:".contains(&b);
    let dots = token.bytes().all(|b| b == b'.');
    let token = (!dots && token.bytes().all(plain)).then(|| Secret::new(token))?;
    let application_id = snowflake(value.get("application_id")).filter(|id| *id > 0);
    Some(InteractionToken { application_id, token })
}

pub(super) fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

/// Discord sends snowflakes as strings. Numbers are accepted too.
pub(in crate::discord) fn snowflake(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(s) => s.parse().ok(),
        n => n.as_u64(),
    }
}

/// An integer. Discord may send it as `5.0`.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    /// Up to this magnitude a double holds every integer exactly, as in JavaScript.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and exact")]
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
    })
}
