//! `AWS::S3::BucketPolicy`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, bucket::SERVICE, iam_role::document, is_gone, property,
};
use crate::s3::S3;

static SCHEMA: Schema = Schema {
    type_name: "AWS::S3::BucketPolicy",
    properties: &[
        property("Bucket", Kind::String).required().replaces(),
        property("PolicyDocument", Kind::Json).required(),
    ],
    attributes: &[],
    tags: Tags::None,
    identifiers: &["Bucket"],
    name: Some("Bucket"),
};

/// Policies of buckets.
pub(super) struct BucketPolicy(pub Arc<S3>);

impl BucketPolicy {
    async fn put(&self, bucket: &str, policy: Option<String>) -> Result<(), Failure> {
        let failure = |error| Failure::of(SERVICE, &error);
        let mut settings = match self.0.settings(bucket).await {
            // With the bucket its policy is gone.
            Err(error) if policy.is_none() && is_gone(&error) => return Ok(()),
            other => other.map_err(failure)?,
        };
        settings.policy = policy;
        self.0.set_settings(bucket, settings).await.map_err(failure)
    }
}

#[async_trait]
impl Provider for BucketPolicy {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let bucket = request.text("Bucket").unwrap_or_default().to_owned();
        let settings = self.0.settings(&bucket).await.map_err(|error| Failure::of(SERVICE, &error))?;
        if settings.policy.is_some() {
            return Err(Failure(format!("The bucket policy already exists on bucket {bucket}.")));
        }
        self.put(&bucket, request.properties.get("PolicyDocument").map(document)).await?;
        Ok(bucket)
    }

    async fn settle(&self, _: &Request, _: &str) -> Result<Attributes, Failure> {
        Ok(Attributes::new())
    }

    async fn update(&self, request: &Request, bucket: &str, _: &Map<String, Value>) -> Result<(), Failure> {
        self.put(bucket, request.properties.get("PolicyDocument").map(document)).await
    }

    async fn delete(&self, _: &Request, bucket: &str) -> Result<(), Failure> {
        self.put(bucket, None).await
    }
}
