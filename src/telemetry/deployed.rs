//! What came of a dispatch, as the log and the metrics have it.

/// A deploy's end as far as this interaction is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The run, if it is known.
    pub run_id: Option<u64>,
    /// How the run was recognised.
    pub matched: Option<&'static str>,
    /// How it ended, in one word. It is a dimension of the metrics, so it must be one of few.
    pub conclusion: &'static str,
    /// How long the run took, in seconds, if it has ended.
    pub seconds: Option<f64>,
    /// What went wrong with us or GitHub; a run that failed is not meant.
    pub error: Option<String>,
}
