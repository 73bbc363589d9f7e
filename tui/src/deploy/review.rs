//! Stacks in review: a change set was made that nobody has executed, as a preview that was cut short
//! leaves it. They have no tags of their own yet.

use aws_sdk_cloudformation::Client;

use super::DeployError;

/// How the names of our change sets begin.
pub const CHANGE_SET_PREFIX: &str = "tailwater-";

/// Whether nothing but our own change sets waits in a stack in review. One without any is nobody's:
/// there is nothing in it.
pub async fn is_own(client: &Client, stack_id: &str) -> Result<bool, DeployError> {
    let mut items = client.list_change_sets().stack_name(stack_id).into_paginator().items().send();
    while let Some(item) = items.next().await {
        let item = item.map_err(|error| DeployError::call(format!("listed the change sets of {stack_id}"), &error))?;
        if !item.change_set_name().is_some_and(|name| name.starts_with(CHANGE_SET_PREFIX)) {
            return Ok(false);
        }
    }
    Ok(true)
}
