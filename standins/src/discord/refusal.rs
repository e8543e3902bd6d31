//! How Discord says no, and the checks that all parts of a body share.

use serde_json::{Value, json};

/// A refusal: the status, Discord's error code and text, and where in the body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: u64,
    pub message: String,
    pub errors: Option<Value>,
    /// When to try again, in seconds.
    pub retry_after: Option<f64>,
}

impl Refusal {
    pub fn new(status: u16, code: u64, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), errors: None, retry_after: None }
    }

    /// 400 with code 50035, at a place in the body written as `embeds.0.title`.
    pub fn form(place: &str, code: &str, why: &str) -> Self {
        let mut errors = json!({"_errors": [{"code": code, "message": why}]});
        for part in place.split('.').rev().filter(|part| !part.is_empty()) {
            errors = json!({part: errors});
        }
        Self { errors: Some(errors), ..Self::new(400, 50035, "Invalid Form Body") }
    }

    pub fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        if let Some(retry_after) = self.retry_after {
            body["retry_after"] = json!(retry_after);
        }
        body
    }

    /// All in one line.
    pub fn why(&self) -> String {
        match &self.errors {
            Some(errors) => format!("{}: {errors}", self.message),
            None => self.message.clone(),
        }
    }
}

/// What a check says.
pub(super) type Checked = Result<(), Refusal>;

/// A field's place in the body.
pub(super) fn place(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

/// Checks a text's length in characters; returns it.
pub(super) fn length(holder: &Value, at: &str, field: &str, most: usize) -> Result<usize, Refusal> {
    let at = place(at, field);
    match &holder[field] {
        Value::Null => Ok(0),
        Value::String(text) => {
            let long = text.chars().count();
            if long > most {
                let why = format!("Must be {most} or fewer in length.");
                return Err(Refusal::form(&at, "BASE_TYPE_MAX_LENGTH", &why));
            }
            Ok(long)
        }
        _ => Err(Refusal::form(&at, "STRING_TYPE_CONVERT", "Could not interpret value as string.")),
    }
}

/// Reads a list of at most so many.
pub(super) fn list<'a>(value: &'a Value, at: &str, most: usize) -> Result<&'a [Value], Refusal> {
    match value {
        Value::Null => Ok(&[]),
        Value::Array(items) if items.len() <= most => Ok(items),
        Value::Array(_) => {
            let why = format!("Must be {most} or fewer in length.");
            Err(Refusal::form(at, "BASE_TYPE_MAX_LENGTH", &why))
        }
        _ => {
            Err(Refusal::form(at, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType."))
        }
    }
}
