//! `tailwater status`

use serde_json::{Map, Value, json};

use super::{CommandResult, End, leave, print, target};
use crate::{cli::Global, deploy::Stack};

/// Says how the stack is and what its outputs are, and where it looked.
pub async fn status(global: &Global) -> CommandResult {
    let target = target(global).await?;
    let found = Stack::find(&target.cloudformation(), &global.stack_name).await;
    let end = match found {
        Err(error) => Err(error.into()),
        Ok(stack) => {
            let profile = target.profile().map(|name| format!(", profile {name}")).unwrap_or_default();
            let endpoint = target.endpoint_url().map(|url| format!(", at {url}")).unwrap_or_default();
            let place = format!("account {}, {}{profile}{endpoint}", target.account_id(), target.region());
            let outputs: Map<String, Value> = stack
                .iter()
                .flat_map(|stack| &stack.outputs)
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            print::line(
                global.output,
                || {
                    json!({
                        "stackName": global.stack_name,
                        "stackStatus": stack.as_ref().map(|stack| stack.status.as_str()),
                        "accountId": target.account_id(),
                        "region": target.region(),
                        "outputs": outputs,
                    })
                },
                || match &stack {
                    None => format!("There is no stack {} in {place}.", global.stack_name),
                    Some(stack) => {
                        let lines: Vec<String> =
                            stack.outputs.iter().map(|(name, value)| format!("\n  {name:<22} {value}")).collect();
                        format!("Stack {} is {} in {place}.{}", global.stack_name, stack.status, lines.concat())
                    }
                },
            )
            .map(|_| if stack.is_some() { End::Done } else { End::Failed })
        }
    };
    leave(&target).await;
    end
}
