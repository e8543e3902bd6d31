//! What earlier deploys of the same agent and environment tell about one: how long it usually takes, what was
//! deployed before, and whether this is the first failure.

mod read;
mod watched;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::read::{read, recorded};
pub(crate) use self::watched::{read_watched, succeeded};
use crate::text::duration::compact;
use crate::text::ordinal;

/// What earlier deploys of the same agent and environment tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// How long a success usually takes. `None`: too few are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Usual>,
    /// The last success before this deploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Success>,
    /// How many deploys before this one ended alike in a row: successes, or failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
}

/// How long a success usually takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usual {
    /// The median, in seconds.
    pub seconds: u64,
    /// Of how many successes; 5 at least.
    pub of: usize,
}

/// A deploy that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// Its run.
    pub run_id: u64,
    /// The run's number within its workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The full hash of its commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
    /// The run's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// The branch or tag that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The inputs of its run, as in its order. `None`: not known, as GitHub does not tell them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Map<String, Value>>,
}

/// How the deploys before this one ended, as far back as they ended alike. Cancelled ones and those whose end
/// is not known count neither way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Whether they succeeded.
    pub success: bool,
    /// How many.
    pub count: usize,
    /// Whether there may be more, because no earlier ones are known.
    pub or_more: bool,
}

impl Usual {
    /// `usually 3m 5s (median of 12)`, or that a deploy which has run for `elapsed` takes longer than that.
    pub fn words(&self, elapsed: TimeDelta) -> String {
        let usual = TimeDelta::seconds(i64::try_from(self.seconds).unwrap_or(i64::MAX / 1000));
        let (took, of) = (compact(usual), self.of);
        if elapsed > usual {
            format!("longer than usual ({took}, median of {of})")
        } else {
            format!("usually {took} (median of {of})")
        }
    }
}

/// What the end of a deploy means in the series: `first failure after 12 successes`. `None`: nothing worth
/// saying. `succeeded`: else it failed.
pub(crate) fn meaning(past: &Past, succeeded: bool) -> Option<String> {
    let Series { success, count, or_more } = past.series?;
    let at_least = if or_more { "at least " } else { "" };
    let the = if or_more { "at least the " } else { "" };
    match (success, succeeded) {
        (true, true) => None,
        (true, false) => {
            let word = if count == 1 { "success" } else { "successes" };
            Some(format!("first failure after {at_least}{count} {word}"))
        }
        (false, true) => {
            let word = if count == 1 { "failure" } else { "failures" };
            Some(format!("fixed after {at_least}{count} {word}"))
        }
        (false, false) => Some(format!(
            "{the}{} failure in a row",
            ordinal::ordinal(u64::try_from(count + 1).unwrap_or(u64::MAX))
        )),
    }
}
