//! The settings of a deployed function, for the doctor on the command line.

use std::sync::Arc;

use crate::aws::Aws;
pub use crate::aws::stack::Deployed;
use crate::aws::stack::{deployed, region_of};
use crate::clock::SystemClock;
use crate::net::transport::Https;

/// Reads the settings of the function of this stack. The region is that of the name's ARN, else `region`, else the
/// environment's. The error names the stack, and says the cure.
pub async fn read(stack: &str, region: Option<String>) -> Result<Deployed, String> {
    let (stack, region) = (stack.trim(), region_of(stack).or(region));
    let aws = Aws::in_region(region, Arc::new(Https::default()), Arc::new(SystemClock));
    deployed(&aws, stack).await.map_err(|why| format!("--stack {stack}: {why}"))
}
