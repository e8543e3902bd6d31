//! How a deploy ended.

use serde::{Deserialize, Serialize};

use crate::github::Run;
use crate::github::run::CONCLUSIONS;

/// How a deploy ended. `why` is Markdown that is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// Its run has ended, see the run's conclusion.
    Concluded,
    /// Nothing was sent to GitHub.
    NothingDone {
        /// What kept it from being sent.
        why: String,
    },
    /// GitHub surely took no dispatch.
    NotDispatched {
        /// Why, and the cure.
        why: String,
        /// Whether only an admin of the bot can mend it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        for_admins: bool,
    },
    /// The run was not identified.
    NotFound(NotFound),
    /// The run was deleted on GitHub before it was seen to end.
    Deleted,
    /// It did not end in the time for which a deploy is followed.
    GivenUp,
}

/// Why the run was not identified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum NotFound {
    /// No run appeared in time.
    Nowhere {
        /// Whether GitHub's answer to the dispatch was lost.
        lost: bool,
        /// Whether GitHub returned its list of runs at least once.
        listed: bool,
    },
    /// Run names have no correlation ids, and this many runs match.
    Ambiguous {
        /// How many.
        runs: usize,
    },
    /// Run names have no correlation ids, and another deploy of ours began at the same time.
    AnotherDeploy,
    /// GitHub refuses to show the runs.
    NotTold {
        /// What GitHub says, and the cure: Markdown that is safe to show.
        said: String,
        /// Whether GitHub's answer to the dispatch was lost.
        lost: bool,
        /// Whether only an admin of the bot can mend it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        for_admins: bool,
    },
}

impl Outcome {
    /// The outcome in one word, the same in store, log and metrics: GitHub's conclusion, or why there is none.
    /// One of a fixed set, because it is a metric's dimension.
    pub fn word(&self, run: Option<&Run>) -> &'static str {
        match self {
            Self::Concluded => {
                let conclusion = run.and_then(|run| run.conclusion.as_deref());
                CONCLUSIONS.into_iter().find(|known| conclusion == Some(known)).unwrap_or("other")
            }
            Self::NothingDone { .. } => "nothing_done",
            Self::NotDispatched { .. } => "not_dispatched",
            Self::NotFound(_) => "not_found",
            Self::Deleted => "deleted",
            Self::GivenUp => "given_up",
        }
    }

    /// Why it is no conclusion, for the log.
    pub fn error(&self) -> Option<String> {
        match self {
            Self::Concluded => None,
            Self::NothingDone { why } | Self::NotDispatched { why, .. } => Some(why.clone()),
            Self::NotFound(why) => Some(match why {
                NotFound::Nowhere { lost: true, .. } => {
                    "the dispatch's answer was lost, and no run was found".to_owned()
                }
                NotFound::Nowhere { listed: false, .. } => {
                    "GitHub did not list the runs".to_owned()
                }
                NotFound::Nowhere { .. } => "no run showed up in time".to_owned(),
                NotFound::Ambiguous { runs } => format!("{runs} runs could be ours"),
                NotFound::AnotherDeploy => {
                    "another deploy of the same workflow and ref began at the same time".to_owned()
                }
                NotFound::NotTold { said, .. } => said.clone(),
            }),
            Self::Deleted => Some("the run was deleted".to_owned()),
            Self::GivenUp => Some("the run did not end in time".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(Some("success"), "success")]
    #[case(Some("startup_failure"), "startup_failure")]
    #[case(Some("invented\nlater"), "other")]
    #[case(None, "other")]
    fn known_conclusions_keep_their_name_and_others_count_as_other(
        #[case] said: Option<&str>,
        #[case] counted: &str,
    ) {
        let run: Run = serde_json::from_value(json!({"id": 1, "conclusion": said})).unwrap();
        assert_eq!(Outcome::Concluded.word(Some(&run)), counted);
    }
}
