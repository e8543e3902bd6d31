//! One check of the site: sends a request, follows at most five redirects, compares the answer.

use std::time::Duration;

use http::header::LOCATION;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::agents::verification::{BodyText, Check, HeaderCheck, Target};
use crate::net::url_guard::{RefusedUrl, UrlPolicy};
use crate::site::probe::{Page, ProbeError, Prober};

/// Timeout of one try, redirects included.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Back-off before the one retry: a site that is being deployed may fail for a moment.
const RETRY_AFTER: Duration = Duration::from_secs(2);

const MAX_REDIRECTS: usize = 5;

/// A check and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    pub target: Target,
    /// Whether it has a URL of its own.
    pub own_url: bool,
    /// What it asked: the path, as in the registry. With a URL of its own: the host, too.
    pub place: String,
    /// Whether its answer must name the commit.
    pub names_commit: bool,
    pub result: CheckResult,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckResult {
    /// The answer is as expected.
    Passed {
        /// The HTTP status.
        status: u16,
        /// The duration of the request, redirects included.
        took: Duration,
        /// The checked header and its value.
        header: Option<(String, String)>,
        /// Why the first try failed, if it did.
        first: Option<Box<Failure>>,
    },
    /// Both tries failed.
    Failed(Failure),
    /// It was not made.
    NotChecked(NotChecked),
}

/// Why a check was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotChecked {
    /// The setting with the target's base URL is not set.
    NoUrl,
    /// The answer must name the run's commit, which is not known.
    NoCommit,
}

/// Why a check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The status is another one.
    Status { got: u16, expected: u16 },
    /// The header is missing or has another value.
    Header {
        name: String,
        /// The value. `None`: the header is missing.
        got: Option<String>,
        /// It must contain one of these. Empty: any value is accepted.
        expected: Vec<String>,
    },
    /// The body does not contain the text.
    Body {
        expected: String,
        /// Whether the text names the commit.
        commit: bool,
        /// Whether the body is longer than the part that was read.
        cut: bool,
    },
    /// No complete answer within [`TIME_LIMIT`].
    TimedOut,
    /// More than five redirects.
    Redirects,
    /// A redirect to an invalid URL.
    BadRedirect(String),
    /// The SSRF guard refuses the URL or the address.
    Refused { host: String, why: RefusedUrl },
    /// No connection.
    NoConnection(String),
    /// The connection broke.
    Broken(String),
}

/// A request to send, and what its answer must be.
struct Wanted<'a> {
    base: &'a str,
    check: &'a Check,
    /// The text that the body must contain.
    body: Option<String>,
}

/// Makes one check, with one retry. `base` is the target's setting. `commit` is awaited only if the answer
/// must name the commit.
pub(crate) async fn check(
    prober: &dyn Prober,
    urls: &UrlPolicy,
    base: Option<&str>,
    check: &Check,
    commit: impl Future<Output = Option<String>>,
) -> Checked {
    let names_commit = check.body.as_ref().is_some_and(BodyText::names_commit);
    let own = check.url.as_ref().map(|own| own.url.as_str());
    let result = match own.or(base) {
        None => CheckResult::NotChecked(NotChecked::NoUrl),
        Some(base) => {
            let commit = if names_commit { commit.await } else { None };
            match check.body.as_ref().map(|body| body.of(commit.as_deref())) {
                Some(None) => CheckResult::NotChecked(NotChecked::NoCommit),
                body => {
                    let body = body.flatten();
                    twice(prober, urls, &Wanted { base, check, body }).await
                }
            }
        }
    };
    let place = own.map_or_else(|| check.path.clone(), |own| shown(own, &check.path));
    Checked { target: check.target, own_url: own.is_some(), place, names_commit, result }
}

/// A URL of its own without what is the same everywhere: the scheme.
fn shown(url: &str, path: &str) -> String {
    let url = joined(url, path);
    url.strip_prefix("https://").unwrap_or(&url).to_owned()
}

async fn twice(prober: &dyn Prober, urls: &UrlPolicy, wanted: &Wanted<'_>) -> CheckResult {
    match try_once(prober, urls, wanted).await {
        Ok(passed) => passed,
        // The guard would refuse it again.
        Err(refused @ Failure::Refused { .. }) => CheckResult::Failed(refused),
        Err(first) => {
            sleep(RETRY_AFTER).await;
            match try_once(prober, urls, wanted).await {
                Ok(passed) => with_first(passed, first),
                Err(failure) => CheckResult::Failed(failure),
            }
        }
    }
}

fn with_first(passed: CheckResult, failure: Failure) -> CheckResult {
    match passed {
        CheckResult::Passed { status, took, header, .. } => {
            CheckResult::Passed { status, took, header, first: Some(Box::new(failure)) }
        }
        other => other,
    }
}

async fn try_once(
    prober: &dyn Prober,
    urls: &UrlPolicy,
    wanted: &Wanted<'_>,
) -> Result<CheckResult, Failure> {
    let start = Instant::now();
    let asked = timeout(TIME_LIMIT, ask(prober, urls, wanted)).await;
    let page = asked.map_err(|_| Failure::TimedOut)??;
    let header = judge(wanted, &page)?;
    let status = page.status.as_u16();
    Ok(CheckResult::Passed { status, took: start.elapsed(), header, first: None })
}

/// Sends the request and follows redirects, unless a redirect is the expected answer.
async fn ask(prober: &dyn Prober, urls: &UrlPolicy, wanted: &Wanted<'_>) -> Result<Page, Failure> {
    let mut url = address(wanted.base, &wanted.check.path, urls)?;
    let follows = !(300..400).contains(&wanted.check.status);
    for _ in 0..=MAX_REDIRECTS {
        let page = prober.get(url.clone()).await.map_err(|error| failure(&url, error))?;
        match page.headers.get(LOCATION).filter(|_| follows && page.status.is_redirection()) {
            None => return Ok(page),
            Some(to) => url = redirect(&url, &String::from_utf8_lossy(to.as_bytes()), urls)?,
        }
    }
    Err(Failure::Redirects)
}

/// A path below the base URL. The base may end with a slash or not. Without a path: the URL as it is.
fn joined(base: &str, path: &str) -> String {
    if path.is_empty() { base.to_owned() } else { format!("{}{path}", base.trim_end_matches('/')) }
}

fn address(base: &str, path: &str, urls: &UrlPolicy) -> Result<Url, Failure> {
    let text = joined(base, path);
    let url = Url::parse(&text).map_err(|_| Failure::BadRedirect(text))?;
    guarded(url, urls)
}

/// The target of a redirect, if the SSRF guard allows it.
fn redirect(from: &Url, location: &str, urls: &UrlPolicy) -> Result<Url, Failure> {
    let to = from.join(location).map_err(|_| Failure::BadRedirect(location.to_owned()))?;
    guarded(to, urls)
}

fn guarded(url: Url, urls: &UrlPolicy) -> Result<Url, Failure> {
    match urls.check_destination(&url) {
        Ok(()) => Ok(url),
        Err(why) => Err(Failure::Refused { host: host(&url), why }),
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or(url.scheme()).to_owned()
}

fn failure(url: &Url, error: ProbeError) -> Failure {
    match error {
        ProbeError::Refused => {
            Failure::Refused { host: host(url), why: RefusedUrl::SpecialAddress }
        }
        ProbeError::NoConnection(why) => Failure::NoConnection(why),
        ProbeError::Broken(why) => Failure::Broken(why),
    }
}

/// Compares the answer with the registry. Returns the checked header and its value.
fn judge(wanted: &Wanted<'_>, page: &Page) -> Result<Option<(String, String)>, Failure> {
    let check = wanted.check;
    let got = page.status.as_u16();
    if got != check.status {
        return Err(Failure::Status { got, expected: check.status });
    }
    let header = check.header.as_ref().map(|header| judge_header(header, page)).transpose()?;
    match &wanted.body {
        Some(expected) if !String::from_utf8_lossy(&page.body).contains(expected.as_str()) => {
            let commit = check.body.as_ref().is_some_and(BodyText::names_commit);
            Err(Failure::Body { expected: expected.clone(), commit, cut: page.cut })
        }
        _ => Ok(header),
    }
}

fn judge_header(check: &HeaderCheck, page: &Page) -> Result<(String, String), Failure> {
    let values = page.headers.get_all(&check.name).iter();
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let name = check.name.to_string();
    let got = (!values.is_empty()).then(|| values.join(", "));
    let fits = |value: &&String| {
        let value = value.to_lowercase();
        let contained = |text: &String| value.contains(&text.to_lowercase());
        check.contains.is_empty() || check.contains.iter().any(contained)
    };
    match got.as_ref().filter(fits) {
        Some(value) => Ok((name, value.clone())),
        None => Err(Failure::Header { name, got, expected: check.contains.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};
    use rstest::rstest;

    fn wanted(path: &str, status: u16) -> Check {
        let path = path.to_owned();
        Check { target: Target::Frontend, url: None, path, status, header: None, body: None }
    }

    #[rstest]
    #[case("https://app.example.com", "/", "https://app.example.com/")]
    #[case("https://app.example.com/", "/index.html", "https://app.example.com/index.html")]
    #[case("https://api.example.com/prod", "/health", "https://api.example.com/prod/health")]
    #[case("https://api.example.com/status?deep=1", "", "https://api.example.com/status?deep=1")]
    fn a_path_is_below_its_base(#[case] base: &str, #[case] path: &str, #[case] expected: &str) {
        let urls = UrlPolicy::default();
        assert_eq!(address(base, path, &urls).unwrap().as_str(), expected);
    }

    fn refused(host: &str, why: RefusedUrl) -> Result<String, Failure> {
        Err(Failure::Refused { host: host.to_owned(), why })
    }

    #[rstest]
    #[case("/login?to=('x')", Ok("https://app.example.com/login?to=(%27x%27)".to_owned()))]
    #[case("https://www.example.com/", Ok("https://www.example.com/".to_owned()))]
    #[case("//www.example.com/a", Ok("https://www.example.com/a".to_owned()))]
    #[case("http://app.example.com/", refused("app.example.com", RefusedUrl::NotHttps))]
    #[case("file:///etc/passwd", refused("file", RefusedUrl::NotAUrl))]
    #[case("gopher://app.example.com", refused("app.example.com", RefusedUrl::NotHttps))]
    #[case("https://169.254.169.254/", refused("169.254.169.254", RefusedUrl::SpecialAddress))]
    #[case("https://[::ffff:10.0.0.1]/", refused("[::ffff:a00:1]", RefusedUrl::SpecialAddress))]
    #[case("https://2130706433/", refused("127.0.0.1", RefusedUrl::SpecialAddress))]
    #[case("https://localhost/", refused("localhost", RefusedUrl::LocalName))]
    #[case("https://a@www.example.com/", refused("www.example.com", RefusedUrl::Credentials))]
    #[case("https://evil.test/", refused("evil.test", RefusedUrl::NotAllowed))]
    #[case("https://", Err(Failure::BadRedirect("https://".to_owned())))]
    fn a_redirect_is_guarded(#[case] location: &str, #[case] expected: Result<String, Failure>) {
        let pattern = crate::net::url_guard::DomainPattern::parse("*.example.com").unwrap();
        let urls = UrlPolicy { allowed_domains: vec![pattern], safe_local: false };
        let from = Url::parse("https://app.example.com/x").unwrap();
        let got = redirect(&from, location, &urls).map(String::from);
        assert_eq!(got, expected);
    }

    fn page(status: u16, header: Option<&[u8]>, body: &'static str) -> Page {
        let value =
            |bytes| ("cache-control".parse().unwrap(), HeaderValue::from_bytes(bytes).unwrap());
        let headers: HeaderMap = header.into_iter().map(value).collect();
        let status = StatusCode::from_u16(status).unwrap();
        Page { status, headers, body: Bytes::from_static(body.as_bytes()), cut: false }
    }

    fn header(got: Option<&str>) -> Failure {
        let expected = vec!["no-cache".to_owned(), "max-age=0".to_owned()];
        Failure::Header { name: "cache-control".to_owned(), got: got.map(str::to_owned), expected }
    }

    #[rstest]
    #[case(page(200, Some(b"No-Cache"), "hello"), None)]
    #[case(page(200, Some(b"public, max-age=0"), "say hello"), None)]
    #[case(page(503, Some(b"no-cache"), "hello"), Some(Failure::Status { got: 503, expected: 200 }))]
    #[case(page(204, Some(b"no-cache"), "hello"), Some(Failure::Status { got: 204, expected: 200 }))]
    #[case(page(200, None, "hello"), Some(header(None)))]
    #[case(page(200, Some(b"max-age=600"), "hello"), Some(header(Some("max-age=600"))))]
    #[case(page(200, Some(b"\xff"), "hello"), Some(header(Some("\u{fffd}"))))]
    #[case(
        page(200, Some(b"no-cache"), "Hello"),
        Some(Failure::Body { expected: "hello".to_owned(), commit: false, cut: false })
    )]
    fn an_answer_is_compared_with_the_registry(
        #[case] page: Page,
        #[case] expected: Option<Failure>,
    ) {
        let contains = vec!["no-cache".to_owned(), "max-age=0".to_owned()];
        let name = http::header::CACHE_CONTROL;
        let header = Some(HeaderCheck { name, contains });
        let check = Check { header, ..wanted("/", 200) };
        let body = Some("hello".to_owned());
        let wanted = Wanted { base: "https://app.example.com", check: &check, body };
        assert_eq!(judge(&wanted, &page).err(), expected);
    }
}
