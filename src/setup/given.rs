//! The files that the flags name: read or looked at before the first question, so that nothing is done in vain.

use std::io::{IsTerminal, Read};
use std::path::Path;

use tokio::sync::oneshot;

use super::flags::Flags;
use super::stopped::Stopped;
use super::{files, package};
use crate::secrets::{Secret, mistake};

pub(super) const BOT_TOKEN: &str = "--bot-token-file";
pub(super) const GITHUB_TOKEN: &str = "--github-token-file";

/// The most bytes of a file with a token.
const LONGEST: u64 = 64 * 1024;

/// The secrets in the files of the flags.
#[derive(Default)]
pub(super) struct Given {
    pub bot_token: Option<Secret>,
    pub github_token: Option<Secret>,
}

impl Given {
    /// Reads the secrets, once: a file may be a pipe. Looks at the other files.
    pub(super) async fn read(flags: &Flags) -> Result<Self, Stopped> {
        let flags = flags.clone();
        let (done, given) = oneshot::channel();
        // A thread of its own: Ctrl-C must end this while nobody writes to the pipe.
        let reads = std::thread::Builder::new().spawn(move || done.send(Self::read_now(&flags)));
        reads.map_err(|error| Stopped::mend(format!("No thread can be started ({error}).")))?;
        given.await.unwrap_or(Err(Stopped::Interrupted))
    }

    fn read_now(flags: &Flags) -> Result<Self, Stopped> {
        let tokens = [&flags.bot_token_file, &flags.github_token_file];
        if tokens.iter().all(|file| file.as_deref() == Some(Path::new("-"))) {
            return Err(Stopped::mend(format!(
                "Standard input holds one token only: give the file of {BOT_TOKEN} or of {GITHUB_TOKEN}."
            )));
        }
        if let Some(zip) = &flags.zip {
            package::architecture(zip)?;
        }
        files::check(&flags.agents, flags.dry_run)?;
        let of =
            |file: &Option<_>, flag| file.as_deref().map(|file| secret(file, flag)).transpose();
        let given = Self {
            bot_token: of(&flags.bot_token_file, BOT_TOKEN)?,
            github_token: of(&flags.github_token_file, GITHUB_TOKEN)?,
        };
        if let Some(token) = &given.github_token {
            mistake::github_token(token.expose())
                .map_err(|why| Stopped::mend(format!("The file of {GITHUB_TOKEN}: {why}.")))?;
        }
        Ok(given)
    }
}

fn secret(file: &Path, flag: &str) -> Result<Secret, Stopped> {
    let bad = |why: &str| Stopped::mend(format!("{flag} {}: {why}.", file.display()));
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        let input = std::io::stdin();
        if input.is_terminal() {
            return Err(bad(
                "standard input is a terminal, which would show the token. Leave the flag out: it is asked \
                 for, and not shown",
            ));
        }
        input.lock().take(LONGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
    };
    let read = read.map_err(|error| bad(&format!("cannot be read ({error})")))?;
    if u64::try_from(read).is_ok_and(|read| read > LONGEST) {
        return Err(bad("it is too large for a token"));
    }
    match str::from_utf8(&bytes).map(str::trim) {
        Ok("") => Err(bad("it is empty")),
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(bad("it is no text")),
    }
}
