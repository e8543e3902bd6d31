//! The token of an interaction, with the application that Discord sent the interaction for.

use crate::secrets::Secret;

/// What answers an interaction: for 15 minutes, and only together with the application's id.
#[derive(Debug, Clone, PartialEq)]
pub struct InteractionToken {
    /// The application's id, as the signed interaction says it. `None`: it says none.
    pub application_id: Option<u64>,
    /// The token itself.
    pub token: Secret,
}
