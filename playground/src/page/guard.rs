//! Who may talk to the page: it alone, by its own address. A foreign `Host` is how another site's page gets here by a
//! name of its own (DNS rebinding), a foreign `Origin` how it asks directly (CSRF).

use http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use http::{HeaderMap, Method};

/// The header with the token that only the page knows.
const TOKEN: HeaderName = HeaderName::from_static("x-playground");
/// What a browser says of where a request comes from, and what it is for.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DESTINATION: HeaderName = HeaderName::from_static("sec-fetch-dest");

pub(super) struct Guard {
    pub port: u16,
    /// Made anew at each start; it stands in the page.
    pub token: String,
}

impl Guard {
    /// Why a request is refused.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
        let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        if headers.get_all(HOST).iter().count() != 1
            || !text(&HOST).is_some_and(|host| self.is_own(host))
        {
            return Err("The playground answers only at its own address.");
        }
        let origin = text(&ORIGIN);
        let is_own =
            |origin: &str| origin.strip_prefix("http://").is_some_and(|host| self.is_own(host));
        if origin.is_some_and(|origin| !is_own(origin)) {
            return Err("Another site's page asked for this.");
        }
        // A link to the page may be anywhere: who follows it sees the page, and the other site does not.
        let follows_a_link = method == Method::GET
            && text(&MODE) == Some("navigate")
            && text(&DESTINATION) == Some("document");
        let is_foreign = text(&SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"));
        if is_foreign && !follows_a_link {
            return Err("Another site's page asked for this.");
        }
        if method == Method::GET {
            return Ok(());
        }
        if origin.is_none() {
            return Err("Only the page itself may do this: there is no Origin.");
        }
        if text(&TOKEN) != Some(&self.token) {
            return Err("The playground was started again; load the page again.");
        }
        if text(&CONTENT_TYPE) != Some("application/json") {
            return Err("What is asked must be JSON.");
        }
        Ok(())
    }

    fn is_own(&self, host: &str) -> bool {
        // A browser leaves out the port that http has by itself.
        let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        matches!(name, "127.0.0.1" | "localhost") && port == self.port.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_let_in(method: Method, given: &[(&str, &str)]) -> bool {
        is_let_in_at(4000, method, given)
    }

    fn is_let_in_at(port: u16, method: Method, given: &[(&str, &str)]) -> bool {
        let guard = Guard { port, token: "t0ken".to_owned() };
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        guard.check(&method, &headers).is_ok()
    }

    #[test]
    fn only_its_own_address_is_answered() {
        for (host, expected) in [
            ("127.0.0.1:4000", true),
            ("localhost:4000", true),
            ("localhost:4001", false),
            ("localhost", false),
            ("evil.example:4000", false),
            ("127.0.0.1.evil.example:4000", false),
            ("evil.example@127.0.0.1:4000", false),
            ("127.0.0.1:4000, evil.example", false),
        ] {
            assert_eq!(is_let_in(Method::GET, &[("host", host)]), expected, "{host}");
        }
        assert!(!is_let_in(Method::GET, &[]));
        assert!(!is_let_in(Method::GET, &[("host", "localhost:4000"), ("host", "evil.example")]));
    }

    #[test]
    fn port_80_need_not_be_named() {
        for host in ["127.0.0.1", "localhost", "localhost:80"] {
            let origin = format!("http://{host}");
            let own = [("host", host), ("origin", origin.as_str())];
            assert!(is_let_in_at(80, Method::GET, &own), "{host}");
            assert!(!is_let_in(Method::GET, &own), "{host}");
        }
        assert!(!is_let_in_at(80, Method::GET, &[("host", "evil.example")]));
        assert!(!is_let_in_at(80, Method::GET, &[("host", "localhost:8080")]));
    }

    #[test]
    fn other_sites_are_refused() {
        let host = ("host", "localhost:4000");
        for origin in
            ["http://evil.example", "null", "https://localhost:4000", "http://localhost:5000"]
        {
            assert!(!is_let_in(Method::GET, &[host, ("origin", origin)]), "{origin}");
        }
        assert!(!is_let_in(Method::GET, &[host, ("sec-fetch-site", "cross-site")]));
        assert!(!is_let_in(Method::GET, &[host, ("sec-fetch-site", "same-site")]));
        assert!(is_let_in(Method::GET, &[host, ("sec-fetch-site", "none")]));
        let foreign = ("sec-fetch-site", "cross-site");
        let link = [host, foreign, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(is_let_in(Method::GET, &link));
        let framed = [host, foreign, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert!(!is_let_in(Method::GET, &framed));
    }

    #[test]
    fn actions_need_the_page_s_token_origin_and_type() {
        let all = [
            ("host", "localhost:4000"),
            ("origin", "http://localhost:4000"),
            ("x-playground", "t0ken"),
            ("content-type", "application/json"),
        ];
        assert!(is_let_in(Method::POST, &all));
        for left_out in 0..all.len() {
            let rest = all.iter().enumerate().filter(|(at, _)| *at != left_out);
            let rest: Vec<_> = rest.map(|(_, pair)| *pair).collect();
            assert!(!is_let_in(Method::POST, &rest), "{:?}", all[left_out]);
        }
        let mut other = all;
        other[2].1 = "another";
        assert!(!is_let_in(Method::POST, &other));
    }
}
