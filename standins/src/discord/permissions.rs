//! What the bot may do in the channel.

/// What the bot may do in the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// View Channel; without it, as without being in the server, nothing works.
    pub view: bool,
    /// Send Messages; in a thread, Send Messages in Threads.
    pub send: bool,
    /// Attach Files.
    pub attach: bool,
    /// Read Message History; without it the channel seems to be empty.
    pub history: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Self { view: true, send: true, attach: true, history: true }
    }
}
