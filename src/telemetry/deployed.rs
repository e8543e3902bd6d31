//! What came of a dispatch, in the words of the log and the metrics.

use crate::deploy::search::NotFound;
use crate::deploy::{Ended, Followed, Stage, Target, Why};

/// A deploy's end as far as this interaction is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The run, if it is known.
    pub run_id: Option<u64>,
    /// How the run was recognised.
    pub matched: Option<&'static str>,
    /// Whether an earlier delivery of the same interaction dispatched it, and is the one to count it.
    pub earlier: bool,
    /// How it ended.
    pub conclusion: Conclusion,
    /// How long the run took, in seconds, if it has ended.
    pub seconds: Option<f64>,
    /// What went wrong with us or GitHub; a run that failed is not meant.
    pub error: Option<String>,
}

/// A run's conclusion, or why there is none. It is a dimension, so it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// One of GitHub's.
    Of(&'static str),
    /// One that GitHub has added since, or none.
    Other,
    /// Dispatched, and not waited for.
    Dispatched,
    /// The wait ended before the run did.
    StillRunning,
    /// The run was not found among the others.
    NotFound,
    /// GitHub took no dispatch.
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
    /// What GitHub says of a run that has ended.
    pub fn of(conclusion: Option<&str>) -> Self {
        let known = GITHUBS.into_iter().find(|known| conclusion == Some(known));
        known.map_or(Self::Other, Self::Of)
    }

    /// The value of the dimension.
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

impl Deployed {
    /// A dispatch whose run is not waited for.
    pub fn dispatched(target: Option<&Target>) -> Self {
        Self::at(target, Conclusion::Dispatched, None)
    }

    /// A dispatch that failed, or a run that could not be followed.
    pub fn ended(ended: &Ended) -> Self {
        let followed = Followed { stage: Stage::Dispatching, ended: ended.clone() };
        Self::from(&followed)
    }

    fn at(target: Option<&Target>, conclusion: Conclusion, error: Option<String>) -> Self {
        Self {
            run_id: target.map(|target| target.run_id),
            matched: target.map(|target| target.matched.words()),
            earlier: target.is_some_and(|target| target.earlier),
            conclusion,
            seconds: None,
            error,
        }
    }
}

impl From<&Followed> for Deployed {
    fn from(followed: &Followed) -> Self {
        let target = match &followed.stage {
            Stage::Following(target) => Some(target),
            Stage::Dispatching | Stage::Searching { .. } => None,
        };
        let (conclusion, error) = match &followed.ended {
            Ended::Concluded => {
                let run = followed.concluded();
                (Conclusion::of(run.and_then(|run| run.conclusion.as_deref())), None)
            }
            Ended::NotDispatched(error) => (Conclusion::NotDispatched, Some(error.to_string())),
            Ended::NotFound(why) => (Conclusion::NotFound, Some(not_found(why))),
            Ended::StillRunning(Why::NotTold(error)) => {
                (Conclusion::StillRunning, Some(error.to_string()))
            }
            Ended::StillRunning(Why::TimedOut | Why::Stopped) => (Conclusion::StillRunning, None),
        };
        let seconds = followed.concluded().and_then(|run| run.duration());
        let seconds = seconds.and_then(|took| Some(took.to_std().ok()?.as_secs_f64()));
        Self { seconds, ..Self::at(target, conclusion, error) }
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
    fn a_conclusion_is_one_of_few(#[case] said: Option<&str>, #[case] counted: &str) {
        assert_eq!(Conclusion::of(said).name(), counted);
    }
}
