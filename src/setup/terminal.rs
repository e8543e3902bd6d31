//! The person at a terminal. Questions go to standard error, so that the output can be kept; secrets are not shown.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use tokio::sync::oneshot;

use super::person::{NoAnswer, Person, Question};
use crate::secrets::Secret;

/// The most characters of an answer.
const LONGEST: usize = 64 * 1024;

/// The person at standard input and standard error.
#[derive(Debug, Default)]
pub struct Terminal;

impl Person for Terminal {
    fn tell(&self, text: &str) {
        // Whoever closes the pipe does not want it.
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Secret, NoAnswer>> {
        let question = question.clone();
        Box::pin(async move {
            if !io::stdin().is_terminal() {
                return Err(NoAnswer::NoTerminal);
            }
            // Dropped with this future, too, when a signal ends the program.
            let _before = question.is_secret.then(hide).transpose()?;
            let (answered, answer) = oneshot::channel();
            // The end of the runtime would wait for a thread of its own, and this one for a key.
            let reads = std::thread::Builder::new().spawn(move || answered.send(ask(&question)));
            reads.map_err(|_| NoAnswer::Interrupted)?;
            answer.await.unwrap_or(Err(NoAnswer::Interrupted))
        })
    }

    fn wait(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

fn ask(question: &Question) -> Result<Secret, NoAnswer> {
    let default = question.default.as_ref().map(|default| format!(" [{default}]"));
    let hidden = if question.is_secret { " (not shown)" } else { "" };
    let prompt = format!("? {}{hidden}{}: ", question.text, default.unwrap_or_default());
    if question.is_secret {
        // Only now: nothing shows any more.
        show(&prompt);
        let line = read_line(io::stdin().lock());
        show("\n");
        return line;
    }
    show(&prompt);
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(read) if read > 0 => Ok(Secret::new(line.trim())),
        _ => Err(NoAnswer::Interrupted),
    }
}

fn show(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Puts the terminal back as it was.
struct Before(Termios);

impl Drop for Before {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Has the terminal show nothing that is typed. Ctrl-C arrives as a character: if it ended the program, the terminal
/// would go on hiding.
fn hide() -> Result<Before, NoAnswer> {
    let before = tcgetattr(io::stdin()).map_err(|_| NoAnswer::NoTerminal)?;
    let mut hidden = before.clone();
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
    hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
    let before = Before(before);
    tcsetattr(io::stdin(), OptionalActions::Now, &hidden).map_err(|_| NoAnswer::NoTerminal)?;
    Ok(before)
}

/// A line of keys, as a terminal would make one of them.
fn read_line(keys: impl BufRead) -> Result<Secret, NoAnswer> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const BACKSPACE: [u8; 2] = [8, 127];
    const ERASE: u8 = 21;
    let mut line: Vec<u8> = Vec::new();
    for key in keys.bytes() {
        match key.map_err(|_| NoAnswer::Interrupted)? {
            b'\r' | b'\n' => return Ok(Secret::new(String::from_utf8_lossy(&line).trim())),
            INTERRUPT | END => return Err(NoAnswer::Interrupted),
            key if BACKSPACE.contains(&key) => drop(line.pop()),
            ERASE => line.clear(),
            key if line.len() < LONGEST => line.push(key),
            _ => {}
        }
    }
    Err(NoAnswer::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::line(b"secret\n", Ok("secret"))]
    #[case::pasted(b"  secret \r\n", Ok("secret"))]
    #[case::mended(b"wrong\x15secx\x7fret\n", Ok("secret"))]
    #[case::empty(b"\n", Ok(""))]
    #[case::interrupted(b"sec\x03", Err(NoAnswer::Interrupted))]
    #[case::ended(b"\x04", Err(NoAnswer::Interrupted))]
    #[case::cut_off(b"sec", Err(NoAnswer::Interrupted))]
    fn keys_become_a_line(#[case] keys: &[u8], #[case] expected: Result<&str, NoAnswer>) {
        let line = read_line(keys);
        assert_eq!(line.as_ref().map(Secret::expose).map_err(|why| *why), expected);
    }
}
