//! What a button of a deploy's message says when it is pressed.
//!
//! It names only what is wanted, of which deploy, and how that stood when the button was made. Everything else is
//! looked up again, so forging one gains nothing.

use std::fmt;
use std::str::FromStr;

use super::click::Action;
use super::key::DeployKey;
use super::record::{Deploy, Phase};
use crate::discord::InteractionId;

/// The form of the text. A later version that means something else takes another.
const FORM: &str = "deckhand1";

/// What a button asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// What is wanted.
    pub wants: Wants,
    /// Of which deploy.
    pub key: DeployKey,
    /// How the deploy stood. If it stands otherwise now, nothing is done.
    pub epoch: Epoch,
}

/// What a button is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Something is done to the run.
    Act(Action),
    /// A roll back that was confirmed.
    RollBackNow,
    /// The question whether to roll back goes away.
    Dismiss,
    /// The message is brought up to date.
    Refresh,
}

/// How a deploy stands, as far as that decides what can be done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Whether its end is known.
    pub ended: bool,
    /// The attempt of its run.
    pub attempt: u64,
}

impl Epoch {
    /// How a deploy stands now.
    pub fn of(deploy: &Deploy) -> Self {
        let ended = matches!(deploy.phase, Phase::Ending(_) | Phase::Ended(_));
        Self { ended, attempt: deploy.attempt() }
    }
}

impl Wants {
    const ALL: [Self; 7] = [
        Self::Act(Action::Cancel),
        Self::Act(Action::ForceCancel),
        Self::Act(Action::Rerun),
        Self::Act(Action::RollBack),
        Self::RollBackNow,
        Self::Dismiss,
        Self::Refresh,
    ];

    /// In one word, for the button and the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Act(action) => action.word(),
            Self::RollBackNow => "roll_back_now",
            Self::Dismiss => "dismiss",
            Self::Refresh => "refresh",
        }
    }
}

/// The part of the text that names the deploy: all buttons of its message have it.
pub(super) fn names(key: &DeployKey) -> String {
    format!("/{}/{}/", key.agent, key.interaction_id)
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, attempt) = (if self.epoch.ended { 'e' } else { 'r' }, self.epoch.attempt);
        let DeployKey { agent, interaction_id } = &self.key;
        write!(f, "{FORM}/{}/{agent}/{interaction_id}/{state}{attempt}", self.wants.word())
    }
}

impl FromStr for Press {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split('/').collect();
        let [FORM, wants, agent, interaction_id, epoch] = parts[..] else { return Err(()) };
        let wants = Wants::ALL.into_iter().find(|known| known.word() == wants).ok_or(())?;
        let (ended, attempt) = match (epoch.strip_prefix('e'), epoch.strip_prefix('r')) {
            (Some(attempt), _) => (true, attempt),
            (_, Some(attempt)) => (false, attempt),
            _ => return Err(()),
        };
        Ok(Self {
            wants,
            key: DeployKey {
                agent: agent.to_owned(),
                interaction_id: InteractionId(interaction_id.parse().map_err(drop)?),
            },
            epoch: Epoch { ended, attempt: attempt.parse().map_err(drop)? },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn what_was_written_is_read() {
        for wants in Wants::ALL {
            for ended in [true, false] {
                let key =
                    DeployKey { agent: "a".repeat(32), interaction_id: InteractionId(u64::MAX) };
                let press = Press { wants, key, epoch: Epoch { ended, attempt: 51 } };
                let text = press.to_string();
                assert!(text.len() <= 100, "{text}");
                assert_eq!(text.parse(), Ok(press));
            }
        }
    }

    #[rstest]
    #[case("")]
    #[case("deckhand1/cancel/client/7")]
    #[case("deckhand1/cancel/client/7/r1/more")]
    #[case("deckhand1/explode/client/7/r1")]
    #[case("deckhand2/cancel/client/7/r1")]
    #[case("deckhand1/cancel/client/x/r1")]
    #[case("deckhand1/cancel/client/7/x1")]
    #[case("deckhand1/cancel/client/7/r")]
    #[case("deckhand1/cancel/client/7/r-1")]
    fn anything_else_is_nothing(#[case] text: &str) {
        assert_eq!(text.parse::<Press>(), Err(()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,120}") {
            let _ = text.parse::<Press>();
        }
    }
}
