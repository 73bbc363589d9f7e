//! Resource types: one file a type, behind one trait. The engine knows no type by name.

mod api_gateway;
mod bucket;
mod bucket_policy;
mod delivery_stream;
mod iam_policy;
mod iam_role;
mod kinesis_stream;
mod lambda_function;
mod lambda_permission;
mod log_group;
mod log_stream;
pub(crate) mod schema;
mod tags;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::Uses;
use crate::{
    caller::Caller,
    wire::{ServiceError, ServiceResult, new_request_id},
};
pub(crate) use schema::{Kind, Property, Schema, Tags, Update, property, unsupported};

/// How often a resource that is still being made is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The longest pause between two looks.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(200);
/// How long a resource may take to become usable.
const STABLE_WITHIN: Duration = Duration::from_mins(2);

/// One request to a provider: which resource of which stack, for whom.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The stack's role, or `CloudFormation` itself.
    pub caller: Caller,
    pub stack_name: String,
    pub logical_id: String,
    /// Accepted by the type's schema. For a deletion: those that were applied last.
    pub properties: Map<String, Value>,
}

impl Request {
    /// A property that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    /// The name that the property gives, or one made of the stack's and the resource's, as AWS
    /// does. `longest` bounds the whole in characters.
    pub fn name(&self, property: &str, longest: usize) -> String {
        self.text(property).map_or_else(|| self.generated_name(longest), str::to_owned)
    }

    /// A name made of the stack's, the resource's and random letters.
    pub fn generated_name(&self, longest: usize) -> String {
        let random: String = uuid::Uuid::new_v4().simple().to_string().to_uppercase().chars().take(12).collect();
        let room = longest.saturating_sub(random.len() + 2);
        let (stack, logical) = (&self.stack_name, &self.logical_id);
        let logical: String = logical.chars().take(room.saturating_sub(stack.len().min(room / 2)).max(1)).collect();
        let stack: String = stack.chars().take(room.saturating_sub(logical.len())).collect();
        format!("{stack}-{logical}-{random}")
    }
}

/// Why a resource could not be made, changed or deleted.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(pub String);

impl Failure {
    /// A service's refusal, in the words of `CloudFormation`'s resource handlers.
    pub fn of(service: &str, error: &ServiceError) -> Self {
        let code = match (error.code.as_str(), error.status.as_u16()) {
            (code, _) if is_gone(error) || code.contains("NotFound") => "NotFound",
            (code, _) if code.contains("AlreadyExist") || code == "ResourceInUseException" => "AlreadyExists",
            (code, _) if code.contains("Limit") => "ServiceLimitExceeded",
            (code, _) if code.contains("Throttl") || code.contains("TooMany") => "Throttling",
            (code, 403) if code.contains("Denied") => "AccessDenied",
            (_, 409) => "ResourceConflict",
            (_, 500..) => "GeneralServiceException",
            _ => "InvalidRequest",
        };
        Self(format!(
            "Resource handler returned message: \"{} (Service: {service}, Status Code: {}, Request ID: {})\" \
             (RequestToken: {}, HandlerErrorCode: {code})",
            error.message,
            error.status.as_u16(),
            new_request_id(),
            new_request_id(),
        ))
    }

    /// It did not become usable in time.
    fn not_stable(what: &str) -> Self {
        Self(format!(
            "Resource handler returned message: \"{what} did not stabilize.\" (RequestToken: {}, HandlerErrorCode: \
             NotStabilized)",
            new_request_id()
        ))
    }
}

/// Whether a refusal says that the thing is not there.
pub(crate) fn is_gone(error: &ServiceError) -> bool {
    matches!(
        error.code.as_str(),
        "ResourceNotFoundException" | "NoSuchEntity" | "NoSuchEntityException" | "NoSuchBucket" | "NotFoundException"
    )
}

/// A deletion's outcome: what is not there any more counts as deleted.
pub(crate) fn deleted(service: &str, result: ServiceResult) -> Result<(), Failure> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(Failure::of(service, &error)),
    }
}

/// Whether a resource that was looked for is there.
pub(crate) fn found<T>(service: &str, result: ServiceResult<T>) -> Result<Option<bool>, Failure> {
    match result {
        Ok(_) => Ok(Some(true)),
        Err(error) if is_gone(&error) => Ok(Some(false)),
        Err(error) => Err(Failure::of(service, &error)),
    }
}

/// What `Fn::GetAtt` gives, by attribute.
pub(crate) type Attributes = Map<String, Value>;

/// A resource type: makes, changes and deletes resources through the services' own operations.
/// `Ref` gives the physical id.
#[async_trait]
pub(crate) trait Provider: Send + Sync {
    /// Its properties and attributes.
    fn schema(&self) -> &'static Schema;

    /// Makes the resource and gives its physical id as soon as it has one.
    async fn create(&self, request: &Request) -> Result<String, Failure>;

    /// Waits until the resource is usable, after its creation or an update; gives its attributes.
    async fn settle(&self, request: &Request, physical_id: &str) -> Result<Attributes, Failure>;

    /// Changes the resource from the properties `before` to those of the request.
    async fn update(&self, request: &Request, physical_id: &str, before: &Map<String, Value>) -> Result<(), Failure>;

    /// Whether the resource is there; `None`: a resource of this type cannot be looked for by its
    /// physical id alone.
    async fn exists(&self, _: &Request, _: &str) -> Result<Option<bool>, Failure> {
        Ok(None)
    }

    /// Deletes the resource and waits until it is gone.
    async fn delete(&self, request: &Request, physical_id: &str) -> Result<(), Failure>;
}

/// Looks at something until it is as wanted (`Some`), with pauses that grow.
pub(crate) async fn wait_for<T, F>(what: &str, mut look: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<Option<T>, Failure>>,
{
    let end = tokio::time::Instant::now() + STABLE_WITHIN;
    let mut pause = LOOK_EVERY;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if tokio::time::Instant::now() >= end {
            return Err(Failure::not_stable(what));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_AT_LEAST_EVERY);
    }
}

/// The names of the resource types of this cloud.
const TYPES: &[&str] = &[
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Deployment",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Kinesis::Stream",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::LogStream",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
];

/// Whether this cloud has a resource type.
pub(crate) fn has_type(name: &str) -> bool {
    TYPES.contains(&name)
}

/// The resource types that there are, by name.
#[derive(Clone, Default)]
pub(crate) struct Registry(BTreeMap<&'static str, Arc<dyn Provider>>);

impl Registry {
    /// Every type of this cloud.
    pub fn new(uses: &Uses) -> Self {
        let mut registry = Self::default()
            .with(bucket::Bucket { place: uses.place.clone(), s3: uses.s3.clone() })
            .with(bucket_policy::BucketPolicy(uses.s3.clone()))
            .with(delivery_stream::DeliveryStream(uses.firehose.clone()))
            .with(iam_policy::Policy(uses.iam.clone()))
            .with(iam_role::Role(uses.iam.clone()))
            .with(kinesis_stream::Stream(uses.kinesis.clone()))
            .with(lambda_function::Function(uses.lambda.clone()))
            .with(lambda_permission::Permission(uses.lambda.clone()))
            .with(log_group::LogGroup { place: uses.place.clone(), logs: uses.logs.clone() })
            .with(log_stream::LogStream(uses.logs.clone()));
        for part in [
            &api_gateway::api::API,
            &api_gateway::authorizer::AUTHORIZER,
            &api_gateway::deployment::DEPLOYMENT,
            &api_gateway::integration::INTEGRATION,
            &api_gateway::route::ROUTE,
            &api_gateway::stage::STAGE,
        ] {
            registry = registry.with(api_gateway::PartProvider {
                part,
                gateway: uses.gateway.clone(),
                place: uses.place.clone(),
            });
        }
        registry
    }

    /// Adds a type.
    pub fn with(mut self, provider: impl Provider + 'static) -> Self {
        self.0.insert(provider.schema().type_name, Arc::new(provider));
        self
    }

    /// Whether there is this type.
    pub fn knows(&self, type_name: &str) -> bool {
        self.0.contains_key(type_name)
    }

    /// The provider of a type.
    pub fn get(&self, type_name: &str) -> Option<Arc<dyn Provider>> {
        self.0.get(type_name).cloned()
    }

    /// The names of the types.
    #[cfg(test)]
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// The schema of a type.
    pub fn schema(&self, type_name: &str) -> Option<&'static Schema> {
        self.0.get(type_name).map(|provider| provider.schema())
    }
}
