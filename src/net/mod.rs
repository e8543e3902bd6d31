//! The network: how requests go out, and which URLs may be asked.

pub mod transport;
pub(crate) mod url_guard;
