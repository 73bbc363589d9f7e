//! `PutRecord` and `PutRecords`.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use crate::{
    caller::Caller,
    faults::StreamEffect,
    wire::{ServiceError, ServiceResult},
};

use super::{
    Kinesis,
    engine::{Engine, NewRecord, decoded_length},
    streams::StreamState,
};

/// Bytes of one `PutRecords` call, data and partition keys.
const BATCH_BYTES_AT_MOST: u64 = 10 * 1024 * 1024;

impl Kinesis {
    pub(super) async fn put_record(&self, caller: &Caller, input: Map<String, Value>) -> ServiceResult {
        let members = self.engine.check("PutRecord", input)?.members;
        let stream = self.engine.stream_name(&members)?;
        let state = self.state(&stream).await?;
        if let Some(ordering) = members.get("SequenceNumberForOrdering").and_then(Value::as_str)
            && !Engine::is_sequence_number(ordering)
        {
            return Err(ServiceError::bad_request(
                "InvalidArgumentException",
                format!(
                    "ExclusiveMinimumSequenceNumber {ordering} used in PutRecord on stream {stream} under account {} \
                     is invalid.",
                    self.place.account_id
                ),
            ));
        }
        let throttled = self.meets_trouble(caller, "PutRecord", &stream)?;
        let placed = {
            let _alone = state.gate.write().await;
            self.engine.put(&stream, &record_of(&members), throttled).await?
        };
        self.account(&state, placed.bytes).await;
        let mut answer = json!({"ShardId": placed.shard_id, "SequenceNumber": placed.sequence_number});
        say_encryption(&mut answer, &state);
        Ok(answer)
    }

    pub(super) async fn put_records(&self, caller: &Caller, input: Map<String, Value>) -> ServiceResult {
        let members = self.engine.check("PutRecords", input)?.members;
        let stream = self.engine.stream_name(&members)?;
        let state = self.state(&stream).await?;
        let records: Vec<NewRecord<'_>> =
            members.get("Records").and_then(Value::as_array).into_iter().flatten().map(record_of).collect();
        let size = |record: &NewRecord<'_>| decoded_length(record.data) + record.partition_key.len() as u64;
        if records.iter().map(size).sum::<u64>() > BATCH_BYTES_AT_MOST {
            return Err(ServiceError::bad_request(
                "InvalidArgumentException",
                format!("Records size exceeds {BATCH_BYTES_AT_MOST} bytes limit"),
            ));
        }
        // Before anything is put: a call that is refused puts nothing.
        let throttled = records
            .iter()
            .map(|_| self.meets_trouble(caller, "PutRecords", &stream))
            .collect::<ServiceResult<Vec<bool>>>()?;
        let mut answers = Vec::with_capacity(records.len());
        let (mut failed, mut bytes) = (0, 0);
        {
            let _alone = state.gate.write().await;
            for (record, throttled) in records.iter().zip(throttled) {
                match self.engine.put(&stream, record, throttled).await {
                    Ok(placed) => {
                        bytes += placed.bytes;
                        answers.push(json!({"SequenceNumber": placed.sequence_number, "ShardId": placed.shard_id}));
                    }
                    // Only a shard's limit fails a record alone.
                    Err(error) if error.code == "ProvisionedThroughputExceededException" => {
                        failed += 1;
                        answers.push(json!({"ErrorCode": error.code, "ErrorMessage": error.message}));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        self.account(&state, bytes).await;
        let mut answer = json!({"FailedRecordCount": failed, "Records": answers});
        say_encryption(&mut answer, &state);
        Ok(answer)
    }

    /// Whether an order throttles the record at hand; an error where it has the call refused.
    fn meets_trouble(&self, caller: &Caller, operation: &str, stream: &str) -> ServiceResult<bool> {
        match self.faults.meet_put(stream) {
            None => Ok(false),
            Some(StreamEffect::Throttle) => Ok(true),
            Some(StreamEffect::Error { status, code, message }) => {
                let message = if message.is_empty() && code == "AccessDeniedException" {
                    self.access_denied(caller, operation, stream)
                } else {
                    message
                };
                Err(ServiceError::new(status, code, message))
            }
        }
    }

    /// AWS's words where no policy of the caller allows the call.
    fn access_denied(&self, caller: &Caller, operation: &str, stream: &str) -> String {
        let account = &self.place.account_id;
        let user = match caller {
            Caller::Account => format!("arn:aws:iam::{account}:root"),
            Caller::Role { role_arn, session_name } => {
                let role = role_arn.rsplit('/').next().unwrap_or_default();
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session_name}")
            }
            Caller::Service(name) => (*name).to_owned(),
        };
        format!(
            "User: {user} is not authorized to perform: kinesis:{operation} on resource: {} because no identity-based \
             policy allows the kinesis:{operation} action",
            self.place.arn("kinesis", &format!("stream/{stream}"))
        )
    }

    /// Counts what was put, lets the oldest records go where there are too many bytes, and wakes
    /// the readers.
    async fn account(&self, state: &StreamState, bytes: u64) {
        let held = self.streams.add(state, bytes);
        state.tell();
        if held > self.place.retained_bytes {
            self.let_oldest_go().await;
        }
    }
}

fn record_of(members: &Value) -> NewRecord<'_> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    NewRecord {
        partition_key: text("PartitionKey").unwrap_or_default(),
        explicit_hash_key: text("ExplicitHashKey"),
        data: text("Data").unwrap_or_default(),
    }
}

fn say_encryption(answer: &mut Value, state: &StreamState) {
    if state.encrypted.load(Ordering::Relaxed) {
        answer["EncryptionType"] = "KMS".into();
    }
}
