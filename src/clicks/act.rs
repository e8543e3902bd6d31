//! *Cancel*, *Force cancel*, *Re-run failed jobs*.

use super::Clicked;
use crate::bot::Plan;
use crate::bot::steer::steer;
use crate::deploy::click::Action;

pub(super) fn start(clicked: Clicked, action: Action) -> Plan {
    Plan::privately(async move {
        let deploy = clicked.deploy().await?.deploy;
        let Clicked { context, click, deadline, .. } = clicked;
        Ok(steer(&context, &click.caller, click.id, deploy, action, deadline).await)
    })
}
