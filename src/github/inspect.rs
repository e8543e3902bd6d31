//! Read-only requests of the doctor: the token's permissions, its rate limit, a workflow's text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::client::Github;
use super::error::GithubError;
use super::path::segment;
use super::permission::Permission;
use super::repository::Repository;

/// GitHub accepts no workflow file above 512 KiB.
const MAX_FILE_BYTES: usize = 512 * 1024;

/// The token's rate limit. <https://docs.github.com/en/rest/rate-limit/rate-limit>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests per hour.
    pub limit: u64,
    /// Requests left in this hour.
    pub remaining: u64,
    /// When the hour ends.
    pub reset: Option<DateTime<Utc>>,
    /// The scopes of a classic token; other tokens have none.
    pub scopes: Option<String>,
}

/// A repository that the token can see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenRepository {
    /// Whether the account may write to it; `None` if GitHub does not say.
    pub may_push: Option<bool>,
    /// Its name now, if that is not the one that was asked for.
    pub renamed: Option<Repository>,
}

#[derive(Deserialize)]
struct Limits {
    resources: Resources,
}

#[derive(Deserialize)]
struct Resources {
    core: Core,
}

#[derive(Deserialize)]
struct Core {
    limit: u64,
    remaining: u64,
    reset: i64,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    content: String,
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    size: usize,
}

impl Github {
    /// Reads the rate limit; this request does not count against it. `None`: this server sets no limit.
    pub async fn rate_limit(&self) -> Result<Option<RateLimit>, GithubError> {
        let answer = match self.get_with_retry("/rate_limit").await {
            Err(GithubError::NotFound) => return Ok(None),
            answer => answer?,
        };
        let Core { limit, remaining, reset } = answer.json::<Limits>()?.resources.core;
        let reset = DateTime::from_timestamp(reset, 0);
        Ok(Some(RateLimit { limit, remaining, reset, scopes: answer.scopes }))
    }

    /// What GitHub says of a repository. An error if the token cannot see it.
    pub async fn seen_repository(
        &self,
        repository: &Repository,
    ) -> Result<SeenRepository, GithubError> {
        let body: Value = self.get_with_retry(&format!("/repos/{repository}")).await?.json()?;
        let asked = repository.to_string();
        let name = body.get("full_name").and_then(Value::as_str);
        let renamed = name.filter(|name| !name.eq_ignore_ascii_case(&asked));
        Ok(SeenRepository {
            may_push: body.pointer("/permissions/push").and_then(Value::as_bool),
            renamed: renamed.and_then(|name| name.parse().ok()),
        })
    }

    /// Sends a small request that needs this permission.
    pub async fn try_to_read(
        &self,
        repository: &Repository,
        permission: Permission,
    ) -> Result<(), GithubError> {
        let path = format!("/repos/{repository}/{}", permission.path());
        self.get_with_retry(&path).await.map(drop)
    }

    /// The text of a workflow file on a branch or tag.
    pub async fn workflow_text(
        &self,
        repository: &Repository,
        file: &str,
        git_ref: &str,
    ) -> Result<String, GithubError> {
        let text = self.workflow_file(repository, file, git_ref).await?;
        text.map_err(|why| GithubError::Lost(why.to_owned()))
    }

    /// The same; the inner error says what is wrong with this one file.
    pub async fn workflow_file(
        &self,
        repository: &Repository,
        file: &str,
        git_ref: &str,
    ) -> Result<Result<String, &'static str>, GithubError> {
        let git_ref: String = byte_serialize(git_ref.as_bytes()).collect();
        let file = segment(file);
        let path = format!("/repos/{repository}/contents/.github/workflows/{file}?ref={git_ref}");
        let answer = self.get_with_retry(&path).await?;
        let file = answer.json::<File>().map_err(|_| "it is no file that can be read");
        Ok(file.and_then(|file| decoded(&file)))
    }
}

fn decoded(file: &File) -> Result<String, &'static str> {
    if file.size > MAX_FILE_BYTES || file.content.len() > MAX_FILE_BYTES * 2 {
        return Err("the file is too large for a workflow");
    }
    if file.encoding != "base64" {
        return Err("the file comes in an unknown encoding");
    }
    let content: String = file.content.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(content).map_err(|_| "the file's content is damaged")?;
    String::from_utf8(bytes).map_err(|_| "the file is no text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("bmFt\nZTog\neA==\n", "base64", 7, Ok("name: x"))]
    #[case("", "base64", 0, Ok(""))]
    #[case("", "none", 2_000_000, Err("the file is too large for a workflow"))]
    #[case("", "none", 10, Err("the file comes in an unknown encoding"))]
    #[case("!", "base64", 1, Err("the file's content is damaged"))]
    #[case("//8=", "base64", 2, Err("the file is no text"))]
    fn a_files_content_is_decoded_or_refused_with_a_reason(
        #[case] content: &str,
        #[case] encoding: &str,
        #[case] size: usize,
        #[case] expected: Result<&str, &str>,
    ) {
        let file = File { content: content.to_owned(), encoding: encoding.to_owned(), size };
        assert_eq!(decoded(&file), expected.map(str::to_owned));
    }
}
