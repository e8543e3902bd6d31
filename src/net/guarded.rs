//! A DNS resolver that returns only allowed addresses.
//!
//! The SSRF guard so works when the connection is made: a name cannot resolve to a public address for the check and to a
//! private one for the request (DNS rebinding).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::url_guard::UrlPolicy;

/// A DNS resolver.
pub trait Lookup: Send + Sync {
    /// Resolves a host name to all its addresses.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub(crate) struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect())
        })
    }
}

/// A resolver that returns only the addresses that a policy allows.
pub(crate) struct Guarded {
    pub urls: UrlPolicy,
    pub lookup: Arc<dyn Lookup>,
    /// A host that may have any address.
    pub trusted: Option<String>,
}

/// The name resolves, but to no allowed address.
#[derive(Debug, thiserror::Error)]
#[error("none of its addresses is allowed")]
pub(crate) struct NotAllowed;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let urls = self.urls.clone();
        let found = self.lookup.lookup(name.as_str().to_owned());
        let is_trusted = self.trusted.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let mut found = found.await?;
            found.retain(|address| is_trusted || urls.allows_address(name.as_str(), *address));
            if found.is_empty() {
                return Err(NotAllowed.into());
            }
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Whether a request failed because its host has no allowed address.
pub(crate) fn is_not_allowed(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<NotAllowed>() {
            return true;
        }
        cause = error.source();
    }
    false
}
