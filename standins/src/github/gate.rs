//! An environment that holds runs back.

/// An environment with its protection rules.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Its name.
    pub environment: String,
    /// Minutes of its wait timer, which starts with the run; 0: none.
    pub wait_timer: u64,
    /// Who may approve: logins, and teams as `organization/slug`; empty: no approval is required.
    pub reviewers: Vec<String>,
}

impl Gate {
    /// An environment that somebody must approve.
    pub fn approval(environment: &str) -> Self {
        Self { environment: environment.into(), wait_timer: 0, reviewers: vec!["grace".into()] }
    }

    /// An environment with a wait timer and nothing to approve.
    pub fn timer(environment: &str, minutes: u64) -> Self {
        Self { environment: environment.into(), wait_timer: minutes, reviewers: Vec::new() }
    }
}
