//! Who sent a request, by its `authorization` header.

use super::{
    jwt,
    permission::{self, Granted},
    state::State,
    wire::Refusal,
};
use crate::server::Received;
use chrono::{DateTime, Utc};

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The account of the scenario, with its token.
    Account,
    /// The App itself, with a JWT.
    App,
    /// The App's installation, with the token of this number.
    Installation(usize),
}

impl Caller {
    /// What the caller may do in a repository.
    pub fn granted(self, state: &State) -> Granted {
        let mut granted = permission::granted(&state.scenario.denied);
        if let Caller::Installation(index) = self {
            let issued = &state.issued[index].granted;
            granted.retain(|name, _| issued.contains_key(name));
            for (name, level) in &mut granted {
                *level = (*level).min(issued[name]);
            }
        }
        granted
    }

    /// What GitHub says when the caller may not.
    pub fn forbidden(self) -> &'static str {
        match self {
            Caller::Account => "Resource not accessible by personal access token",
            Caller::App | Caller::Installation(_) => "Resource not accessible by integration",
        }
    }
}

/// Reads who asks from the `authorization` header.
pub(super) fn caller(
    state: &State,
    now: DateTime<Utc>,
    request: &Received,
) -> Result<Caller, Refusal> {
    let bad = || (401, "Bad credentials".to_owned());
    let token = request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or_else(bad)?;
    if token == state.scenario.token {
        return Ok(Caller::Account);
    }
    if let Some(index) = state.issued.iter().position(|issued| issued.token == token) {
        let issued = &state.issued[index];
        if let Some((lag, status)) = state.scenario.token_lag
            && now < issued.begins + lag
        {
            return Err(match status {
                401 => bad(),
                403 => (403, Caller::Installation(index).forbidden().to_owned()),
                other => (other, "Not Found".to_owned()),
            });
        }
        let alive = now < issued.ends && state.scenario.installed;
        return if alive { Ok(Caller::Installation(index)) } else { Err(bad()) };
    }
    if token.split('.').count() == 3 {
        jwt::verify(token, now + state.scenario.clock_skew)?;
        return Ok(Caller::App);
    }
    Err(bad())
}
