//! Log groups that Lambda made by itself: no stack owns them, and they never expire.

use super::{
    Run, is_absent,
    pieces::{FUNCTION, Pieces},
};
use crate::{deploy::DeployError, target::Target};

/// The log group that Lambda makes for a function where none was named.
fn of_function(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// Deletes those of a stack's functions, once the functions are gone.
pub async fn delete(run: &Run<'_>, pieces: &Pieces) -> Result<(), DeployError> {
    for group in orphans(run.target, pieces).await? {
        match run.target.logs().delete_log_group().log_group_name(&group).send().await {
            Ok(_) => run.note(format!("Log group {group}, which Lambda made by itself, is deleted.")).await,
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(DeployError::call(format!("deleted the log group {group}"), &error)),
        }
    }
    Ok(())
}

/// Those of a stack's functions whose function is gone.
pub async fn orphans(target: &Target, pieces: &Pieces) -> Result<Vec<String>, DeployError> {
    let mut found = Vec::new();
    for function in pieces.all_ids(FUNCTION) {
        let group = of_function(function);
        if !is_there(target, &group).await? {
            continue;
        }
        // The name may be another's by now.
        match target.lambda().get_function_configuration().function_name(function).send().await {
            Err(error) if is_absent(&error) => found.push(group),
            _ => {}
        }
    }
    Ok(found)
}

async fn is_there(target: &Target, group: &str) -> Result<bool, DeployError> {
    let mut pages = target.logs().describe_log_groups().log_group_name_prefix(group).into_paginator().items().send();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|error| DeployError::call(format!("looked for the log group {group}"), &error))?;
        if found.log_group_name() == Some(group) {
            return Ok(true);
        }
    }
    Ok(false)
}
