//! What the log and the metrics say about the end of a deploy. Counted by whoever stores the end.

use super::record::Deploy;
use crate::telemetry::{self, About, Deployed, Event};

/// What the summary line says about a deploy that is advanced outside of its interaction.
pub(super) fn about(deploy: &Deploy) -> About {
    let place = deploy.place.as_ref();
    About {
        event: Event::Deploy,
        interaction_id: deploy.watched.is_none().then_some(deploy.interaction().0),
        correlation_id: Some(deploy.order.correlation_id.to_string()),
        command: Some(deploy.order.command.clone()),
        user_id: deploy.watched.is_none().then_some(deploy.order.requester.user_id),
        guild_id: place.and_then(|place| place.guild_id),
        channel_id: place.and_then(|place| place.channel_id),
        ..About::default()
    }
}

/// Notes what is known of a deploy that is advanced outside of its interaction.
pub(super) fn known(deploy: &Deploy) {
    let inputs = deploy.order.given.iter().map(|one| (one.name.as_str(), one.value.as_str()));
    telemetry::given(Some(&deploy.order.git_ref), inputs);
    run(deploy);
}

/// Notes its run, once known.
pub(super) fn run(deploy: &Deploy) {
    if let Some(target) = &deploy.target {
        telemetry::run_is_known(target.run_id, target.matched.words());
    }
}

/// Counts an end that was just stored.
pub(super) fn end(deploy: &Deploy) {
    let Some(ending) = deploy.ending() else { return };
    let target = deploy.target.as_ref();
    let run = target.and_then(|target| target.run.as_deref());
    let conclusion = ending.outcome.word(run);
    let took = run.filter(|run| run.is_completed()).and_then(|run| run.duration());
    tracing::info!(
        correlation_id = %deploy.order.correlation_id,
        run_id = target.map(|target| target.run_id),
        matched = target.map(|target| target.matched.words()),
        conclusion,
        "the deploy ended"
    );
    // Nobody has deployed it here, so it is none of the counted deploys.
    if deploy.watched.is_some() {
        return;
    }
    telemetry::deployed(Deployed {
        conclusion,
        seconds: took.and_then(|took| Some(took.to_std().ok()?.as_secs_f64())),
        error: ending.outcome.error(),
    });
}
