//! Whose token we use.
//!
//! <https://docs.github.com/en/rest/users/users#get-the-authenticated-user>

use super::client::Github;
use super::error::GithubError;
use super::run::Account;

/// Who dispatches with our token, as far as GitHub tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dispatcher {
    /// This account.
    Login(String),
    /// An installation's token that was given to us: it may not ask for its own name, but it is a bot.
    SomeBot,
    /// The server does not tell.
    Unknown,
}

impl Dispatcher {
    /// Whether a run of this actor can be ours.
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
    /// Asks whose token this is.
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
    fn only_our_account_can_have_made_our_run(
        #[case] us: Dispatcher,
        #[case] actor: Option<(&str, &str)>,
        #[case] may: bool,
    ) {
        let actor = actor
            .map(|(login, kind)| Account { login: login.to_owned(), kind: Some(kind.to_owned()) });
        assert_eq!(us.may_be(actor.as_ref()), may);
    }
}
