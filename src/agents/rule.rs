//! Who may use an agent.

/// Who may use an agent. If both lists are empty: everyone in an allowed server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Ids of allowed users.
    pub users: Vec<u64>,
    /// Ids of allowed roles.
    pub roles: Vec<u64>,
}
