//! Operations on integrations.

use serde_json::{Value, json};

use super::{
    super::{Gateway, model::Integration},
    bad_request, conflict, new_id, not_found, page, set,
};
use crate::wire::{Input, ServiceError, ServiceResult};

/// How long a function may take, in milliseconds; the longest is the default.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 50..=30_000;
const PAYLOAD_FORMAT: &str = "2.0";

impl Gateway {
    pub(super) fn create_integration(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        match input.required("integrationType")?.as_str() {
            "AWS_PROXY" => {}
            other => {
                let member = format!("integrationType {other}");
                return Err(ServiceError::unsupported_member("CreateIntegration", &member));
            }
        }
        if input.peek("payloadFormatVersion").is_none() {
            return Err(bad_request("PayloadFormatVersion is a required parameter for integration type AWS_PROXY"));
        }
        let uri = input.string("integrationUri")?.ok_or_else(|| bad_request("IntegrationUri is required"))?;
        let mut integration = proxy(uri)?;
        take_settings(&mut input, &mut integration)?;
        input.finish()?;
        let id = new_id(7);
        let described = describe(&id, &integration);
        self.change(&api_id, |api| {
            api.config.integrations.insert(id, integration);
            Ok(())
        })?;
        Ok(described)
    }

    pub(super) fn get_integrations(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        page(input, api.config.integrations.iter().map(|(id, integration)| describe(id, integration)).collect())
    }

    pub(super) fn get_integration(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        let id = input.required("integrationId")?;
        input.finish()?;
        let integration = api.config.integrations.get(&id).ok_or_else(|| not_found("Integration", &id))?;
        Ok(describe(&id, integration))
    }

    pub(super) fn update_integration(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("integrationId")?;
        self.change(&api_id, |api| {
            let integration = api.config.integrations.get_mut(&id).ok_or_else(|| not_found("Integration", &id))?;
            if input.string("integrationType")?.is_some_and(|kind| kind != "AWS_PROXY") {
                return Err(ServiceError::unsupported_member("UpdateIntegration", "integrationType"));
            }
            if let Some(uri) = input.string("integrationUri")? {
                let new = proxy(uri)?;
                integration.uri = new.uri;
                integration.function_arn = new.function_arn;
            }
            take_settings(&mut input, integration)?;
            input.finish()?;
            Ok(describe(&id, integration))
        })
    }

    pub(super) fn delete_integration(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("integrationId")?;
        input.finish()?;
        self.change(&api_id, |api| {
            if let Some(route) = api.config.routes.values().find(|route| route.integration.as_ref() == Some(&id)) {
                return Err(conflict(format!("Cannot delete Integration '{id}'. The route {} targets it.", route.key)));
            }
            api.config.integrations.remove(&id).ok_or_else(|| not_found("Integration", &id))?;
            Ok(Value::Null)
        })
    }
}

/// An integration with a function, everything else as it is by default.
pub(super) fn proxy(uri: String) -> ServiceResult<Integration> {
    let function_arn = function_arn(&uri).ok_or_else(|| {
        bad_request(format!("Invalid integration URI specified: {uri} is not the ARN of a Lambda function"))
    })?;
    Ok(Integration { function_arn, uri, timeout_ms: *TIMEOUT_MS.end(), description: None })
}

fn take_settings(input: &mut Input, integration: &mut Integration) -> ServiceResult<()> {
    match input.string("payloadFormatVersion")?.as_deref() {
        None | Some(PAYLOAD_FORMAT) => {}
        Some(other) => {
            let member = format!("payloadFormatVersion {other}");
            return Err(ServiceError::unsupported_member(input.operation(), &member));
        }
    }
    if let Some(timeout) = input.integer("timeoutInMillis")? {
        integration.timeout_ms = u64::try_from(timeout)
            .ok()
            .filter(|timeout| TIMEOUT_MS.contains(timeout))
            .ok_or_else(|| bad_request("Timeout should be between 50 ms and 30000 ms"))?;
    }
    if let Some(description) = input.string("description")? {
        integration.description = Some(description);
    }
    // A function is always invoked by POST, whatever method the client used.
    if input.string("integrationMethod")?.is_some_and(|method| method != "POST") {
        return Err(bad_request("The integrationMethod of a Lambda integration must be POST"));
    }
    if input.string("connectionType")?.is_some_and(|kind| kind != "INTERNET") {
        return Err(ServiceError::unsupported_member(input.operation(), "connectionType"));
    }
    Ok(())
}

/// The function in an integration's URI: its ARN, or API Gateway's path with the ARN in it.
fn function_arn(uri: &str) -> Option<String> {
    let arn = match uri.split_once(":lambda:path/") {
        Some((start, path)) if start.starts_with("arn:") && start.contains(":apigateway:") => {
            path.split_once("/functions/")?.1.strip_suffix("/invocations")?
        }
        _ => uri,
    };
    let parts: Vec<&str> = arn.split(':').collect();
    let is_function = matches!(
        parts[..],
        ["arn", _, "lambda", _, _, "function", name] | ["arn", _, "lambda", _, _, "function", name, _]
            if !name.is_empty()
    );
    is_function.then(|| arn.to_owned())
}

fn describe(id: &str, integration: &Integration) -> Value {
    let mut described = json!({
        "connectionType": "INTERNET",
        "integrationId": id,
        "integrationMethod": "POST",
        "integrationType": "AWS_PROXY",
        "integrationUri": integration.uri,
        "payloadFormatVersion": PAYLOAD_FORMAT,
        "timeoutInMillis": integration.timeout_ms,
    });
    set(&mut described, "description", integration.description.clone());
    described
}

#[cfg(test)]
mod tests {
    use super::function_arn;

    const ARN: &str = "arn:aws:lambda:ap-southeast-2:000000000000:function:f";

    #[test]
    fn a_function_is_named_plainly_or_in_a_path() {
        assert_eq!(function_arn(ARN).as_deref(), Some(ARN));
        let alias = format!("{ARN}:live");
        assert_eq!(function_arn(&alias).as_deref(), Some(alias.as_str()));
        let path = format!("arn:aws:apigateway:ap-southeast-2:lambda:path/2015-03-31/functions/{ARN}/invocations");
        assert_eq!(function_arn(&path).as_deref(), Some(ARN));
        for bad in ["", "f", "https://example.com", "arn:aws:lambda:r:a:function:", "arn:aws:sqs:r:a:q"] {
            assert_eq!(function_arn(bad), None, "{bad}");
        }
    }
}
