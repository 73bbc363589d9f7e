//! `tailwater status`

use serde_json::{Map, Value, json};
use tailwater_core::text::{safe::visible, time};

use super::{CommandResult, End, leave, print, target};
use crate::{cli::Global, deploy::Stack, target::Target};

/// Says how the stack is and what its outputs are, and where it looked and as whom.
pub async fn status(global: &Global) -> CommandResult {
    let target = target(global).await?;
    let found = Stack::find(&target.cloudformation(), &global.stack_name).await;
    let end = match found {
        Err(error) => Err(error.into()),
        Ok(stack) => {
            let outputs: Map<String, Value> = stack
                .iter()
                .flat_map(|stack| &stack.outputs)
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            print::line(
                global.output,
                || {
                    let mut line = Map::new();
                    line.insert("stackName".into(), json!(global.stack_name));
                    line.insert("stackStatus".into(), json!(stack.as_ref().map(|stack| stack.status.as_str())));
                    line.extend(place_json(&target));
                    line.insert("outputs".into(), outputs.into());
                    line.into()
                },
                || {
                    let name = &global.stack_name;
                    let what = match &stack {
                        None => format!("There is no stack {name} in {}.", place_text(&target)),
                        Some(stack) => format!("Stack {name} is {} in {}.", stack.status, place_text(&target)),
                    };
                    let of_stack = stack.iter().flat_map(|stack| &stack.outputs);
                    let of_stack = of_stack.map(|(name, value)| format!("\n  {name:<22} {}", visible(value)));
                    let lines: Vec<String> = details(&target).into_iter().chain(of_stack).collect();
                    format!("{what}{}", lines.concat())
                },
            )
            .map(|_| if stack.is_some() { End::Done } else { End::Failed })
        }
    };
    leave(&target).await;
    end
}

fn place_json(target: &Target) -> Map<String, Value> {
    let identity = target.identity();
    let endpoints: Map<String, Value> = target
        .service_endpoints()
        .into_iter()
        .map(|endpoint| (endpoint.service.to_owned(), json!(endpoint.url)))
        .collect();
    let place = json!({
        "accountId": target.account_id(),
        "region": target.region(),
        "partition": identity.partition(),
        "callerArn": identity.arn,
        "roleName": identity.role_name(),
        "profile": target.profile(),
        "endpointUrl": target.endpoint_url(),
        "serviceEndpoints": endpoints,
        "credentialsExpire": target.credentials_expire(),
        "clockOffsetMs": target.clock_offset_millis(),
    });
    match place {
        Value::Object(place) => place,
        _ => Map::new(),
    }
}

fn place_text(target: &Target) -> String {
    let profile = target.profile().map(|name| format!(", profile {name}")).unwrap_or_default();
    let endpoint = target.endpoint_url().map(|url| format!(", at {url}")).unwrap_or_default();
    format!("account {}, {}{profile}{endpoint}", target.account_id(), target.region())
}

/// A line each for who calls and for what is out of the ordinary.
fn details(target: &Target) -> Vec<String> {
    let identity = target.identity();
    let row = |name: &str, value: &str| format!("\n  {name:<22} {}", visible(value));
    let mut lines = vec![row("caller", &identity.arn)];
    if identity.partition() != "aws" {
        lines.push(row("partition", identity.partition()));
    }
    if let Some(expires) = target.credentials_expire() {
        let left = time::duration(expires.since(crate::target::now()));
        lines.push(row("credentials", &format!("good until {expires}, for {left}")));
    }
    for endpoint in target.service_endpoints() {
        lines.push(row(&format!("{} at", endpoint.service), &endpoint.url));
    }
    if let Some(bundle) = target.ca_bundle() {
        lines.push(row("certificates", &bundle.path().display().to_string()));
    }
    lines
}
