//! The parameters and tags of a deployment: those that were given, those that follow from the target
//! and the package, and of an existing stack the values it has.

use aws_sdk_cloudformation::types::Parameter;
use tokio::sync::mpsc::Sender;

use super::{DeployError, OWN_TAG, Progress, Request, Stack, names, note, package, stack::value_of, template};
use crate::target::{Kind, Target};

/// Firehose's interval on the embedded cloud unless told otherwise: a minute is long to wait for
/// something that costs nothing to deliver.
const LOCAL_INTERVAL_SECONDS: &str = "10";

/// What a single parameter's rule cannot say.
pub fn check_together(request: &Request, existing: Option<&Stack>) -> Result<(), DeployError> {
    let value = |name: &str| {
        let kept = || existing.and_then(|stack| stack.parameter(name)).map(str::to_owned);
        request.parameter(name).map(str::to_owned).or_else(kept).unwrap_or_default()
    };
    if value("AuthMode") == "JWT" && (value("JwtIssuer").is_empty() || value("JwtAudience").is_empty()) {
        return Err(DeployError::Parameters(
            "AuthMode=JWT needs an issuer and an audience: --param JwtIssuer=https://… --param JwtAudience=…"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The values of this deployment that are not kept from before, by name.
pub async fn values(
    target: &Target,
    request: &Request,
    existing: Option<&Stack>,
    artifact: Option<&package::Artifact>,
    progress: &Sender<Progress>,
) -> Vec<(String, String)> {
    let mut values: Vec<(String, String)> = Vec::new();
    if let Some(artifact) = artifact {
        values.push(("ArtifactBucket".into(), artifact.bucket.clone()));
        values.push(("ArtifactKey".into(), artifact.key.clone()));
        values.push(("Architecture".into(), artifact.architecture.to_string()));
    }
    if existing.is_none() {
        values.extend(names::derived(&request.stack_name));
        if target.is_local() && !request.parameters.iter().any(|(key, _)| key == "BufferIntervalSeconds") {
            values.push(("BufferIntervalSeconds".into(), LOCAL_INTERVAL_SECONDS.into()));
            note(
                progress,
                format!(
                    "Firehose delivers after {LOCAL_INTERVAL_SECONDS} s here, not after the template's 60 \
                     (--param BufferIntervalSeconds=60 for that)."
                ),
            )
            .await;
        }
    }
    if let (Kind::Custom, Some(endpoint)) = (target.kind(), target.endpoint_url()) {
        values.push(("AwsEndpointUrl".into(), endpoint.to_owned()));
    }
    for (key, value) in &request.parameters {
        values.retain(|(known, _)| known != key);
        values.push((key.clone(), value.clone()));
    }
    values
}

/// As CloudFormation takes them: what an existing stack has and nobody names stays as it is.
pub fn for_change_set(values: &[(String, String)], existing: Option<&Stack>) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = values
        .iter()
        .map(|(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build())
        .collect();
    parameters.extend(
        kept(values, existing).map(|(key, _)| Parameter::builder().parameter_key(key).use_previous_value(true).build()),
    );
    parameters
}

/// Every value that the stack has then.
pub fn all(values: &[(String, String)], existing: Option<&Stack>) -> Vec<(String, String)> {
    values.iter().chain(kept(values, existing)).cloned().collect()
}

fn kept<'a>(values: &'a [(String, String)], existing: Option<&'a Stack>) -> impl Iterator<Item = &'a (String, String)> {
    let before = existing.map(|stack| stack.parameters.as_slice()).unwrap_or_default();
    before.iter().filter(|(key, _)| value_of(values, key).is_none() && template::has_parameter(key))
}

/// The tags of the stack: those that it has, those that are given, and ours. CloudFormation drops
/// what is not listed.
pub fn tags(request: &Request, existing: Option<&Stack>) -> Vec<(String, String)> {
    let mut tags = existing.map(|stack| stack.tags.clone()).unwrap_or_default();
    // Those of AWS are set by AWS.
    tags.retain(|(key, _)| !key.starts_with("aws:"));
    let own = (OWN_TAG.0.to_owned(), OWN_TAG.1.to_owned());
    for (key, value) in request.tags.iter().chain([&own]) {
        match tags.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => known.clone_from(value),
            None => tags.push((key.clone(), value.clone())),
        }
    }
    tags
}
