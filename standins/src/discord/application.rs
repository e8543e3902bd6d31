//! The application's own settings.
//!
//! <https://docs.discord.com/developers/resources/application#edit-current-application>

use super::{refusal::Refusal, state::State};
use crate::server::Answer;
use serde_json::Value;

/// Changes the application.
pub(super) fn change(state: &mut State, body: &Value) -> Result<Answer, Refusal> {
    match &body["interactions_endpoint_url"] {
        Value::Null => state.endpoint = None,
        Value::String(url) if state.verified.as_ref() == Some(url) => {
            state.endpoint = Some(url.clone());
        }
        _ => {
            let why = "The specified interactions endpoint url could not be verified.";
            let code = "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID";
            return Err(Refusal::form("interactions_endpoint_url", code, why));
        }
    }
    Ok(Answer::json(200, &state.application()))
}
