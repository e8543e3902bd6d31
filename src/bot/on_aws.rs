//! The AWS services of a build with the feature `aws`: SSM parameters for secrets, and the DynamoDB table.

use std::sync::Arc;

use crate::clock::Clock;
use crate::net::transport::Transport;
use crate::secrets::{SecretKeeper, SecretStore};
use crate::store::Store;

/// The reader of SSM parameters, and the store in `table`, if one is set. It opens no connection.
pub fn on_aws(
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    table: Option<String>,
) -> (Arc<dyn SecretStore>, Option<Arc<dyn Store>>) {
    in_region(None, transport, clock, table)
}

/// The same in this region, whatever the environment says.
#[cfg(feature = "aws")]
pub fn in_region(
    region: Option<String>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    table: Option<String>,
) -> (Arc<dyn SecretStore>, Option<Arc<dyn Store>>) {
    let aws = crate::aws::Aws::in_region(region, transport, clock);
    let table = table
        .map(|table| Arc::new(crate::store::Dynamo::new(aws.clone(), table)) as Arc<dyn Store>);
    (Arc::new(crate::aws::Parameters(aws)), table)
}

/// What keeps secrets on AWS. It opens no connection. `None`: this build has no AWS support.
#[cfg(feature = "aws")]
pub fn keeper(
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Option<Arc<dyn SecretKeeper>> {
    let aws = crate::aws::Aws::new(transport, clock);
    Some(Arc::new(crate::aws::Parameters(aws)))
}

/// Without AWS support there is none.
#[cfg(not(feature = "aws"))]
pub fn keeper(_: Arc<dyn Transport>, _: Arc<dyn Clock>) -> Option<Arc<dyn SecretKeeper>> {
    None
}

/// Without AWS support there is neither. Settings that name a parameter or a table were refused before.
#[cfg(not(feature = "aws"))]
pub fn in_region(
    _: Option<String>,
    _: Arc<dyn Transport>,
    _: Arc<dyn Clock>,
    _: Option<String>,
) -> (Arc<dyn SecretStore>, Option<Arc<dyn Store>>) {
    (Arc::new(crate::secrets::NoParameters), None)
}
