//! Which redirects are followed: those of a repository that was renamed or transferred.
//!
//! GitHub answers its old name with a redirect to `/repositories/ID/…`. The request is repeated there as it is,
//! also a write: on 301, 307 and 308 GitHub did nothing. The token goes along, so only to the same origin.
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>

use http::{Method, StatusCode};
use url::Url;

/// How often one read is redirected at most.
const MOST: usize = 3;

/// How often one request is redirected at most. A write is sent to no third place.
pub(super) fn most(method: &Method) -> usize {
    if *method == Method::GET { MOST } else { 1 }
}

/// Where to repeat a request that was sent to `asked`. `None`: the redirect is not followed.
pub(super) fn target(
    method: &Method,
    status: StatusCode,
    asked: &str,
    location: Option<&str>,
    api_base: &str,
) -> Option<Url> {
    let follows = match status.as_u16() {
        301 | 307 | 308 => true,
        // After these a client may change the method, so a write is not repeated.
        302 => *method == Method::GET,
        _ => false,
    };
    if !follows {
        return None;
    }
    let target = Url::parse(asked).ok()?.join(location?).ok()?;
    let base = Url::parse(api_base).ok()?;
    let path = target.path().strip_prefix(base.path().trim_end_matches('/'))?;
    let of_a_repository = path.starts_with("/repositories/") || path.starts_with("/repos/");
    let plain = target.username().is_empty() && target.password().is_none();
    (plain && of_a_repository && target.origin() == base.origin()).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const API: &str = "https://api.github.com";
    const ASKED: &str = "https://api.github.com/repos/o/old/actions/runs/5";
    const NEW: &str = "https://api.github.com/repositories/7/actions/runs/5";

    fn followed(method: Method, status: u16, location: Option<&str>) -> Option<String> {
        let status = StatusCode::from_u16(status).unwrap();
        target(&method, status, ASKED, location, API).map(String::from)
    }

    #[rstest]
    #[case::by_id(NEW, Some(NEW))]
    #[case::relative("/repositories/7/actions/runs/5", Some(NEW))]
    #[case::by_name(
        "https://api.github.com/repos/o/new",
        Some("https://api.github.com/repos/o/new")
    )]
    #[case::with_the_port(
        "https://api.github.com:443/repositories/7",
        Some("https://api.github.com/repositories/7")
    )]
    #[case::other_host("https://evil.example/repositories/7", None)]
    #[case::suffix_of_the_host("https://api.github.com.evil.example/repositories/7", None)]
    #[case::host_as_user("https://api.github.com@evil.example/repositories/7", None)]
    #[case::with_a_user("https://user@api.github.com/repositories/7", None)]
    #[case::without_a_scheme("//evil.example/repositories/7", None)]
    #[case::other_port("https://api.github.com:8443/repositories/7", None)]
    #[case::without_tls("http://api.github.com/repositories/7", None)]
    #[case::no_repository("https://api.github.com/login", None)]
    #[case::out_of_the_repositories("https://api.github.com/repositories/../login", None)]
    #[case::no_url("https://", None)]
    fn the_token_stays_at_its_origin(#[case] location: &str, #[case] expected: Option<&str>) {
        assert_eq!(followed(Method::GET, 301, Some(location)).as_deref(), expected);
    }

    #[rstest]
    #[case(301, true, true)]
    #[case(302, true, false)]
    #[case(303, false, false)]
    #[case(304, false, false)]
    #[case(307, true, true)]
    #[case(308, true, true)]
    fn a_write_is_repeated_only_if_nothing_was_done(
        #[case] status: u16,
        #[case] read: bool,
        #[case] write: bool,
    ) {
        assert_eq!(followed(Method::GET, status, Some(NEW)).is_some(), read);
        for method in [Method::POST, Method::PATCH, Method::PUT] {
            assert_eq!(followed(method, status, Some(NEW)).is_some(), write);
        }
        assert_eq!(followed(Method::GET, status, None), None);
    }

    #[test]
    fn the_path_of_an_enterprise_server_is_kept() {
        let base = "https://ghes.example.com/api/v3";
        let asked = format!("{base}/repos/o/old");
        let to = |location: &str| {
            let status = StatusCode::MOVED_PERMANENTLY;
            target(&Method::GET, status, &asked, Some(location), base).map(String::from)
        };
        let new = format!("{base}/repositories/7");
        assert_eq!(to(&new), Some(new.clone()));
        assert_eq!(to("https://ghes.example.com/repositories/7"), None);
    }
}
