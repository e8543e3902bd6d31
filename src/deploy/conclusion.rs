//! The outcome of a deploy, in one word for logs, metrics and the store.

use super::state::{Ended, Followed, NotFound, Target, Why};
use crate::telemetry::Deployed;

/// A run's conclusion, or why there is none. It is a metric dimension, so it has a fixed set of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// One of GitHub's conclusions.
    Of(&'static str),
    /// An unknown conclusion, or none.
    Other,
    /// Dispatched without waiting for the run.
    Dispatched,
    /// The wait ended before the run did.
    StillRunning,
    /// The run was not found.
    NotFound,
    /// GitHub accepted no dispatch.
    NotDispatched,
}

/// <https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run>
const GITHUBS: [&str; 9] = [
    "success",
    "failure",
    "cancelled",
    "timed_out",
    "startup_failure",
    "action_required",
    "neutral",
    "skipped",
    "stale",
];

impl Conclusion {
    /// Maps the conclusion of a completed run.
    pub fn of(conclusion: Option<&str>) -> Self {
        let known = GITHUBS.into_iter().find(|known| conclusion == Some(known));
        known.map_or(Self::Other, Self::Of)
    }

    /// The value of the metric dimension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Of(conclusion) => conclusion,
            Self::Other => "other",
            Self::Dispatched => "dispatched",
            Self::StillRunning => "still_running",
            Self::NotFound => "not_found",
            Self::NotDispatched => "not_dispatched",
        }
    }
}

impl Followed {
    /// The conclusion for the metrics and the store.
    pub fn conclusion(&self) -> Conclusion {
        match &self.ended {
            Ended::Concluded => {
                Conclusion::of(self.concluded().and_then(|run| run.conclusion.as_deref()))
            }
            Ended::NotDispatched(_) => Conclusion::NotDispatched,
            Ended::NotFound(_) => Conclusion::NotFound,
            Ended::StillRunning(_) => Conclusion::StillRunning,
        }
    }
}

/// The result of a dispatch without a wait.
pub(crate) fn dispatched(target: Option<&Target>) -> Deployed {
    deployed(target, Conclusion::Dispatched, None)
}

fn deployed(target: Option<&Target>, conclusion: Conclusion, error: Option<String>) -> Deployed {
    Deployed {
        run_id: target.map(|target| target.run_id),
        matched: target.map(|target| target.matched.words()),
        conclusion: conclusion.name(),
        seconds: None,
        error,
    }
}

impl From<&Followed> for Deployed {
    fn from(followed: &Followed) -> Self {
        let error = match &followed.ended {
            Ended::Concluded | Ended::StillRunning(Why::TimedOut | Why::Stopped) => None,
            Ended::NotDispatched(error) | Ended::StillRunning(Why::NotTold(error)) => {
                Some(error.to_string())
            }
            Ended::NotFound(why) => Some(not_found(why)),
        };
        let seconds = followed.concluded().and_then(|run| run.duration());
        let seconds = seconds.and_then(|took| Some(took.to_std().ok()?.as_secs_f64()));
        Self { seconds, ..deployed(followed.target(), followed.conclusion(), error) }
    }
}

fn not_found(why: &NotFound) -> String {
    match why {
        NotFound::Nowhere { lost: true, .. } => {
            "the dispatch's answer was lost, and no run was found".to_owned()
        }
        NotFound::Nowhere { listed: false, .. } => "GitHub did not list the runs".to_owned(),
        NotFound::Nowhere { .. } => "no run showed up in time".to_owned(),
        NotFound::Ambiguous(runs) => format!("{runs} runs could be ours"),
        NotFound::NotTold { error, .. } => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("success"), "success")]
    #[case(Some("startup_failure"), "startup_failure")]
    #[case(Some("invented\nlater"), "other")]
    #[case(None, "other")]
    fn known_conclusions_keep_their_name_and_others_count_as_other(
        #[case] said: Option<&str>,
        #[case] counted: &str,
    ) {
        assert_eq!(Conclusion::of(said).name(), counted);
    }
}
