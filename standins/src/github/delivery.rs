//! Deliveries: how they are sent, and what came of them.

use super::{
    hook::{Happening, Hook},
    parcel::{Delivery, Parcel},
    standin::{Github, Shared},
};
use crate::{
    endpoint::{self, Endpoint},
    gauge::{CallGuard, DeliveryGuard},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// GitHub waits this long for an answer, and does not send again.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where a handler in this process takes deliveries.
const PATH: &str = "/github/webhook";

impl Shared {
    /// Delivers what is due, for as long as the runtime lives.
    pub(super) async fn deliver_all(self: Arc<Self>) {
        let changed = Arc::clone(&self.state().outbox.changed);
        loop {
            let now = self.clock.now();
            let (due, next) = {
                let mut state = self.state();
                let due = state.due(self.api(), now);
                (due, state.outbox.next())
            };
            for parcel in due {
                let under_way = self.under_way(&parcel);
                tokio::spawn(Arc::clone(&self).send(parcel, under_way));
            }
            let until = async {
                match next {
                    Some(next) => {
                        tokio::time::sleep((next - now).to_std().unwrap_or_default()).await
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = until => {}
                () = changed.notified() => {}
            }
        }
    }

    /// Over HTTP a delivery is a call as well: bytes are on their way.
    fn under_way(&self, parcel: &Parcel) -> (DeliveryGuard, Option<CallGuard>) {
        let by_http = matches!(parcel.to, Endpoint::Http(_));
        (self.gauge.delivery(), by_http.then(|| self.gauge.call()))
    }

    /// Sends a delivery and writes down what came of it.
    async fn send(
        self: Arc<Self>,
        parcel: Parcel,
        under_way: (DeliveryGuard, Option<CallGuard>),
    ) -> Delivery {
        let Delivery { headers, body, sent, what, .. } = parcel.delivery;
        self.recorder.delivery(&what.event, &headers, &body);
        let posted = endpoint::post(&parcel.to, PATH, &headers, body);
        let answer = tokio::time::timeout(PATIENCE, posted).await;
        let ended = Arc::clone(&self.state().outbox.ended);
        let delivery = {
            let mut state = self.state();
            let delivery = &mut state.outbox.deliveries[parcel.index];
            delivery.under_way = false;
            delivery.elapsed = (self.clock.now() - sent).to_std().unwrap_or_default();
            match answer {
                Ok(Ok(answer)) => delivery.status = Some(answer.status().as_u16()),
                Ok(Err(why)) => delivery.why = Some(why),
                Err(_) => delivery.why = Some("no answer within 10 s".to_owned()),
            }
            delivery.clone()
        };
        drop(under_way);
        ended.notify_waiters();
        delivery
    }

    /// Holds a dispatch's answer back for hooks that are to hear of the run first.
    pub(super) async fn hold_back_answer(&self) {
        loop {
            let ended = Arc::clone(&self.state().outbox.ended);
            let ended = ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            {
                let state = self.state();
                let run = state.dispatches.last().map(|dispatch| dispatch.run_id);
                if !run.is_some_and(|run| state.outbox.holds_back(run)) {
                    return;
                }
            }
            let _stall = self.gauge.stall();
            ended.await;
        }
    }
}

impl Github {
    /// Adds a hook: it is pinged, and from now on told of what becomes of runs. Returns its id.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn add_hook(&self, hook: Hook) -> u64 {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        let state = &mut *state;
        let id = state.outbox.add(&state.scenario, &state.runs, hook, now);
        if state.outbox.begins() {
            tokio::spawn(Arc::clone(&self.shared).deliver_all());
        }
        id
    }

    /// Changes a hook from now on: what goes wrong, its secret, where it is delivered.
    ///
    /// # Panics
    /// When there is no such hook.
    pub fn update_hook(&self, id: u64, change: impl FnOnce(&mut Hook)) {
        let mut state = self.shared.state();
        change(state.outbox.hook_mut(id).and_then(Option::as_mut).expect("there is such a hook"));
    }

    /// Removes a hook; what was not sent yet is never sent.
    pub fn remove_hook(&self, id: u64) {
        let mut state = self.shared.state();
        if let Some(hook) = state.outbox.hook_mut(id) {
            *hook = None;
        }
        state.outbox.forget_hook(id);
    }

    /// Every delivery, in the order in which they were sent, also those that were lost.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state().outbox.deliveries.clone()
    }

    /// The deliveries since the one of this number, the first of which is 0.
    pub fn deliveries_since(&self, number: usize) -> Vec<Delivery> {
        self.shared.state().outbox.deliveries.iter().skip(number).cloned().collect()
    }

    /// Whether hooks are still to be told of something, or a delivery is under way.
    pub fn delivers(&self) -> bool {
        let outbox = &self.shared.state().outbox;
        outbox.next().is_some() || outbox.deliveries.iter().any(|one| one.under_way)
    }

    /// Sends a delivery once more, as somebody on GitHub's pages would.
    ///
    /// # Panics
    /// When there is no such delivery.
    pub async fn redeliver(&self, id: &str) -> Delivery {
        let parcel = {
            let state = self.shared.state();
            let mut all = state.outbox.deliveries.iter();
            let delivery =
                all.find(|delivery| delivery.id == id).expect("there is such a delivery");
            let hook = state.outbox.hook(delivery.hook).expect("its hook is there");
            let mut delivery = delivery.clone();
            (delivery.again, delivery.lost) = (true, false);
            (delivery.status, delivery.why) = (None, None);
            Parcel { delivery, to: hook.to.clone(), index: 0 }
        };
        self.send_now(parcel).await
    }

    /// Sends a delivery of any event, signed like the hook's others.
    ///
    /// # Panics
    /// When there is no such hook.
    pub async fn deliver(&self, hook: u64, event: &str, payload: &Value) -> Delivery {
        let now = self.shared.clock.now();
        let parcel = {
            let state = self.shared.state();
            let hook_there = state.outbox.hook(hook).expect("there is such a hook");
            let action = payload["action"].as_str().unwrap_or_default();
            let what = Happening::other(event, action, &hook_there.repo, now);
            Parcel::new(hook, hook_there, 1, what, payload, &[])
        };
        self.send_now(parcel).await
    }

    async fn send_now(&self, mut parcel: Parcel) -> Delivery {
        {
            let mut state = self.shared.state();
            parcel.delivery.sent = self.shared.clock.now();
            parcel.delivery.under_way = true;
            state.outbox.deliveries.push(parcel.delivery.clone());
            parcel.index = state.outbox.deliveries.len() - 1;
        }
        let under_way = self.shared.under_way(&parcel);
        Arc::clone(&self.shared).send(parcel, under_way).await
    }
}
