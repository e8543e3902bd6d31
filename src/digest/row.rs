//! A workflow of a digest, with its runs.

use chrono::{DateTime, Utc};

use crate::github::explain::Audience;
use crate::github::{GithubError, Run};
use crate::text::escape;

/// A workflow.
pub(super) struct Row {
    /// Name and command of the agents that dispatch it.
    pub(super) agents: Vec<(String, String)>,
    pub(super) file: String,
    pub(super) page: String,
    /// Its runs are counted since then: before the window if the last digest could not read them.
    pub(super) since: DateTime<Utc>,
    /// Whether an agent deploys with it.
    pub(super) deploys: bool,
    /// To whom an error is explained.
    pub(super) audience: Audience,
    pub(super) runs: Result<RowRuns, GithubError>,
}

/// The runs of a workflow that are counted.
pub(super) struct RowRuns {
    pub(super) runs: Vec<Run>,
    /// How many have not ended and are left to the next digest.
    pub(super) left: usize,
    /// Those that GitHub does not list.
    pub(super) left_out: usize,
    /// Those that could not be read again.
    pub(super) unread: usize,
    /// Those that GitHub lists in a form that cannot be read.
    pub(super) unreadable: usize,
    /// Whether more may be missing: GitHub's lists do not agree.
    pub(super) is_unsure: bool,
}

impl RowRuns {
    /// Whether GitHub's list is known to be whole. Only such a list can say that there were no runs.
    pub(super) fn is_whole(&self) -> bool {
        self.left_out + self.unreadable == 0 && !self.is_unsure
    }

    /// Whether there is nothing to say.
    pub(super) fn is_quiet(&self) -> bool {
        self.runs.is_empty() && self.left + self.unread == 0 && self.is_whole()
    }
}

impl Row {
    /// The names of its agents.
    pub(super) fn name(&self) -> String {
        let bold = |(name, _): &(String, String)| format!("**{}**", escape::plain(name, 50));
        self.agents.iter().map(bold).collect::<Vec<_>>().join(", ")
    }
}
