//! What a reviewer says of a deployment that waits for an approval.

use serde::Serialize;
use std::time::Duration;

/// What somebody said of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Review {
    /// The login of who said it.
    pub by: String,
    /// Whether it may go on; else the run fails.
    pub approved: bool,
    /// What was written with it.
    pub comment: String,
    /// How long after the attempt's start.
    pub after: Duration,
}

impl Review {
    /// An approval by grace, that long after the run's start.
    pub fn approval(after: Duration) -> Self {
        Self { by: "grace".into(), approved: true, comment: "Ship it!".into(), after }
    }

    /// A rejection by grace, that long after the run's start.
    pub fn rejection(after: Duration) -> Self {
        Self { approved: false, comment: "Not today.".into(), ..Self::approval(after) }
    }
}
