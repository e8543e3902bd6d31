//! Which inputs of a workflow can be options of a command. No I/O.

use crate::agents::MAX_INPUT_OPTIONS;
use crate::doctor::workflow_file::Input;
use crate::github::BOOKKEEPING;
use crate::text::escape::clipped;

/// An input that only agents of the kind `diagnose` send, by themselves.
const CHANNEL: &str = "channel";
const KEPT: &str = "Deckhand keeps that name for itself; rename the workflow's input";

/// The inputs that can be options, those that must be given first, and what is left out. An error: the workflow could
/// never be started.
pub(super) fn usable(inputs: &[Input]) -> Result<(Vec<&Input>, Vec<String>), String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.len() <= 100
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    // The bot sends the other two with each run.
    let kept = inputs.iter().find(|input| input.name == CHANNEL);
    if kept.is_some_and(|input| input.required) {
        return Err(format!("it requires the input {CHANNEL:?}, and {KEPT}"));
    }
    let is_own = |input: &&Input| BOOKKEEPING.contains(&input.name.as_str());
    let filled_in = |input: &&Input| is_own(input) && input.name != CHANNEL;
    if let Some(input) = inputs.iter().filter(filled_in).find(|input| !input.takes_any_text()) {
        return Err(format!(
            "its input {:?} is of type {:?}: Deckhand fills it in with a text, so it must be of type string",
            input.name,
            clipped(input.form.kind.as_deref().unwrap_or_default(), 20)
        ));
    }
    let others = inputs.iter().filter(|input| !is_own(input));
    let (mut usable, odd): (Vec<&Input>, Vec<&Input>) =
        others.partition(|input| is_name(&input.name));
    if let Some(odd) = odd.iter().find(|input| input.required) {
        return Err(format!(
            "it requires the input {:?}, whose name cannot be used here",
            clipped(&odd.name, 40)
        ));
    }
    usable.sort_by_key(|input| !input.required);
    if usable.get(MAX_INPUT_OPTIONS).is_some_and(|input| input.required) {
        return Err(format!("it requires more than {MAX_INPUT_OPTIONS} inputs"));
    }
    let beyond = usable.split_off(usable.len().min(MAX_INPUT_OPTIONS));
    let left_out = odd.into_iter().chain(beyond);
    let notes =
        left_out.map(|input| format!("its input {:?} is left out", clipped(&input.name, 40)));
    let kept = kept.map(|_| format!("its input {CHANNEL:?} is left out: {KEPT}"));
    Ok((usable, notes.chain(kept).collect()))
}
