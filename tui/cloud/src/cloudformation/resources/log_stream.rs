//! `AWS::Logs::LogStream`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, deleted,
    log_group::{SERVICE, call},
    property,
};
use crate::logs::Logs;

static SCHEMA: Schema = Schema {
    type_name: "AWS::Logs::LogStream",
    properties: &[
        property("LogGroupName", Kind::String).required().replaces(),
        property("LogStreamName", Kind::String).replaces(),
    ],
    attributes: &[],
    tags: Tags::None,
    identifiers: &["LogGroupName", "LogStreamName"],
    name: None,
};

/// Log streams.
pub(super) struct LogStream(pub Arc<Logs>);

fn input(request: &Request, name: &str) -> Value {
    json!({"logGroupName": request.text("LogGroupName"), "logStreamName": name})
}

#[async_trait]
impl Provider for LogStream {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = request.name("LogStreamName", 512);
        call(&self.0, &request.caller, "CreateLogStream", input(request, &name))
            .await
            .map_err(|error| Failure::of(SERVICE, &error))?;
        Ok(name)
    }

    async fn settle(&self, _: &Request, _: &str) -> Result<Attributes, Failure> {
        Ok(Attributes::new())
    }

    async fn update(&self, _: &Request, _: &str, _: &Map<String, Value>) -> Result<(), Failure> {
        // Every property makes a new stream.
        Ok(())
    }

    async fn delete(&self, request: &Request, name: &str) -> Result<(), Failure> {
        deleted(SERVICE, call(&self.0, &request.caller, "DeleteLogStream", input(request, name)).await)
    }
}
