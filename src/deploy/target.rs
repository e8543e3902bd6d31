//! The run of a deploy.

use serde::{Deserialize, Serialize};

use super::correlation::Matched;
use super::order::Order;
use crate::github::{Github, Run};

/// A run that was matched to a deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The run's id.
    pub run_id: u64,
    /// The run's page.
    pub url: String,
    /// How it was matched.
    pub matched: Matched,
    /// The run when it was last read; `None` right after a dispatch that returned only the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Box<Run>>,
}

impl Target {
    /// A target for a run that was found.
    pub fn of(github: &Github, order: &Order, mut run: Run, matched: Matched) -> Self {
        run.mask_title();
        let url = run.html_url.clone();
        Self {
            run_id: run.id,
            url: url.unwrap_or_else(|| github.run_page(&order.repository, run.id)),
            matched,
            run: Some(Box::new(run)),
        }
    }

    /// The attempt that is followed, from 1.
    pub fn attempt(&self) -> u64 {
        self.run.as_ref().map_or(1, |run| run.attempt())
    }
}
