//! An HTTP client for the deployed site: one GET, the beginning of the answer, no cookies.
//!
//! The SSRF guard also works when the connection is made: the client's resolver returns only allowed
//! addresses (`net/guarded.rs`).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use url::Url;

use crate::net::guarded::{Guarded, Lookup, System, is_not_allowed};
use crate::net::transport::{brief, tls};
use crate::net::url_guard::UrlPolicy;
use futures_util::future::BoxFuture;

/// The most bytes read of a body. The rest is ignored.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const AGENT: &str = concat!(
    "Deckhand-Verify/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
    /// Whether the body is longer than the part that was read.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The SSRF guard refused the host: it is an address, or resolves only to addresses, not allowed.
    #[error("its name stands for a private, local or otherwise special address")]
    Refused,
    /// The connection could not be made.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// The connection broke.
    #[error("no whole answer: {0}")]
    Broken(String),
}

/// Sends requests to the site. A trait, so that tests can wrap the real client.
pub trait Prober: Send + Sync {
    /// Sends one GET. It does not follow redirects and has no timeout of its own: the caller sets one.
    fn get(&self, url: Url) -> BoxFuture<'_, Result<Page, ProbeError>>;
}

/// The real client. It follows untrusted URLs, so it shares no connections with
/// [`Https`](crate::net::transport::Https), which carries our tokens. It is built at the first request.
pub struct Probe {
    urls: UrlPolicy,
    lookup: Arc<dyn Lookup>,
    client: OnceLock<reqwest::Client>,
}

impl Probe {
    /// A prober that connects only to addresses that this policy allows.
    pub fn new(urls: UrlPolicy) -> Self {
        Self::resolving(urls, Arc::new(System))
    }

    /// A prober with another DNS resolver.
    pub fn resolving(urls: UrlPolicy, lookup: Arc<dyn Lookup>) -> Self {
        Self { urls, lookup, client: OnceLock::new() }
    }

    fn client(&self) -> Result<&reqwest::Client, ProbeError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let guarded =
            Guarded { urls: self.urls.clone(), lookup: self.lookup.clone(), trusted: None };
        let tls = tls().map_err(|error| ProbeError::NoConnection(error.to_string()))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names itself, without the guard.
            .no_proxy()
            .dns_resolver(guarded)
            // No pool: Lambda's freeze breaks idle connections, and a visitor opens a new one, too.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(AGENT)
            .build()
            .map_err(|error| ProbeError::NoConnection(brief(error)))?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl Prober for Probe {
    fn get(&self, url: Url) -> BoxFuture<'_, Result<Page, ProbeError>> {
        Box::pin(async move {
            // An IP address in the URL bypasses the resolver, so it is checked here.
            self.urls.check_destination(&url).map_err(|_| ProbeError::Refused)?;
            let mut answer = self.client()?.get(url).send().await.map_err(probe_error)?;
            let mut body = BytesMut::new();
            let mut cut = false;
            while let Some(chunk) = answer.chunk().await.map_err(probe_error)? {
                let room = MAX_BODY_BYTES - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    cut = true;
                    break;
                }
            }
            let headers = std::mem::take(answer.headers_mut());
            Ok(Page { status: answer.status(), headers, body: body.freeze(), cut })
        })
    }
}

fn probe_error(error: reqwest::Error) -> ProbeError {
    if is_not_allowed(&error) {
        ProbeError::Refused
    } else if error.is_connect() {
        ProbeError::NoConnection(brief(error))
    } else {
        ProbeError::Broken(brief(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::dns::Resolve;
    use rstest::rstest;
    use std::io;
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A resolver with one answer per lookup; it repeats the last one.
    struct Answers(Vec<Vec<IpAddr>>, AtomicUsize);

    impl Answers {
        fn new(answers: &[&[&str]]) -> Arc<Self> {
            let parsed = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
            Arc::new(Self(answers.iter().map(parsed).collect(), AtomicUsize::new(0)))
        }
    }

    impl Lookup for Answers {
        fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let at = self.1.fetch_add(1, Ordering::SeqCst).min(self.0.len() - 1);
            let found = self.0[at].clone();
            Box::pin(async move { Ok(found) })
        }
    }

    async fn resolved(urls: UrlPolicy, host: &str, found: &[&str]) -> Result<Vec<String>, String> {
        let guarded = Guarded { urls, lookup: Answers::new(&[found]), trusted: None };
        match guarded.resolve(host.parse().unwrap()).await {
            Ok(addresses) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[rstest]
    #[case::metadata("169.254.169.254")]
    #[case::private("10.0.0.1")]
    #[case::loopback("127.0.0.1")]
    #[case::mapped("::ffff:10.0.0.1")]
    #[case::mapped_metadata("::ffff:169.254.169.254")]
    #[case::nat64("64:ff9b::a00:1")]
    #[case::unique_local("fd00::1")]
    #[case::v6_loopback("::1")]
    #[tokio::test]
    async fn a_name_that_resolves_to_a_special_address_is_refused(#[case] address: &str) {
        let policy = UrlPolicy::default();
        let expected = Err("none of its addresses is allowed".to_owned());
        assert_eq!(resolved(policy, "rebind.example.com", &[address]).await, expected);
        let mixed = [address, "8.8.8.8"];
        let only_public = Ok(vec!["8.8.8.8".to_owned()]);
        assert_eq!(resolved(UrlPolicy::default(), "a.example.com", &mixed).await, only_public);
        // SAFE_LOCAL allows only this machine's own names, not a public name for a local address.
        let local = UrlPolicy { safe_local: true, ..UrlPolicy::default() };
        assert!(resolved(local, "rebind.example.com", &[address]).await.is_err());
    }

    #[tokio::test]
    async fn safe_local_allows_localhost_only_as_this_machine() {
        let local = || UrlPolicy { safe_local: true, ..UrlPolicy::default() };
        assert!(resolved(local(), "localhost", &["127.0.0.1", "::1"]).await.is_ok());
        assert!(resolved(local(), "localhost", &["10.0.0.1"]).await.is_err());
        assert!(resolved(UrlPolicy::default(), "localhost", &["127.0.0.1"]).await.is_err());
    }

    #[tokio::test]
    async fn dns_rebinding_is_refused_by_the_client() {
        for address in ["169.254.169.254", "::ffff:10.0.0.1", "127.0.0.1"] {
            // The name resolves to a special address at the time of the request.
            let answers = Answers::new(&[&[address]]);
            let probe = Probe::resolving(UrlPolicy::default(), answers.clone());
            let url = Url::parse("https://rebind.example.com/").unwrap();
            assert_eq!(probe.get(url).await, Err(ProbeError::Refused), "{address}");
            assert_eq!(answers.1.load(Ordering::SeqCst), 1);
        }
    }

    #[rstest]
    #[case("https://169.254.169.254/")]
    #[case("https://[::ffff:a00:1]/")]
    #[case("http://example.com/")]
    #[case("http://127.0.0.1:1/")]
    #[tokio::test]
    async fn an_address_in_the_url_is_refused_before_anything_is_sent(#[case] url: &str) {
        let answers = Answers::new(&[&["8.8.8.8"]]);
        let probe = Probe::resolving(UrlPolicy::default(), answers.clone());
        assert_eq!(probe.get(Url::parse(url).unwrap()).await, Err(ProbeError::Refused));
        assert_eq!(answers.1.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_request_has_our_user_agent_and_no_cookie_and_the_body_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let mut asked = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                asked.push(String::from_utf8_lossy(&request[..read]).to_lowercase());
                let head = "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 300000\r\n\r\n";
                stream.write_all(head.as_bytes()).await.unwrap();
                let _ = stream.write_all(&vec![b'x'; 300_000]).await;
            }
            asked
        });
        let urls = UrlPolicy { safe_local: true, ..UrlPolicy::default() };
        let probe = Probe::resolving(urls, Answers::new(&[&["127.0.0.1"]]));
        for _ in 0..2 {
            let url = Url::parse(&format!("http://localhost:{port}/")).unwrap();
            let page = probe.get(url).await.unwrap();
            assert_eq!((page.body.len(), page.cut), (MAX_BODY_BYTES, true));
        }
        for request in server.await.unwrap() {
            assert!(request.contains("user-agent: deckhand-verify/"), "{request}");
            assert!(!request.contains("cookie") && !request.contains("referer"), "{request}");
        }
    }
}
