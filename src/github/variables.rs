//! Repository variables.
//!
//! <https://docs.github.com/en/rest/actions/variables>

use serde::Deserialize;
use serde_json::json;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use crate::secrets::Secret;

#[derive(Deserialize)]
struct Variable {
    value: String,
}

impl Github {
    /// A variable's value. `None`: there is none of this name.
    pub async fn variable(
        &self,
        repository: &Repository,
        name: &str,
    ) -> Result<Option<String>, GithubError> {
        match self.get_detail(&format!("/repos/{repository}/actions/variables/{name}"), None).await
        {
            Ok(answer) => Ok(Some(answer.json::<Variable>()?.value)),
            Err(GithubError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the repository has this variable.
    pub async fn has_variable(
        &self,
        repository: &Repository,
        name: &str,
    ) -> Result<bool, GithubError> {
        match self.get(&format!("/repos/{repository}/actions/variables/{name}"), None).await {
            Ok(_) => Ok(true),
            Err(GithubError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Creates a variable. Fails if it exists.
    pub async fn create_variable(
        &self,
        repository: &Repository,
        name: &str,
        value: &Secret,
    ) -> Result<(), GithubError> {
        let path = format!("/repos/{repository}/actions/variables");
        let body = json!({"name": name, "value": value.expose()});
        self.post(&path, &body).await.map(drop)
    }

    /// Updates a variable. Fails if it does not exist.
    pub async fn update_variable(
        &self,
        repository: &Repository,
        name: &str,
        value: &Secret,
    ) -> Result<(), GithubError> {
        let path = format!("/repos/{repository}/actions/variables/{name}");
        let body = json!({"value": value.expose()});
        self.patch(&path, &body).await.map(drop)
    }
}
