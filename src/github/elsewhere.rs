//! Downloads from another server: GitHub answers some requests with a link to where the file is stored. The link is signed
//! and lives for a minute, so it gets no token.

use bytes::Bytes;
use http::header::{RANGE, USER_AGENT};
use http::{Request, Response, StatusCode};
use url::Url;

use super::client::{AGENT, Ask, Github, location};
use super::error::GithubError;
use crate::net::elsewhere::{Elsewhere, Keep};

/// How often a link leads on at most.
const MOST_REDIRECTS: usize = 2;

/// Where a download is.
pub(super) enum Way {
    /// GitHub itself has sent it.
    Sent(Bytes),
    /// There.
    Link(String),
}

impl Github {
    /// Downloads a file whole.
    pub(super) async fn get_elsewhere(&self, path: &str) -> Result<Bytes, GithubError> {
        let link = match self.way(&Ask::elsewhere(path, false)).await? {
            Way::Sent(file) => return Ok(file),
            Way::Link(link) => link,
        };
        let response = self.follow(&link, None, Keep::All).await?;
        if response.status().is_success() {
            Ok(response.into_body())
        } else {
            Err(refused(response.status()))
        }
    }

    /// Asks where a file is.
    pub(super) async fn way(&self, ask: &Ask<'_>) -> Result<Way, GithubError> {
        let response = self.exchange(ask).await?;
        Ok(match location(&response).filter(|_| response.status().is_redirection()) {
            Some(link) => Way::Link(link.to_owned()),
            None => Way::Sent(response.into_body()),
        })
    }

    /// Follows a link, for all of the file or a range of it, also if it leads on.
    pub(super) async fn follow(
        &self,
        link: &str,
        range: Option<String>,
        keep: Keep,
    ) -> Result<Response<Bytes>, GithubError> {
        let lost = |why: String| GithubError::Lost(why);
        let unreadable = |error: url::ParseError| lost(format!("an unreadable link: {error}"));
        let named_by = Url::parse(&self.settings.api_base).map_err(unreadable)?;
        let mut link = named_by.join(link).map_err(unreadable)?;
        let mut redirects = 0;
        loop {
            let mut request = Request::get(link.as_str()).header(USER_AGENT, AGENT);
            if let Some(range) = &range {
                request = request.header(RANGE, range);
            }
            let elsewhere = Elsewhere { named_by: named_by.clone(), keep };
            let request = request.extension(elsewhere).body(Bytes::new());
            let response = self.send(request.map_err(|error| lost(error.to_string()))?).await?;
            let next = location(&response).filter(|_| response.status().is_redirection());
            match next {
                Some(next) if redirects < MOST_REDIRECTS => {
                    link = link.join(next).map_err(unreadable)?;
                    redirects += 1;
                }
                _ => return Ok(response),
            }
        }
    }
}

/// The storage refuses to send the file.
pub(super) fn refused(status: StatusCode) -> GithubError {
    GithubError::Lost(format!("status {}", status.as_u16()))
}
