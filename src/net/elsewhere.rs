//! Requests to a server that another server named: a redirect to where a file is stored. They carry no credentials, go to
//! no private address, and may keep only the end of the answer.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use url::{Host, Url};

use super::guarded::{Guarded, System};
use super::url_guard::UrlPolicy;
use crate::config::is_loopback;

/// How to send a request to a server that another server named. It is an extension of the request.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    /// The server that named it.
    pub named_by: Url,
    /// What is kept of the answer.
    pub keep: Keep,
}

/// What is kept of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All of it; too long, it is no answer.
    All,
    /// Its last bytes, so many.
    End(usize),
    /// The same, but if the server announces a whole answer that is longer, nothing of it is read.
    EndUnlessLong(usize),
}

impl Elsewhere {
    /// Whether a request may be sent there: to a public address by https, or to the server that named it. A server on
    /// this machine may name another one on it.
    pub(super) fn allows(&self, url: &Url) -> bool {
        let plain = url.username().is_empty() && url.password().is_none();
        let is_same_host = url.host() == self.named_by.host();
        let is_as_safe = url.scheme() == "https" || url.scheme() == self.named_by.scheme();
        let may = matches!(url.scheme(), "https" | "http") && plain;
        may && ((is_same_host && is_as_safe) || self.policy().check_destination(url).is_ok())
    }

    /// The resolver for such a request.
    pub(super) fn resolver(&self) -> Guarded {
        let trusted = self.named_by.host_str().map(str::to_owned);
        Guarded { urls: self.policy(), lookup: Arc::new(System), trusted }
    }

    fn policy(&self) -> UrlPolicy {
        let safe_local = self.named_by.host().is_some_and(|host: Host<&str>| is_loopback(&host));
        UrlPolicy { safe_local, ..UrlPolicy::default() }
    }
}

impl Keep {
    /// Whether an answer with these headers is not read.
    pub(super) fn is_passed_over(self, status: StatusCode, headers: &http::HeaderMap) -> bool {
        let Self::EndUnlessLong(most) = self else { return false };
        let length =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        status == StatusCode::OK && length.is_some_and(|length: usize| length > most)
    }
}

/// The body of an answer as it is read.
pub(super) struct Body {
    keep: Keep,
    most: usize,
    read: usize,
    kept: Vec<u8>,
}

/// The answer is longer than what is read.
#[derive(Debug)]
pub(super) struct TooLong;

impl Body {
    /// Reads at most this many bytes.
    pub(super) fn of(keep: Keep, most: usize) -> Self {
        Self { keep, most, read: 0, kept: Vec::new() }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        self.read = self.read.saturating_add(chunk.len());
        if self.read > self.most {
            return Err(TooLong);
        }
        self.kept.extend_from_slice(chunk);
        if let Some(most) = self.end()
            && self.kept.len() > most.saturating_mul(2)
        {
            self.kept.drain(..self.kept.len() - most);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Bytes {
        if let Some(most) = self.end() {
            let cut = self.kept.len().saturating_sub(most);
            self.kept.drain(..cut);
        }
        self.kept.into()
    }

    fn end(&self) -> Option<usize> {
        match self.keep {
            Keep::All => None,
            Keep::End(most) | Keep::EndUnlessLong(most) => Some(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const GITHUB: &str = "https://api.github.com";
    const SERVER: &str = "https://ghes.corp.internal/api/v3";
    const LOCAL: &str = "http://127.0.0.1:4010";

    #[rstest]
    #[case::storage(GITHUB, "https://results.blob.core.windows.net/x?sig=a", true)]
    #[case::itself(GITHUB, "https://api.github.com/x", true)]
    #[case::without_tls(GITHUB, "http://results.blob.core.windows.net/x", false)]
    #[case::itself_without_tls(GITHUB, "http://api.github.com/x", false)]
    #[case::with_a_user(GITHUB, "https://user@results.blob.core.windows.net/x", false)]
    #[case::metadata(GITHUB, "https://169.254.169.254/latest", false)]
    #[case::private(GITHUB, "https://10.0.0.1/x", false)]
    #[case::loopback(GITHUB, "https://127.0.0.1/x", false)]
    #[case::local_name(GITHUB, "https://storage.internal/x", false)]
    #[case::a_file(GITHUB, "file:///etc/passwd", false)]
    #[case::enterprise_itself(SERVER, "https://ghes.corp.internal/_storage/x", true)]
    #[case::beside_enterprise(SERVER, "https://other.corp.internal/x", false)]
    #[case::this_machine(LOCAL, "http://127.0.0.1:5555/x", true)]
    #[case::this_machine_to_private(LOCAL, "http://10.0.0.1/x", false)]
    #[case::this_machine_to_metadata(LOCAL, "http://169.254.169.254/x", false)]
    fn a_link_leads_to_no_private_address(
        #[case] named_by: &str,
        #[case] url: &str,
        #[case] allowed: bool,
    ) {
        let elsewhere = Elsewhere { named_by: Url::parse(named_by).unwrap(), keep: Keep::All };
        assert_eq!(elsewhere.allows(&Url::parse(url).unwrap()), allowed);
    }

    #[test]
    fn of_a_long_answer_the_end_is_kept() {
        let mut body = Body::of(Keep::End(4), 100);
        for chunk in [b"ab".as_slice(), b"cdefghijkl", b"", b"m"] {
            body.push(chunk).unwrap();
            assert!(body.kept.len() <= 8);
        }
        assert_eq!(body.finish(), "jklm");
        let mut body = Body::of(Keep::End(4), 100);
        body.push(b"ab").unwrap();
        assert_eq!(body.finish(), "ab");
        let mut body = Body::of(Keep::All, 3);
        assert!(body.push(b"abc").is_ok() && body.push(b"d").is_err());
    }

    #[rstest]
    #[case(Keep::EndUnlessLong(10), 200, "11", true)]
    #[case(Keep::EndUnlessLong(10), 200, "10", false)]
    #[case(Keep::EndUnlessLong(10), 206, "11", false)]
    #[case(Keep::End(10), 200, "11", false)]
    #[case(Keep::All, 200, "11", false)]
    fn a_long_answer_can_be_passed_over(
        #[case] keep: Keep,
        #[case] status: u16,
        #[case] length: &str,
        #[case] expected: bool,
    ) {
        let mut headers = http::HeaderMap::new();
        headers.insert(CONTENT_LENGTH, length.parse().unwrap());
        assert_eq!(keep.is_passed_over(StatusCode::from_u16(status).unwrap(), &headers), expected);
    }
}
