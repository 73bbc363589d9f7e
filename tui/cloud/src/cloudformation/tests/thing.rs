//! `Test::Thing`: made, changed and deleted in memory, as a script says.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::cloudformation::resources::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, property, unsupported,
};

static SCHEMA: Schema = Schema {
    type_name: "Test::Thing",
    properties: &[
        property("Name", Kind::String).replaces(),
        property("Sort", Kind::String).replaces(),
        property("Value", Kind::String),
        property("Count", Kind::Integer),
        property("Needs", Kind::List(&Kind::String)),
        property(
            "Tags",
            Kind::List(&Kind::Object(&[
                property("Key", Kind::String).required(),
                property("Value", Kind::String).required(),
            ])),
        ),
        unsupported("Rare"),
    ],
    attributes: &["Arn", "Value"],
    tags: Tags::List,
    identifiers: &["Name"],
    name: Some("Name"),
};

/// What a step does instead of succeeding at once.
#[derive(Clone)]
pub(super) enum Instead {
    Fail(&'static str),
    FailOnce(&'static str),
    Panic,
    /// Holds on until told, then succeeds.
    Wait(Arc<Notify>),
}

#[derive(Default)]
struct State {
    /// By step (`create`, `settle`, `update`, `delete`) and logical id.
    instead: HashMap<(&'static str, &'static str), Instead>,
    made: usize,
    /// What exists, by physical id.
    things: BTreeMap<String, Map<String, Value>>,
    /// `create A`, `delete A` in their order.
    steps: Vec<String>,
}

/// What things do, and what was done.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<State>>);

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// From now on a step fails.
    pub fn fail(&self, step: &'static str, logical_id: &'static str, reason: &'static str) {
        self.state().instead.insert((step, logical_id), Instead::Fail(reason));
    }

    /// A step fails the next time, and never again.
    pub fn fail_once(&self, step: &'static str, logical_id: &'static str, reason: &'static str) {
        self.state().instead.insert((step, logical_id), Instead::FailOnce(reason));
    }

    /// From now on a step panics.
    pub fn panic(&self, step: &'static str, logical_id: &'static str) {
        self.state().instead.insert((step, logical_id), Instead::Panic);
    }

    /// From now on a step waits until the notification.
    pub fn wait(&self, step: &'static str, logical_id: &'static str) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.state().instead.insert((step, logical_id), Instead::Wait(notify.clone()));
        notify
    }

    /// A step succeeds again.
    pub fn succeed(&self, step: &'static str, logical_id: &'static str) {
        self.state().instead.remove(&(step, logical_id));
    }

    /// What was done so far.
    pub fn steps(&self) -> Vec<String> {
        self.state().steps.clone()
    }

    /// What exists, by physical id.
    pub fn things(&self) -> BTreeMap<String, Map<String, Value>> {
        self.state().things.clone()
    }

    async fn step(&self, step: &str, request: &Request) -> Result<(), Failure> {
        let instead = {
            let mut state = self.state();
            if step != "settle" {
                state.steps.push(format!("{step} {}", request.logical_id));
            }
            let found = state.instead.iter().find(|((name, id), _)| *name == step && *id == request.logical_id);
            let found = found.map(|(key, instead)| (*key, instead.clone()));
            if let Some((key, Instead::FailOnce(_))) = &found {
                state.instead.remove(key);
            }
            found.map(|(_, instead)| instead)
        };
        match instead {
            None => Ok(()),
            Some(Instead::Panic) => panic!("as the script says"),
            Some(Instead::Fail(reason) | Instead::FailOnce(reason)) => Err(Failure(reason.to_owned())),
            Some(Instead::Wait(notify)) => {
                notify.notified().await;
                Ok(())
            }
        }
    }
}

/// The provider of things.
pub(super) struct Thing(pub Script);

#[async_trait]
impl Provider for Thing {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        self.0.step("create", request).await?;
        let mut state = self.0.state();
        state.made += 1;
        let id = format!("{}-{}", request.logical_id, state.made);
        state.things.insert(id.clone(), request.properties.clone());
        Ok(id)
    }

    async fn settle(&self, request: &Request, physical_id: &str) -> Result<Attributes, Failure> {
        self.0.step("settle", request).await?;
        Ok(Attributes::from_iter([
            ("Arn".to_owned(), Value::from(format!("arn:thing:{physical_id}"))),
            ("Value".to_owned(), request.properties.get("Value").cloned().unwrap_or_else(|| "".into())),
        ]))
    }

    async fn update(&self, request: &Request, physical_id: &str, _: &Map<String, Value>) -> Result<(), Failure> {
        self.0.step("update", request).await?;
        self.0.state().things.insert(physical_id.to_owned(), request.properties.clone());
        Ok(())
    }

    async fn delete(&self, request: &Request, physical_id: &str) -> Result<(), Failure> {
        self.0.step("delete", request).await?;
        self.0.state().things.remove(physical_id);
        Ok(())
    }
}
