//! The network: the HTTP transport, and the URL guard against SSRF.

pub mod transport;
pub(crate) mod url_guard;
