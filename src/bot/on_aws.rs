//! What lies on AWS, if this build has it: the parameters that hold secrets, and the table.

use std::sync::Arc;

use crate::clock::Clock;
use crate::net::transport::Transport;
use crate::secrets::SecretStore;
use crate::store::Store;

/// Where parameters are read, and the table if there is one. Nothing is connected yet.
#[cfg(feature = "aws")]
pub fn on_aws(
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    table: Option<String>,
) -> (Arc<dyn SecretStore>, Option<Arc<dyn Store>>) {
    let aws = crate::aws::Aws::new(transport);
    let table = table.map(|table| {
        Arc::new(crate::store::Dynamo::new(aws.clone(), table, clock)) as Arc<dyn Store>
    });
    (Arc::new(crate::aws::Parameters(aws)), table)
}

/// Nothing is on AWS: settings that name a parameter or a table were refused.
#[cfg(not(feature = "aws"))]
pub fn on_aws(
    _: Arc<dyn Transport>,
    _: Arc<dyn Clock>,
    _: Option<String>,
) -> (Arc<dyn SecretStore>, Option<Arc<dyn Store>>) {
    (Arc::new(crate::secrets::NoParameters), None)
}
