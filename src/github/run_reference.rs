//! How a user names a run: by its id, by its number, or by a URL.
//!
//! One parser for every option that asks for a run. [`Github::run_reference`] reads the text,
//! [`Github::referenced_run`] reads the run.

use url::Url;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::run::Run;
use super::runs::Tag;

/// A run as a user names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunReference {
    /// By its id, which is unique on the server: `15000001013`, or a URL.
    Id(u64),
    /// By its number within its workflow: `#41`.
    Number(u64),
}

/// Why a text names no run of the repository, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotARun {
    /// It has no known form.
    #[error("it is no id (digits), no number (`#41`) and no URL of a run")]
    Unreadable,
    /// The URL is of another server.
    #[error("it does not lead to the GitHub that this bot works with")]
    Elsewhere,
    /// The URL is of another repository.
    #[error("it is of another repository than the one that this bot deploys")]
    OtherRepository,
    /// The URL is not of a run.
    #[error("it does not lead to a run (…/actions/runs/<id>)")]
    NoRun,
}

impl Github {
    /// Reads the text by which a user names a run of this repository: an id, `#number`, or the URL of its
    /// page or of its API resource.
    pub(crate) fn run_reference(
        &self,
        repository: &Repository,
        text: &str,
    ) -> Result<RunReference, NotARun> {
        let page = self.repository_page(repository);
        let resource = format!("{}/repos/{repository}", self.settings.api_base);
        parse(text, &[&page, &resource])
    }

    /// Reads the named run. A number is one of this workflow's. `None`: there is no such run.
    pub(crate) async fn referenced_run(
        &self,
        repository: &Repository,
        workflow: &str,
        reference: RunReference,
    ) -> Result<Option<Run>, GithubError> {
        match reference {
            RunReference::Id(id) => match self.run(repository, id, &mut Tag::default()).await {
                Err(GithubError::NotFound) => Ok(None),
                run => run,
            },
            RunReference::Number(number) => self.numbered_run(repository, workflow, number).await,
        }
    }
}

/// `repository_urls` are the URLs below which the runs of the one allowed repository are.
///
/// What follows the id in a URL (an attempt, a job, a query) is ignored. `<…>` around a URL, as it is pasted
/// in Discord, and `Run` before a number, as messages show it, are no part of it.
fn parse(text: &str, repository_urls: &[&str]) -> Result<RunReference, NotARun> {
    let text = text.trim();
    let text = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(text);
    let text = match text.split_at_checked(4) {
        Some((run, rest)) if run.eq_ignore_ascii_case("run ") => rest.trim(),
        _ => text,
    };
    if let Some(number) = text.strip_prefix('#') {
        return digits(number.trim()).map(RunReference::Number).ok_or(NotARun::Unreadable);
    }
    if let Some(id) = digits(text) {
        return Ok(RunReference::Id(id));
    }
    if !text.contains('/') {
        return Err(NotARun::Unreadable);
    }
    let results = repository_urls.iter().map(|base| id_in_url(text, base));
    // If no base fits, the reason that got furthest says most.
    let best = results.reduce(|best, other| match (&best, &other) {
        (Ok(_), _) => best,
        (_, Ok(_)) | (Err(NotARun::Elsewhere | NotARun::Unreadable), _) => other,
        _ => best,
    });
    best.unwrap_or(Err(NotARun::Unreadable)).map(RunReference::Id)
}

/// The id in a URL below this one.
fn id_in_url(text: &str, base: &str) -> Result<u64, NotARun> {
    let base = Url::parse(base).map_err(|_| NotARun::Elsewhere)?;
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("{}://{text}", base.scheme()))
    };
    let url = url.map_err(|_| NotARun::Unreadable)?;
    let place = |url: &Url| {
        let host = url.host_str().map(|host| host.strip_prefix("www.").unwrap_or(host).to_owned());
        (url.scheme().to_owned(), host, url.port_or_known_default())
    };
    if place(&url) != place(&base) || !url.username().is_empty() || url.password().is_some() {
        return Err(NotARun::Elsewhere);
    }
    let mut segments = url.path_segments().ok_or(NotARun::NoRun)?;
    for expected in base.path_segments().into_iter().flatten() {
        // Names are case-insensitive on GitHub.
        if !segments.next().is_some_and(|given| given.eq_ignore_ascii_case(expected)) {
            return Err(NotARun::OtherRepository);
        }
    }
    match (segments.next(), segments.next(), segments.next()) {
        (Some("actions"), Some("runs"), Some(id)) => digits(id).ok_or(NotARun::NoRun),
        _ => Err(NotARun::NoRun),
    }
}

/// A positive whole number, in digits only.
fn digits(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| all_digits && *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const BASES: [&str; 2] = [
        "https://github.com/octo-org/web-client",
        "https://api.github.com/repos/octo-org/web-client",
    ];
    const GHES: [&str; 2] = [
        "https://ghes.example.com/octo-org/web-client",
        "https://ghes.example.com/api/v3/repos/octo-org/web-client",
    ];

    #[rstest]
    #[case("15000001013", RunReference::Id(15_000_001_013))]
    #[case(" 7 ", RunReference::Id(7))]
    #[case("#41", RunReference::Number(41))]
    #[case(" # 41", RunReference::Number(41))]
    #[case::as_messages_show_it("Run #41", RunReference::Number(41))]
    #[case::without_a_number("run 15", RunReference::Id(15))]
    #[case("https://github.com/octo-org/web-client/actions/runs/15", RunReference::Id(15))]
    #[case(" https://GitHub.com/Octo-Org/web-client/actions/runs/15/ ", RunReference::Id(15))]
    #[case(
        "https://github.com/octo-org/web-client/actions/runs/15/attempts/2",
        RunReference::Id(15)
    )]
    #[case(
        "https://github.com/octo-org/web-client/actions/runs/15/job/7?pr=1#step:2:1",
        RunReference::Id(15)
    )]
    #[case("https://github.com/octo-org/web-client/actions/runs/15/workflow", RunReference::Id(15))]
    #[case(
        "https://github.com/octo-org/web-client/actions/runs/15?check_suite_focus=true",
        RunReference::Id(15)
    )]
    #[case("https://github.com:443/octo-org/web-client/actions/runs/15", RunReference::Id(15))]
    #[case("<https://github.com/octo-org/web-client/actions/runs/15>", RunReference::Id(15))]
    #[case("https://www.github.com/octo-org/web-client/actions/runs/15", RunReference::Id(15))]
    #[case("github.com/octo-org/web-client/actions/runs/15", RunReference::Id(15))]
    #[case(
        "https://api.github.com/repos/octo-org/web-client/actions/runs/15",
        RunReference::Id(15)
    )]
    #[case(
        "https://api.github.com/repos/octo-org/web-client/actions/runs/15/jobs",
        RunReference::Id(15)
    )]
    fn a_run_is_named_by_id_number_or_url(#[case] text: &str, #[case] expected: RunReference) {
        assert_eq!(parse(text, &BASES), Ok(expected));
    }

    #[rstest]
    #[case("https://ghes.example.com/octo-org/web-client/actions/runs/15/attempts/3")]
    #[case("https://ghes.example.com/api/v3/repos/octo-org/web-client/actions/runs/15")]
    fn an_enterprise_server_has_urls_of_its_own(#[case] text: &str) {
        assert_eq!(parse(text, &GHES), Ok(RunReference::Id(15)));
        assert_eq!(parse(text, &BASES), Err(NotARun::Elsewhere));
    }

    #[rstest]
    #[case("https://github.com/octo-org/api/actions/runs/15", NotARun::OtherRepository)]
    #[case("https://github.com/evil/web-client/actions/runs/15", NotARun::OtherRepository)]
    #[case("https://github.com/octo-org/web-client2/actions/runs/15", NotARun::OtherRepository)]
    #[case("https://github.com//octo-org/web-client/actions/runs/15", NotARun::OtherRepository)]
    #[case(
        "https://github.com/octo-org/web-client/../api/actions/runs/15",
        NotARun::OtherRepository
    )]
    #[case("https://api.github.com/repos/octo-org/api/actions/runs/15", NotARun::OtherRepository)]
    #[case("https://github.com/octo-org/web-client/actions/runs/15x", NotARun::NoRun)]
    #[case("https://github.com/octo-org/web-client/actions/runs/0", NotARun::NoRun)]
    #[case("https://github.com/octo-org/web-client/actions/runs/", NotARun::NoRun)]
    #[case("https://github.com/octo-org/web-client/runs/15", NotARun::NoRun)]
    #[case("https://github.com/octo-org/web-client/pull/15", NotARun::NoRun)]
    #[case("https://github.com/octo-org/web-client", NotARun::NoRun)]
    #[case("http://github.com/octo-org/web-client/actions/runs/15", NotARun::Elsewhere)]
    #[case("https://github.com.evil.test/octo-org/web-client/actions/runs/15", NotARun::Elsewhere)]
    #[case("https://github.com@evil.test/octo-org/web-client/actions/runs/15", NotARun::Elsewhere)]
    #[case("https://ada@github.com/octo-org/web-client/actions/runs/15", NotARun::Elsewhere)]
    #[case("https://github.com:8443/octo-org/web-client/actions/runs/15", NotARun::Elsewhere)]
    #[case("7/../8", NotARun::Elsewhere)]
    #[case("//", NotARun::Unreadable)]
    #[case("", NotARun::Unreadable)]
    #[case("#", NotARun::Unreadable)]
    #[case("#0", NotARun::Unreadable)]
    #[case("0", NotARun::Unreadable)]
    #[case("-1", NotARun::Unreadable)]
    #[case("+1", NotARun::Unreadable)]
    #[case("1e3", NotARun::Unreadable)]
    #[case("the latest", NotARun::Unreadable)]
    #[case("łłłł", NotARun::Unreadable)]
    #[case("99999999999999999999999", NotARun::Unreadable)]
    fn what_names_no_run_of_the_repository_is_refused(
        #[case] text: &str,
        #[case] expected: NotARun,
    ) {
        assert_eq!(parse(text, &BASES), Err(expected));
    }
}
