//! One function: its settings, its code, who may invoke it, and what AWS's API shows of it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{environment::Version, name::LATEST, package::Package, policy::Policy, pool::Pool, settings::Settings};
use crate::Place;

/// One function.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub name: String,
    pub arn: String,
    pub settings: Settings,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    pub package: Arc<Package>,
    /// Changes with every change.
    pub revision_id: String,
    pub last_modified: Timestamp,
    pub policy: Policy,
    /// How many invocations may run at once; `None`: as many as the account allows.
    pub reserved: Option<u32>,
    pub tags: BTreeMap<String, String>,
    pub pool: Arc<Pool>,
}

/// What an answer says of the state: right after a change AWS says that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Settled,
    Creating,
    Updating,
}

impl Function {
    /// Notes a change; environments that run what was before end.
    pub fn changed(&mut self) {
        self.touched();
        self.last_modified = Timestamp::now();
        self.pool.retire_all();
    }

    /// Notes a change that its environments do not see.
    pub fn touched(&mut self) {
        self.revision_id = uuid::Uuid::new_v4().to_string();
    }

    /// What a new environment is to run.
    pub fn version(&self) -> Arc<Version> {
        Arc::new(Version {
            name: self.name.clone(),
            arn: self.arn.clone(),
            architecture: self.architecture.clone(),
            settings: self.settings.clone(),
            package: self.package.clone(),
            generation: self.pool.generation(),
        })
    }

    /// `FunctionConfiguration`.
    pub fn configuration(&self, place: &Place, shown: Shown) -> Value {
        let mut output = Map::new();
        output.insert("FunctionName".into(), self.name.as_str().into());
        output.insert("FunctionArn".into(), self.arn.as_str().into());
        self.settings.write_to(place, &mut output);
        let mut put = |name: &str, value: Value| output.insert(name.to_owned(), value);
        put("CodeSize", self.package.size.into());
        put("CodeSha256", self.package.sha256.as_str().into());
        put("LastModified", self.last_modified.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string().into());
        put("Version", LATEST.into());
        put("RevisionId", self.revision_id.as_str().into());
        put("Architectures", json!([self.architecture]));
        match shown {
            Shown::Creating => {
                put("State", "Pending".into());
                put("StateReason", "The function is being created.".into());
                put("StateReasonCode", "Creating".into());
            }
            Shown::Updating => {
                put("State", "Active".into());
                put("LastUpdateStatus", "InProgress".into());
                put("LastUpdateStatusReason", "The function is being created.".into());
                put("LastUpdateStatusReasonCode", "Creating".into());
            }
            Shown::Settled => {
                put("State", "Active".into());
                put("LastUpdateStatus", "Successful".into());
            }
        }
        Value::Object(output)
    }
}
