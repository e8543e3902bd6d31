//! The result of a dispatch, for the log and the metrics.

/// The result of a dispatch, as far as this interaction followed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// `None` if the run is not known.
    pub run_id: Option<u64>,
    /// How the run was matched to the dispatch.
    pub matched: Option<&'static str>,
    /// The outcome, in one word. It is a metric dimension, so it must be one of a few values.
    pub conclusion: &'static str,
    /// Duration of the run in seconds; `None` if it has not ended.
    pub seconds: Option<f64>,
    /// An error of ours or GitHub's. A failed run is not an error.
    pub error: Option<String>,
}
