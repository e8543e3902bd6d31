//! What came of a dispatch, in the words of the log and the metrics.

use crate::deploy::conclusion::Conclusion;
use crate::deploy::search::NotFound;
use crate::deploy::{Ended, Followed, Target, Why};

/// A deploy's end as far as this interaction is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The run, if it is known.
    pub run_id: Option<u64>,
    /// How the run was recognised.
    pub matched: Option<&'static str>,
    /// How it ended.
    pub conclusion: Conclusion,
    /// How long the run took, in seconds, if it has ended.
    pub seconds: Option<f64>,
    /// What went wrong with us or GitHub; a run that failed is not meant.
    pub error: Option<String>,
}

impl Deployed {
    /// A dispatch whose run is not waited for.
    pub fn dispatched(target: Option<&Target>) -> Self {
        Self::at(target, Conclusion::Dispatched, None)
    }

    fn at(target: Option<&Target>, conclusion: Conclusion, error: Option<String>) -> Self {
        Self {
            run_id: target.map(|target| target.run_id),
            matched: target.map(|target| target.matched.words()),
            conclusion,
            seconds: None,
            error,
        }
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
        Self { seconds, ..Self::at(followed.target(), followed.conclusion(), error) }
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
