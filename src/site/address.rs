//! Whether the address that is checked is the one that the repository names.
//!
//! `/set-frontend` writes the repository's variable, which the workflows read. The checks ask the address in
//! Deckhand's settings. A secret, like that of `/set-api-base`, cannot be read, so nothing is said of it.

use futures_util::future::join_all;
use url::Url;

use super::settings::Settings;
use crate::agents::verification::{Check, Target};
use crate::github::{Github, GithubError, Repository};
use crate::text::escape;

/// What is to be said of a target's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// The repository's variable is another one. Both in safe Markdown.
    Differs { name: &'static str, checked: String, variable: String },
    /// The variable could not be read.
    Unknown { name: &'static str, why: Unread },
}

/// Why a variable could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    NoPermission,
    Trouble,
}

/// Compares the settings that the checks use with the repository's variables. No finding: they are the same, or
/// there is no such variable.
pub(crate) async fn compare(
    github: &Github,
    repository: &Repository,
    site: &Settings,
    checks: &[Check],
) -> Vec<Address> {
    let asks = |target| checks.iter().any(|check| check.target == target && check.url.is_none());
    let targets = [Target::Frontend, Target::Api].into_iter().filter(|target| asks(*target));
    let compared = targets.filter_map(|target| {
        let (name, base) = (target.setting()?, site.base(target)?);
        Some(async move {
            let mut variable = github.variable(repository, name).await;
            let own = github.default_repository();
            if variable == Ok(None) && repository != own {
                // `/set-frontend` writes there.
                variable = github.variable(own, name).await;
            }
            judge(name, base, variable)
        })
    });
    join_all(compared).await.into_iter().flatten().collect()
}

fn judge(
    name: &'static str,
    base: &str,
    variable: Result<Option<String>, GithubError>,
) -> Option<Address> {
    match variable {
        Ok(None) => None,
        Ok(Some(variable)) if variable.trim().is_empty() || is_same(base, &variable) => None,
        Ok(Some(variable)) => {
            let (checked, mut variable) = (shown(base), shown(&variable));
            if variable == checked {
                // What differs is not shown: a query, or what is after the cut.
                variable.push_str(" and more");
            }
            Some(Address::Differs { name, checked, variable })
        }
        Err(error) => {
            tracing::info!(%error, name, "the variable could not be compared");
            let why = if error.lacks_access() { Unread::NoPermission } else { Unread::Trouble };
            Some(Address::Unknown { name, why })
        }
    }
}

fn is_same(one: &str, other: &str) -> bool {
    let normal = |text: &str| {
        let url = Url::parse(text.trim()).ok()?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    };
    normal(one).is_some_and(|one| Some(one) == normal(other))
}

/// A URL as text. What is none, or holds a password, is not shown.
fn shown(text: &str) -> String {
    let Ok(mut url) = Url::parse(text.trim()) else { return "no URL".to_owned() };
    if !matches!(url.scheme(), "https" | "http") {
        return "no https URL".to_owned();
    }
    if !url.username().is_empty() || url.password().is_some() {
        return "a URL with a password".to_owned();
    }
    url.set_query(None);
    url.set_fragment(None);
    escape::code(url.as_str().trim_end_matches('/'), 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NAME: &str = "FRONTEND_BASE_URL";

    #[rstest]
    #[case::same("https://app.example.com", None)]
    #[case::with_a_slash("https://app.example.com/", None)]
    #[case::written_in_another_way(" HTTPS://App.Example.com:443\n", None)]
    #[case::empty("", None)]
    #[case::another_host("https://new.example.com", Some("`https://new.example.com`"))]
    #[case::another_path("https://app.example.com/v2", Some("`https://app.example.com/v2`"))]
    #[case::not_https("http://app.example.com", Some("`http://app.example.com`"))]
    #[case::words("soon", Some("no URL"))]
    #[case::script("javascript:alert(1)", Some("no https URL"))]
    #[case::password("https://ada:pw@app.example.com", Some("a URL with a password"))]
    #[case::token("https://app.example.com/?token=x#y", Some("`https://app.example.com` and more"))]
    #[case::hostile(
        "https://x.example.com/`@everyone`",
        Some("`https://x.example.com/%60@everyone%60`")
    )]
    fn another_address_in_the_repository_is_found(
        #[case] variable: &str,
        #[case] expected: Option<&str>,
    ) {
        let found = judge(NAME, "https://app.example.com", Ok(Some(variable.to_owned())));
        let expected = expected.map(|variable| Address::Differs {
            name: NAME,
            checked: "`https://app.example.com`".to_owned(),
            variable: variable.to_owned(),
        });
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case(GithubError::Forbidden("Resource not accessible by integration".to_owned()), Unread::NoPermission)]
    #[case(GithubError::Forbidden("This installation has been suspended".to_owned()), Unread::Trouble)]
    #[case(GithubError::Lost("502".to_owned()), Unread::Trouble)]
    fn what_cannot_be_read_is_said(#[case] error: GithubError, #[case] why: Unread) {
        let found = judge(NAME, "https://app.example.com", Err(error));
        assert_eq!(found, Some(Address::Unknown { name: NAME, why }));
    }
}
