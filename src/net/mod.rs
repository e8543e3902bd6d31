//! The network: the HTTP transport, and the URL guard against SSRF.

pub(crate) mod elsewhere;
pub(crate) mod guarded;
pub mod transport;
pub(crate) mod url_guard;
