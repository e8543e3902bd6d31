//! Which account our token belongs to.
//!
//! <https://docs.github.com/en/rest/users/users#get-the-authenticated-user>

use super::client::Github;
use super::error::GithubError;
use super::run::Account;

/// The account that makes our dispatches, as far as GitHub tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dispatcher {
    Login(String),
    /// An unknown bot: the token is an installation token, which cannot ask for its own login.
    SomeBot,
    /// The server does not tell.
    Unknown,
}

impl Dispatcher {
    /// Whether a run started by this actor can be ours.
    pub fn may_be(&self, actor: Option<&Account>) -> bool {
        let Some(actor) = actor else {
            return *self == Self::Unknown;
        };
        match self {
            Self::Login(login) => actor.login.eq_ignore_ascii_case(login),
            Self::SomeBot => actor.kind.as_deref() == Some("Bot"),
            Self::Unknown => true,
        }
    }
}

impl Github {
    /// Asks GitHub which account the token belongs to.
    pub async fn dispatcher(&self) -> Result<Dispatcher, GithubError> {
        if let Some(login) = self.app_login().await? {
            return Ok(Dispatcher::Login(login));
        }
        match self.get("/user", None).await {
            Ok(answer) => Ok(Dispatcher::Login(answer.json::<Account>()?.login)),
            Err(GithubError::Forbidden(_)) => Ok(Dispatcher::SomeBot),
            Err(GithubError::NotFound) => Ok(Dispatcher::Unknown),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Dispatcher::Login("ada".to_owned()), Some(("Ada", "User")), true)]
    #[case(Dispatcher::Login("ada".to_owned()), Some(("bob", "User")), false)]
    #[case(Dispatcher::Login("ada".to_owned()), None, false)]
    #[case(Dispatcher::SomeBot, Some(("deckhand[bot]", "Bot")), true)]
    #[case(Dispatcher::SomeBot, Some(("ada", "User")), false)]
    #[case(Dispatcher::Unknown, None, true)]
    fn a_run_is_ours_only_if_our_account_started_it(
        #[case] us: Dispatcher,
        #[case] actor: Option<(&str, &str)>,
        #[case] may: bool,
    ) {
        let actor = actor
            .map(|(login, kind)| Account { login: login.to_owned(), kind: Some(kind.to_owned()) });
        assert_eq!(us.may_be(actor.as_ref()), may);
    }
}
