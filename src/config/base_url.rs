//! The base URL of an API.

use url::{Host, Url};

/// The base URL of an API, without its trailing slash; `None` if it cannot be one.
///
/// Tokens are sent there, so plain http is for this machine only. Paths are appended, so it has no query, no
/// fragment and no `&`.
pub(super) fn api_base(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let sealed = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => url.host().is_some_and(|host| is_surely_loopback(&host)),
        _ => false,
    };
    let plain = url.username().is_empty()
        && url.password().is_none()
        && !url.as_str().contains(NOT_IN_A_BASE);
    (sealed && plain).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// What no base URL has: a query, a fragment, and what looks like a part of a query.
pub(crate) const NOT_IN_A_BASE: [char; 3] = ['?', '#', '&'];

/// Whether a host is this machine, whoever resolves it. A name below `localhost` may be asked of a DNS server.
fn is_surely_loopback(host: &Host<&str>) -> bool {
    is_loopback(host)
        && !matches!(host, Host::Domain(name) if name.trim_end_matches('.') != "localhost")
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(domain) => {
            let domain = domain.trim_end_matches('.');
            domain == "localhost" || domain.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://github.example.com/api/v3/", Some("https://github.example.com/api/v3"))]
    #[case("https://10.0.0.5:8443", Some("https://10.0.0.5:8443"))]
    #[case("http://127.0.0.1:3000/api/v10", Some("http://127.0.0.1:3000/api/v10"))]
    #[case("http://127.8.8.8", Some("http://127.8.8.8"))]
    #[case("http://[::1]:3000", Some("http://[::1]:3000"))]
    #[case("http://LOCALHOST:3000", Some("http://localhost:3000"))]
    #[case::below("http://api.localhost", None)]
    #[case::plain("http://github.example.com/api/v3", None)]
    #[case::private("http://10.0.0.5", None)]
    #[case::any("http://0.0.0.0:3000", None)]
    #[case::service("http://standins:3000", None)]
    #[case::disguise("http://localhost.evil.test", None)]
    #[case::disguise_by_user("http://localhost@evil.test", None)]
    #[case::query("https://github.example.com?a=b", None)]
    #[case::empty_query("https://github.example.com/?", None)]
    #[case::fragment("https://github.example.com/#", None)]
    #[case::ampersand("https://github.example.com/a&b", None)]
    #[case::credentials("https://user:pw@github.example.com", None)]
    #[case::no_scheme("github.example.com", None)]
    #[case::file("file:///etc/passwd", None)]
    #[case::no_host("https:", None)]
    fn a_token_is_sent_over_https_or_to_this_machine(
        #[case] text: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(api_base(text).as_deref(), expected);
    }
}
