//! Whom an agent lets in.

/// Who may use one agent. Empty on both sides means everyone in an allowed server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Users who may.
    pub users: Vec<u64>,
    /// Roles whose holders may.
    pub roles: Vec<u64>,
}
