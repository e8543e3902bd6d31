//! The end of a deploy, for the log and the metrics.

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The outcome, in one word. It is a metric dimension, so it must be one of a few values.
    pub conclusion: &'static str,
    /// Duration of the run in seconds; `None` if it has not ended.
    pub seconds: Option<f64>,
    /// An error of ours or GitHub's. A failed run is not an error.
    pub error: Option<String>,
}
