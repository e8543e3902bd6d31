//! The repositories that our sign-in can see.
//!
//! <https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user>
//! <https://docs.github.com/en/rest/apps/installations#list-repositories-accessible-to-the-app-installation>

use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::settings::SignIn;

/// A repository in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRepository {
    pub repository: Repository,
    pub default_branch: String,
}

impl Github {
    /// The repositories to which the account may write, the latest pushed first; at most 300. Archived ones are left
    /// out.
    pub async fn repositories(&self) -> Result<Vec<ListedRepository>, GithubError> {
        let list = match &self.settings.sign_in {
            SignIn::Token(_) => "/user/repos?sort=pushed",
            SignIn::App(_) => "/installation/repositories",
        };
        let (all, _) = self.items(list, "repositories", 3).await?;
        Ok(all.iter().filter(|one| is_usable(one)).filter_map(listed).collect())
    }

    /// One repository by its name. An error if the token cannot see it.
    pub async fn listed_repository(
        &self,
        repository: &Repository,
    ) -> Result<ListedRepository, GithubError> {
        let body: Value = self.get_with_retry(&format!("/repos/{repository}")).await?.json()?;
        listed(&body).ok_or_else(|| GithubError::Lost("it is no repository".to_owned()))
    }
}

/// Whether a workflow can be started there. An installation of an App says nothing of `permissions`.
fn is_usable(one: &Value) -> bool {
    let is = |path: &str| one.pointer(path).and_then(Value::as_bool);
    is("/archived") != Some(true) && is("/permissions/push") != Some(false)
}

fn listed(one: &Value) -> Option<ListedRepository> {
    let text = |key: &str| one.get(key).and_then(Value::as_str);
    Some(ListedRepository {
        repository: text("full_name")?.parse().ok()?,
        default_branch: text("default_branch").unwrap_or("main").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::usual(json!({"permissions": {"push": true}, "archived": false}), true)]
    #[case::of_an_app(json!({}), true)]
    #[case::read_only(json!({"permissions": {"push": false}}), false)]
    #[case::archived(json!({"permissions": {"push": true}, "archived": true}), false)]
    fn only_where_a_workflow_can_be_started(#[case] one: Value, #[case] usable: bool) {
        assert_eq!(is_usable(&one), usable);
    }
}
