//! What a test looks at and changes without a request.

use super::{
    jwt::{APP_ID, CLIENT_ID, INSTALLATION_ID, KEY},
    renamed::Renamed,
    run::{NewRun, Run},
    standin::Github,
    state::Dispatch,
};
use crate::request::Request;

impl Github {
    /// Renames a repository, with its runs.
    pub fn rename(&self, renamed: Renamed) {
        let mut state = self.shared.state();
        for run in &mut state.runs {
            if run.repo.as_ref() == Some(&renamed.from) {
                run.repo = Some(renamed.to.clone());
            }
        }
        state.scenario.renamed = Some(renamed);
    }

    /// The writes that the bot sent and nobody has read, one line each; without an App's sign-in,
    /// which changes nothing, and without those that a [`Fault`] kept from being processed. Reading
    /// is [`Github::requests`], [`Github::dispatches`], [`Github::variable`] or [`Github::secret`].
    ///
    /// [`Fault`]: super::fault::Fault
    pub fn unread(&self) -> Vec<String> {
        self.shared.state().unread.lines()
    }

    /// Every request received, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        let mut state = self.shared.state();
        state.unread.read_all();
        state.requests.clone()
    }

    /// The requests received since the one of this number, the first of which is 0. Does not count as a look.
    pub fn requests_since(&self, number: usize) -> Vec<Request> {
        self.shared.state().requests.iter().skip(number).cloned().collect()
    }

    /// Every dispatch accepted, oldest first.
    pub fn dispatches(&self) -> Vec<Dispatch> {
        let mut state = self.shared.state();
        state.unread.read_dispatches();
        state.dispatches.clone()
    }

    /// Every run, oldest first, also those that cannot be seen yet.
    pub fn runs(&self) -> Vec<Run> {
        let now = self.shared.clock.now();
        self.shared.state().runs.iter().map(|run| run.current(now).clone()).collect()
    }

    /// Adds a run that somebody else started; returns its id.
    pub fn add_run(&self, new: NewRun) -> u64 {
        self.add_runs([new])[0]
    }

    /// Adds runs that somebody else started; returns their ids.
    pub fn add_runs(&self, new: impl IntoIterator<Item = NewRun>) -> Vec<u64> {
        let now = self.shared.clock.now();
        self.shared.state().add_runs(now, new)
    }

    /// A repository variable's value.
    pub fn variable(&self, name: &str) -> Option<String> {
        let mut state = self.shared.state();
        state.unread.read_named("variables", name);
        let found = state.variables.iter().find(|known| known.name.eq_ignore_ascii_case(name));
        found.map(|variable| variable.value.clone())
    }

    /// Sets a repository variable, as somebody on GitHub's pages would.
    pub fn set_variable(&self, name: &str, value: &str) {
        let now = self.shared.clock.now();
        self.shared.state().set_variable(name, value, now);
    }

    /// A repository secret's value, as it came out of its sealed box.
    pub fn secret(&self, name: &str) -> Option<String> {
        let state = &mut *self.shared.state();
        state.unread.read_named("secrets", name);
        let secrets = &state.secrets;
        secrets.find(name).map(|index| secrets.all[index].value.clone())
    }

    /// Replaces the key pair: values sealed for the old one are refused from now on.
    pub fn rotate_secrets_key(&self) {
        self.shared.state().secrets.rotate_key();
    }

    /// The App's private key as GitHub gives it out: PKCS #1 in PEM. It is for tests only.
    pub fn app_private_key_pem(&self) -> &'static str {
        KEY
    }

    /// The App's id.
    pub fn app_id(&self) -> u64 {
        APP_ID
    }

    /// The App's client id, which may stand in a JWT instead of its id.
    pub fn app_client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// The id of its one installation.
    pub fn installation_id(&self) -> u64 {
        INSTALLATION_ID
    }

    /// How many installation tokens were issued.
    pub fn tokens_issued(&self) -> usize {
        self.shared.state().issued.len()
    }

    /// Every installation token issued, oldest first, also those that ended.
    pub fn installation_tokens(&self) -> Vec<String> {
        self.shared.state().issued.iter().map(|issued| issued.token.clone()).collect()
    }
}
