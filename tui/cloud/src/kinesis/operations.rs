//! The operations on streams where the engine's answer lacks something that AWS gives.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use crate::wire::{ServiceError, ServiceResult};

use super::{
    Kinesis,
    engine::{SHARDS_AT_MOST, Shard},
};

/// Shards of a new stream on demand.
const ON_DEMAND_SHARDS: u64 = 4;
/// Names that `ListStreams` gives where the caller does not say how many.
const USUAL_STREAMS: usize = 100;
/// Shards that `ListShards` gives where the caller does not say how many.
const USUAL_SHARDS: usize = 1000;
/// Shards that `DescribeStream` gives where the caller does not say how many.
const DESCRIBED_SHARDS: usize = 100;

impl Kinesis {
    pub(super) async fn create_stream(&self, mut input: Map<String, Value>) -> ServiceResult {
        let mode = input.remove("StreamModeDetails").unwrap_or(Value::Null);
        let on_demand = match mode["StreamMode"].as_str() {
            None | Some("PROVISIONED") => false,
            Some("ON_DEMAND") => true,
            Some(other) => {
                return Err(ServiceError::bad_request(
                    "ValidationException",
                    format!(
                        "1 validation error detected: Value '{other}' at 'streamModeDetails.streamMode' failed to \
                         satisfy constraint: Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]"
                    ),
                ));
            }
        };
        if on_demand {
            if input.get("ShardCount").is_some_and(|count| !count.is_null()) {
                return Err(ServiceError::bad_request(
                    "ValidationException",
                    "ShardCount must not be set for a stream in ON_DEMAND mode.",
                ));
            }
            input.insert("ShardCount".to_owned(), ON_DEMAND_SHARDS.into());
        }
        let tags = match input.remove("Tags") {
            Some(Value::Object(tags)) => tags,
            _ => Map::new(),
        };
        let checked = self.engine.check("CreateStream", input)?;
        let name = checked.members["StreamName"].as_str().unwrap_or_default().to_owned();
        let output = self.engine.call(checked).await?;
        self.engine.complete_stream(&name, on_demand, tags).await?;
        self.streams.open(&name);
        self.settle(&name).await;
        Ok(output)
    }

    pub(super) async fn delete_stream(&self, mut input: Map<String, Value>) -> ServiceResult {
        let with_consumers = input.remove("EnforceConsumerDeletion").and_then(|flag| flag.as_bool()).unwrap_or(false);
        let checked = self.engine.check("DeleteStream", input)?;
        let name = checked.members["StreamName"].as_str().unwrap_or_default().to_owned();
        let stream = self.engine.stream(&name).await?;
        let consumers = self.engine.consumer_arns(&stream.arn).await;
        if !consumers.is_empty() && !with_consumers {
            return Err(ServiceError::bad_request(
                "ResourceInUseException",
                format!(
                    "Stream {name} under account {} has consumers registered; deregister them or set \
                     EnforceConsumerDeletion.",
                    self.place.account_id
                ),
            ));
        }
        for consumer in consumers {
            let input = Map::from_iter([("ConsumerARN".to_owned(), Value::from(consumer))]);
            self.engine.call(self.engine.check("DeregisterStreamConsumer", input)?).await?;
        }
        let output = self.engine.call(checked).await?;
        self.settle(&name).await;
        self.streams.close(&name);
        Ok(output)
    }

    /// At most twice as many shards as are open, at least half as many.
    /// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>
    pub(super) async fn update_shard_count(&self, input: Map<String, Value>) -> ServiceResult {
        let members = self.engine.check("UpdateShardCount", input)?.members;
        let name = self.engine.stream_name(&members)?;
        let state = self.state(&name).await?;
        let stream = self.engine.stream(&name).await?;
        let open = stream.shards.iter().filter(|shard| !shard.closed).count();
        let current = u32::try_from(open).unwrap_or(u32::MAX);
        let target = members["TargetShardCount"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
        let limit = |message: String| Err(ServiceError::bad_request("LimitExceededException", message));
        if target > current.saturating_mul(2) {
            return limit(format!(
                "UpdateShardCount cannot scale up over double your current open shard count. Current open shard \
                 count: {current} Target shard count: {target}"
            ));
        }
        if target < current.div_ceil(2) {
            return limit(format!(
                "UpdateShardCount cannot scale down below half of your current open shard count. Current open shard \
                 count: {current} Target shard count: {target}"
            ));
        }
        if target > current && self.engine.open_shards().await + (target - current) > SHARDS_AT_MOST {
            return limit(format!(
                "This request would exceed the shard limit for the account {} in {}. Limit: {SHARDS_AT_MOST}.",
                self.place.account_id, self.place.region
            ));
        }
        let had = {
            let _alone = state.gate.write().await;
            self.engine.reshard(&name, target).await?
        };
        self.changed(&name).await;
        Ok(json!({
            "StreamName": name,
            "StreamARN": stream.arn,
            "CurrentShardCount": had,
            "TargetShardCount": target,
        }))
    }

    pub(super) async fn list_streams(&self, mut input: Map<String, Value>) -> ServiceResult {
        let token = take_text(&mut input, "NextToken");
        let checked = self.engine.check("ListStreams", input)?;
        let at_most = checked.members["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let after = token.or_else(|| checked.members["ExclusiveStartStreamName"].as_str().map(str::to_owned));
        let names = self.engine.stream_names().await;
        let mut rest = names.into_iter().filter(|name| after.as_ref().is_none_or(|after| name > after)).peekable();
        let page: Vec<String> = rest.by_ref().take(at_most.unwrap_or(USUAL_STREAMS)).collect();
        let mut summaries = Vec::new();
        for name in &page {
            if let Ok(stream) = self.engine.stream(name).await {
                summaries.push(json!({
                    "StreamName": name,
                    "StreamARN": stream.arn,
                    "StreamStatus": stream.status,
                    "StreamModeDetails": stream.mode,
                    "StreamCreationTimestamp": stream.created,
                }));
            }
        }
        let more = rest.peek().is_some();
        let mut answer = json!({"StreamNames": page, "HasMoreStreams": more, "StreamSummaries": summaries});
        if more && let Some(last) = page.last() {
            answer["NextToken"] = last.as_str().into();
        }
        Ok(answer)
    }

    pub(super) async fn list_shards(&self, mut input: Map<String, Value>) -> ServiceResult {
        let filter = input.remove("ShardFilter").unwrap_or(Value::Null);
        let token = take_text(&mut input, "NextToken");
        let invalid = |message: &str| Err(ServiceError::bad_request("InvalidArgumentException", message));
        let mut after = None;
        if let Some(token) = token {
            if input.contains_key("StreamName") || input.contains_key("StreamARN") {
                return invalid("NextToken and StreamName cannot be provided together.");
            }
            let Some((stream, last)) = page_of(&token) else { return invalid("Invalid NextToken.") };
            input.insert("StreamName".to_owned(), stream.into());
            after = Some(last);
        } else if !input.contains_key("StreamName") && !input.contains_key("StreamARN") {
            return invalid("Either NextToken or StreamName should be provided.");
        }
        // The one stream of that name that there is was created then.
        input.remove("StreamCreationTimestamp");
        let members = self.engine.check("ListShards", input)?.members;
        let name = members["StreamName"].as_str().unwrap_or_default();
        let at_most = members["MaxResults"].as_u64().and_then(|count| usize::try_from(count).ok());
        let after = after.or_else(|| members["ExclusiveStartShardId"].as_str().map(str::to_owned));
        let shown: fn(&Shard) -> bool = match filter["Type"].as_str() {
            None | Some("AFTER_SHARD_ID" | "FROM_TRIM_HORIZON") => |_| true,
            Some("AT_LATEST") => |shard| !shard.closed,
            Some(_) => return Err(ServiceError::unsupported_member("ListShards", "ShardFilter.Type")),
        };
        let after = after.or_else(|| filter["ShardId"].as_str().map(str::to_owned));
        let stream = self.engine.stream(name).await?;
        let described = self.described_shards(name).await?;
        let mut rest = stream
            .shards
            .iter()
            .zip(described)
            .filter(|(shard, _)| shown(shard) && after.as_ref().is_none_or(|after| shard.id > *after))
            .peekable();
        let page: Vec<(&Shard, Value)> = rest.by_ref().take(at_most.unwrap_or(USUAL_SHARDS)).collect();
        let next = rest.peek().and(page.last()).map(|(last, _)| BASE64.encode(format!("{name}/{}", last.id)));
        let shards: Vec<Value> = page.into_iter().map(|(_, shape)| shape).collect();
        let mut answer = json!({"Shards": shards});
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    }

    pub(super) async fn describe_stream(&self, input: Map<String, Value>) -> ServiceResult {
        let checked = self.engine.check("DescribeStream", input)?;
        let at_most = checked.members["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let after = checked.members["ExclusiveStartShardId"].as_str().map(str::to_owned);
        let mut answer = self.engine.call(checked).await?;
        let description = &mut answer["StreamDescription"];
        let mut more = false;
        if let Some(shards) = description["Shards"].as_array_mut() {
            if let Some(after) = after {
                shards.retain(|shard| shard["ShardId"].as_str().is_some_and(|id| *id > *after));
            }
            let at_most = at_most.unwrap_or(DESCRIBED_SHARDS);
            more = shards.len() > at_most;
            shards.truncate(at_most);
        }
        description["HasMoreShards"] = more.into();
        Ok(answer)
    }

    async fn described_shards(&self, name: &str) -> ServiceResult<Vec<Value>> {
        let input = Map::from_iter([("StreamName".to_owned(), Value::from(name))]);
        let mut answer = self.engine.call(self.engine.check("DescribeStream", input)?).await?;
        match answer["StreamDescription"]["Shards"].take() {
            Value::Array(shards) => Ok(shards),
            _ => Ok(Vec::new()),
        }
    }
}

fn take_text(input: &mut Map<String, Value>, name: &str) -> Option<String> {
    input.remove(name).and_then(|value| value.as_str().map(str::to_owned))
}

fn page_of(token: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
    let (stream, last) = text.split_once('/')?;
    Some((stream.to_owned(), last.to_owned()))
}
