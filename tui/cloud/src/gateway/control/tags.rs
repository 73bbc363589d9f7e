//! Operations on the tags of APIs and stages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{super::Gateway, bad_request, not_found};
use crate::wire::{Input, ServiceResult};

impl Gateway {
    pub(super) fn tag_resource(&self, mut input: Input) -> ServiceResult {
        let arn = input.required("resourceArn")?;
        let added = input.string_map("tags")?;
        input.finish()?;
        self.change_tags(&arn, |tags| tags.extend(added))?;
        Ok(Value::Null)
    }

    pub(super) fn untag_resource(&self, mut input: Input) -> ServiceResult {
        let arn = input.required("resourceArn")?;
        let keys = input.strings("tagKeys")?;
        input.finish()?;
        self.change_tags(&arn, |tags| tags.retain(|key, _| !keys.contains(key)))?;
        Ok(Value::Null)
    }

    pub(super) fn get_tags(&self, mut input: Input) -> ServiceResult {
        let arn = input.required("resourceArn")?;
        input.finish()?;
        let tags = self.change_tags(&arn, |_| ())?;
        Ok(json!({ "tags": tags }))
    }

    /// Changes the tags of what an ARN names, `…::/apis/ID` or `…::/apis/ID/stages/NAME`, and gives
    /// them.
    fn change_tags(
        &self,
        arn: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> ServiceResult<BTreeMap<String, String>> {
        let prefix = format!("arn:aws:apigateway:{}::/apis/", self.place.region);
        let rest = arn.strip_prefix(&prefix).ok_or_else(|| bad_request(format!("Invalid resource ARN: {arn}")))?;
        let parts: Vec<&str> = rest.split('/').collect();
        match parts[..] {
            [api_id] => self.change(api_id, |api| {
                change(&mut api.tags);
                Ok(api.tags.clone())
            }),
            [api_id, "stages", name] => self.change(api_id, |api| {
                let stage = api.stages.get_mut(name).ok_or_else(|| not_found("Stage", name))?;
                change(&mut stage.tags);
                Ok(stage.tags.clone())
            }),
            _ => Err(bad_request(format!("Invalid resource ARN: {arn}"))),
        }
    }
}
