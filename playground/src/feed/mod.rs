//! What happens, as events in JSON: the page shows them, a record holds them, and a replay shows them again.
//!
//! Each has its kind in `t`, and the time in `now`, in milliseconds since 1970. The first one is `hello`.

pub(crate) mod gather;
pub(crate) mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use serde_json::{Value, json};
use tokio::sync::watch;

/// All events so far; cheap to clone.
#[derive(Clone)]
pub(crate) struct Feed {
    events: Arc<Mutex<Vec<Arc<Value>>>>,
    count: watch::Sender<usize>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { events: Arc::default(), count: watch::Sender::new(0) }
    }

    /// Adds an event.
    pub(crate) fn push(&self, mut event: Value) {
        set(&mut event, "now", json!(Utc::now().timestamp_millis()));
        let mut events = self.events();
        events.push(Arc::new(event));
        self.count.send_replace(events.len());
    }

    /// The events from this number on.
    pub(crate) fn since(&self, number: usize) -> Vec<Arc<Value>> {
        self.events().iter().skip(number).cloned().collect()
    }

    /// How many events there are, whenever that changes.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    fn events(&self) -> MutexGuard<'_, Vec<Arc<Value>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a field of an event.
pub(crate) fn set(event: &mut Value, field: &str, value: Value) {
    if let Some(fields) = event.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}
