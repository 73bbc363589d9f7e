//! Firehose's operations.
//!
//! <https://docs.aws.amazon.com/firehose/latest/APIReference/API_Operations.html>

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use jiff::Timestamp;
use rand::RngExt;
use serde_json::{Value, json};

use crate::wire::{Input, ServiceError, ServiceResult};

use super::{
    Firehose, PRINCIPAL,
    delivery_stream::{DESTINATION_ID, DeliveryStream, Source},
    destination::Destination,
};

/// Bytes of one record put directly.
const RECORD_BYTES_AT_MOST: usize = 1000 * 1024;
/// Records of one `PutRecordBatch` call.
const BATCH_RECORDS_AT_MOST: usize = 500;
/// Bytes of one `PutRecordBatch` call.
const BATCH_BYTES_AT_MOST: usize = 4 * 1024 * 1024;
/// Bytes that wait in a delivery stream before direct puts are told to slow down.
const WAITING_BYTES_AT_MOST: u64 = 256 * 1024 * 1024;
/// Tags of a delivery stream.
const TAGS_AT_MOST: usize = 50;

impl Firehose {
    pub(super) fn create(&self, mut input: Input) -> ServiceResult {
        let name = input.required("DeliveryStreamName")?;
        check_name(&name)?;
        let kind = input.string("DeliveryStreamType")?.unwrap_or_else(|| "DirectPut".to_owned());
        let stream = input.structure("KinesisStreamSourceConfiguration")?;
        let encryption = input.take("DeliveryStreamEncryptionConfigurationInput");
        let source = match (kind.as_str(), stream) {
            ("KinesisStreamAsSource", Some(stream)) => self.stream_source(stream, &name)?,
            ("DirectPut", None) => Source::Direct { encryption: encryption_shape(encryption.as_ref()) },
            ("KinesisStreamAsSource", None) => {
                return Err(invalid("KinesisStreamSourceConfiguration must be set for KinesisStreamAsSource."));
            }
            ("DirectPut", Some(_)) => {
                return Err(invalid("KinesisStreamSourceConfiguration must not be set for DirectPut."));
            }
            (other, _) => {
                return Err(invalid(&format!("The embedded cloud does not support the DeliveryStreamType {other}.")));
            }
        };
        if encryption.is_some() && matches!(source, Source::Stream { .. }) {
            return Err(invalid("Server-side encryption can only be enabled for DirectPut delivery streams."));
        }
        let extended = input.structure("ExtendedS3DestinationConfiguration")?;
        let plain = input.structure("S3DestinationConfiguration")?;
        let destination = match (extended, plain) {
            (Some(settings), None) | (None, Some(settings)) => Destination::new(settings)?,
            (Some(_), Some(_)) => return Err(invalid("Exactly one destination configuration must be set.")),
            (None, None) => {
                // A destination other than S3 is named by what is left of the input.
                input.finish()?;
                return Err(invalid("Exactly one destination configuration must be set."));
            }
        };
        let tags = tags_of(&mut input)?;
        input.finish()?;
        self.check_role(&destination.role_arn, &name)?;
        self.open(&name, source, destination, tags)
    }

    fn stream_source(&self, mut input: Input, name: &str) -> ServiceResult<Source> {
        let arn = input.required("KinesisStreamARN")?;
        let role_arn = input.required("RoleARN")?;
        input.finish()?;
        self.check_role(&role_arn, name)?;
        let own = self.uses.place.arn("kinesis", "stream/");
        let is_there = arn.strip_prefix(&own).is_some_and(|stream| self.uses.kinesis.news(stream).is_some());
        if !is_there {
            return Err(ServiceError::bad_request(
                "ResourceNotFoundException",
                format!(
                    "Stream {} under account {} not found.",
                    arn.rsplit('/').next().unwrap_or_default(),
                    self.uses.place.account_id
                ),
            ));
        }
        Ok(Source::Stream { arn, role_arn })
    }

    fn check_role(&self, role_arn: &str, name: &str) -> ServiceResult<()> {
        self.uses.iam.assume_for_service(role_arn, PRINCIPAL, name).map(|_| ()).map_err(|_| {
            invalid(&format!("Firehose is unable to assume role {role_arn}. Please check the role provided."))
        })
    }

    pub(super) fn describe(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        // There is one destination, so every page has it.
        input.limit("Limit", 10_000)?;
        let after = input.string("ExclusiveStartDestinationId")?;
        input.finish()?;
        let mut description = stream.description();
        if after.is_some_and(|after| after.as_str() >= DESTINATION_ID) {
            description["Destinations"] = json!([]);
        }
        Ok(json!({"DeliveryStreamDescription": description}))
    }

    pub(super) fn list(&self, mut input: Input) -> ServiceResult {
        let at_most = input.limit("Limit", 10_000)?.unwrap_or(10);
        let kind = input.string("DeliveryStreamType")?;
        let after = input.string("ExclusiveStartDeliveryStreamName")?;
        input.finish()?;
        let mut names: Vec<String> = self
            .streams()
            .into_iter()
            .filter(|stream| kind.as_ref().is_none_or(|kind| kind == stream.kind()))
            .map(|stream| stream.name.clone())
            .filter(|name| after.as_ref().is_none_or(|after| name > after))
            .collect();
        let more = names.len() > at_most;
        names.truncate(at_most);
        Ok(json!({"DeliveryStreamNames": names, "HasMoreDeliveryStreams": more}))
    }

    pub(super) fn update(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        let version = input.required("CurrentDeliveryStreamVersionId")?;
        let id = input.required("DestinationId")?;
        let update = match input.structure("ExtendedS3DestinationUpdate")? {
            Some(update) => update,
            None => input
                .structure("S3DestinationUpdate")?
                .ok_or_else(|| invalid("ExtendedS3DestinationUpdate must be set."))?,
        };
        input.finish()?;
        if id != DESTINATION_ID {
            return Err(invalid(&format!("Destination Id {id} not found")));
        }
        let (current, destination) = {
            let settings = stream.settings();
            (settings.version, settings.destination.updated(update)?)
        };
        self.check_role(&destination.role_arn, &stream.name)?;
        {
            let mut settings = stream.settings();
            if version != current.to_string() || current != settings.version {
                return Err(ServiceError::bad_request(
                    "ConcurrentModificationException",
                    format!(
                        "Cannot update firehose: {} since the current version id: {} and specified version id: \
                         {version} do not match",
                        stream.name, settings.version
                    ),
                ));
            }
            settings.destination = destination;
            settings.version += 1;
            settings.updated = Some(Timestamp::now());
        }
        stream.updated.notify_one();
        Ok(json!({}))
    }

    pub(super) fn delete(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        // What is forced on AWS are grants of encryption keys, and there are none here.
        input.ignore("AllowForceDelete");
        input.finish()?;
        self.close(&stream.name);
        Ok(json!({}))
    }

    pub(super) fn put_record(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        let record = input.take("Record").unwrap_or(Value::Null);
        input.finish()?;
        let data = data_of(&record)?;
        take_in(&stream, &[data])?;
        Ok(json!({"RecordId": record_id(), "Encrypted": is_encrypted(&stream)}))
    }

    pub(super) fn put_record_batch(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        let records = input.list("Records")?;
        input.finish()?;
        if records.is_empty() || records.len() > BATCH_RECORDS_AT_MOST {
            let which = if records.is_empty() { "greater than or equal to 1" } else { "less than or equal to 500" };
            return Err(ServiceError::bad_request(
                "ValidationException",
                format!(
                    "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have \
                     length {which}"
                ),
            ));
        }
        let records: Vec<Bytes> = records.iter().map(data_of).collect::<ServiceResult<_>>()?;
        if records.iter().map(Bytes::len).sum::<usize>() > BATCH_BYTES_AT_MOST {
            return Err(invalid(&format!("Records size exceeds {} MB limit", BATCH_BYTES_AT_MOST / 1024 / 1024)));
        }
        take_in(&stream, &records)?;
        let responses: Vec<Value> = records.iter().map(|_| json!({"RecordId": record_id()})).collect();
        Ok(json!({"FailedPutCount": 0, "Encrypted": is_encrypted(&stream), "RequestResponses": responses}))
    }

    pub(super) fn tag(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        let tags = tags_of(&mut input)?;
        input.finish()?;
        let mut settings = stream.settings();
        let fresh = tags.keys().filter(|key| !settings.tags.contains_key(*key)).count();
        if settings.tags.len() + fresh > TAGS_AT_MOST {
            return Err(ServiceError::bad_request(
                "LimitExceededException",
                format!("A delivery stream may have {TAGS_AT_MOST} tags."),
            ));
        }
        settings.tags.extend(tags);
        Ok(json!({}))
    }

    pub(super) fn untag(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        let keys = input.strings("TagKeys")?;
        input.finish()?;
        stream.settings().tags.retain(|key, _| !keys.contains(key));
        Ok(json!({}))
    }

    pub(super) fn list_tags(&self, mut input: Input) -> ServiceResult {
        let stream = self.named(&mut input)?;
        let at_most = input.limit("Limit", 50)?.unwrap_or(50);
        let after = input.string("ExclusiveStartTagKey")?;
        input.finish()?;
        let settings = stream.settings();
        let mut tags: Vec<Value> = settings
            .tags
            .iter()
            .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        let more = tags.len() > at_most;
        tags.truncate(at_most);
        Ok(json!({"Tags": tags, "HasMoreTags": more}))
    }

    fn named(&self, input: &mut Input) -> ServiceResult<Arc<DeliveryStream>> {
        let name = input.required("DeliveryStreamName")?;
        self.stream(&name).ok_or_else(|| {
            ServiceError::bad_request(
                "ResourceNotFoundException",
                format!("Firehose {name} under account {} not found.", self.uses.place.account_id),
            )
        })
    }
}

fn take_in(stream: &DeliveryStream, records: &[Bytes]) -> ServiceResult<()> {
    if matches!(stream.source, Source::Stream { .. }) {
        return Err(invalid("This operation is not permitted on KinesisStreamAsSource delivery stream type."));
    }
    if stream.buffered().bytes > WAITING_BYTES_AT_MOST {
        return Err(ServiceError::new(503, "ServiceUnavailableException", "Slow down."));
    }
    let now_ms = Timestamp::now().as_millisecond();
    for data in records {
        stream.take_in(data, now_ms);
    }
    stream.put.notify_one();
    Ok(())
}

fn data_of(record: &Value) -> ServiceResult<Bytes> {
    let text = record["Data"].as_str().ok_or_else(|| {
        ServiceError::bad_request(
            "ValidationException",
            "1 validation error detected: Value null at 'record.data' failed to satisfy constraint: Member must not \
             be null",
        )
    })?;
    let data = BASE64
        .decode(text)
        .map_err(|error| ServiceError::bad_request("SerializationException", format!("Data is not base64: {error}")))?;
    if data.len() > RECORD_BYTES_AT_MOST {
        return Err(ServiceError::bad_request(
            "ValidationException",
            format!(
                "1 validation error detected: Value at 'record.data' failed to satisfy constraint: Member must have \
                 length less than or equal to {RECORD_BYTES_AT_MOST}"
            ),
        ));
    }
    Ok(data.into())
}

fn record_id() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = rand::rng();
    (0..224).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

fn encryption_shape(input: Option<&Value>) -> Value {
    let Some(input) = input else { return json!({"Status": "DISABLED"}) };
    let mut shape = json!({"Status": "ENABLED"});
    for name in ["KeyType", "KeyARN"] {
        if let Some(value) = input.get(name) {
            shape[name] = value.clone();
        }
    }
    shape
}

fn is_encrypted(stream: &DeliveryStream) -> bool {
    matches!(&stream.source, Source::Direct { encryption } if encryption["Status"] == "ENABLED")
}

fn tags_of(input: &mut Input) -> ServiceResult<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for tag in input.list("Tags")? {
        let Some(key) = tag["Key"].as_str().filter(|key| !key.is_empty()) else {
            return Err(invalid("Every tag needs a Key."));
        };
        tags.insert(key.to_owned(), tag["Value"].as_str().unwrap_or_default().to_owned());
    }
    Ok(tags)
}

fn check_name(name: &str) -> ServiceResult<()> {
    let refused = |constraint: &str| {
        Err(ServiceError::bad_request(
            "ValidationException",
            format!(
                "1 validation error detected: Value '{name}' at 'deliveryStreamName' failed to satisfy constraint: \
                 {constraint}"
            ),
        ))
    };
    if name.len() > 64 {
        return refused("Member must have length less than or equal to 64");
    }
    if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter)) {
        return refused("Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    }
    Ok(())
}

fn invalid(message: &str) -> ServiceError {
    ServiceError::bad_request("InvalidArgumentException", message)
}
