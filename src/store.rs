//! What must be remembered between interactions.

pub mod memory;

pub use memory::Memory;

use crate::BoxFuture;

/// Remembers which interactions were taken. Every write that decides something is conditional: of
/// two that race, one wins.
pub trait Store: Send + Sync {
    /// Takes an interaction for its one and only handling. `false` when it was taken before.
    fn take_interaction(&self, id: u64) -> BoxFuture<'_, bool>;
}
