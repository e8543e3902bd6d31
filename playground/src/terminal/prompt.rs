//! The prompt: a line editor on a thread of its own, above which output is printed.

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::complete::Known;
use crate::Result;

/// What comes from the keyboard, or from a pipe.
pub(crate) enum Typed {
    Line(String),
    /// Ctrl-C.
    Interrupted,
}

/// Prints above what is half typed.
pub(crate) type Printer = Box<dyn ExternalPrinter + Send>;

/// Starts the prompt.
pub(super) fn start(known: Known) -> Result<(UnboundedReceiver<Typed>, Printer)> {
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true);
    let mut editor: Editor<Keys, DefaultHistory> = Editor::with_config(config.build())?;
    editor.set_helper(Some(Keys(known)));
    let printer = editor.create_external_printer()?;
    let (sender, lines) = unbounded_channel();
    std::thread::Builder::new().spawn(move || {
        loop {
            let typed = match editor.readline("> ") {
                Ok(line) => Typed::Line(line),
                Err(ReadlineError::Interrupted) => Typed::Interrupted,
                Err(_) => break,
            };
            let ends = matches!(typed, Typed::Interrupted);
            if sender.send(typed).is_err() || ends {
                break;
            }
        }
    })?;
    Ok((lines, Box::new(printer)))
}

struct Keys(Known);

impl Helper for Keys {}
impl Highlighter for Keys {}
impl Validator for Keys {}
impl Hinter for Keys {
    type Hint = String;
}

impl Completer for Keys {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, found) = self.0.complete(line.get(..at).unwrap_or_default());
        let pair = |text: String| Pair { display: text.trim_end().to_owned(), replacement: text };
        Ok((start, found.into_iter().map(pair).collect()))
    }
}
