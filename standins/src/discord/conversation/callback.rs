//! Answers to interactions.

use super::super::{
    attachments::Payload,
    choices,
    limits::{self, EPHEMERAL, LOADING},
    message::EventKind,
    modal, snowflake,
};
use super::{Conversation, DEADLINE, Phase};
use chrono::{DateTime, Utc};
use serde_json::Value;

impl Conversation {
    /// Applies a callback, or says why Discord would refuse it.
    pub fn callback(&mut self, now: DateTime<Utc>, id: &str, body: &Value) -> Result<(), String> {
        let index = self.talks.iter().position(|talk| talk.id == id);
        let index = index.ok_or("the interaction was never sent")?;
        let talk = &self.talks[index];
        if talk.phase != Phase::Sent {
            return Err("the interaction was answered before".into());
        }
        let (kind, source) = (talk.kind, talk.source.clone());
        let answer = body["type"].as_u64().ok_or("the answer has no type")?;
        let fits = match kind {
            1 => matches!(answer, 1),
            2 => matches!(answer, 4 | 5 | 9),
            3 => matches!(answer, 4 | 5 | 6 | 7 | 9),
            4 => matches!(answer, 8),
            5 => matches!(answer, 4..=7),
            _ => false,
        };
        if !fits {
            return Err(format!("type {answer} cannot answer an interaction of type {kind}"));
        }
        if snowflake::created(id).is_some_and(|created| now > created + DEADLINE) {
            return Err("the answer came later than 3 s after the interaction".into());
        }
        let data = &body["data"];
        match answer {
            4 => {
                self.check(data, limits::NEW, false).map_err(|refusal| refusal.why())?;
                let data = Payload::plain(data);
                let message = self.new_message(now, index, &data).map_err(|r| r.why())?;
                self.talks[index].original = Some(message.id.clone());
                self.post(now, message);
            }
            5 => {
                let flags = self.defer_flags(data)?;
                let mut message = self.blank(now, index);
                message.flags = flags | LOADING;
                message.ephemeral = flags & EPHEMERAL != 0;
                message.loading = true;
                self.talks[index].original = Some(message.id.clone());
                let ephemeral = message.ephemeral;
                self.messages.push(message);
                self.happened(now, id, EventKind::Thinking { ephemeral });
            }
            6 | 7 => {
                let source = Some(source.ok_or("there is no message to update")?);
                if answer == 7 {
                    let source = source.clone().unwrap_or_default();
                    let at = self.messages.iter().position(|message| message.id == source);
                    let at = at.ok_or("the message to update is gone")?;
                    let data = Payload::plain(data);
                    self.change(now, at, &data).map_err(|refusal| refusal.why())?;
                }
                self.talks[index].original = source;
            }
            8 => {
                choices::check(&data["choices"], self.talks[index].focused)?;
                let choices = data["choices"].as_array().cloned().unwrap_or_default();
                self.happened(now, id, EventKind::Choices { choices });
            }
            9 => {
                modal::check(data).map_err(|refusal| refusal.why())?;
                let modal = data.clone();
                self.talks[index].modal = Some(modal.clone());
                self.happened(now, id, EventKind::Modal { modal });
            }
            _ => {}
        }
        self.talks[index].phase = Phase::Answered;
        Ok(())
    }

    fn defer_flags(&self, data: &Value) -> Result<u64, String> {
        if let Some(data) = data.as_object()
            && let Some(field) = data.keys().find(|field| *field != "flags")
        {
            return Err(format!("a deferred answer sets data.{field}, but only flags can be"));
        }
        limits::flags(data, EPHEMERAL).map_err(|refusal| refusal.why())
    }
}
