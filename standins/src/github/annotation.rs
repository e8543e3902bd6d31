//! What a step says of its failure.

/// What a step says of its failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// `notice`, `warning` or `failure`.
    pub level: String,
    /// What it says.
    pub message: String,
    /// The file that it is about, and the line; none: it is about no file.
    pub place: Option<(String, u64)>,
}

impl Annotation {
    /// A failure that is about no file.
    pub fn failure(message: &str) -> Self {
        Self { level: "failure".into(), message: message.into(), place: None }
    }

    /// A warning that is about no file.
    pub fn warning(message: &str) -> Self {
        Self { level: "warning".into(), ..Self::failure(message) }
    }

    /// The file and the line that it is about.
    pub fn at(mut self, path: &str, line: u64) -> Self {
        self.place = Some((path.into(), line));
        self
    }
}
