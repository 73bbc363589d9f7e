//! The operations that read single objects.

use std::ops::Range;

use s3s::dto;

use super::{
    conditions::ReadConditions,
    digest::{Sum, show_sum},
    objects::encryption,
    refusal::{Answer, Refusal, disk, no_such_key},
    store::{Bucket, Object, Store, Version},
};
use crate::wire::ServiceError;

/// What an object is served as that was given no type.
const ANY_TYPE: &str = "binary/octet-stream";

/// What a read found.
pub(super) struct Found {
    pub version: Version,
    pub object: std::sync::Arc<Object>,
    /// To be shown.
    pub version_id: Option<String>,
}

/// Finds what a read names; a delete marker is told by headers.
pub(super) fn find(store: &Store, bucket: &str, key: &str, version_id: Option<&str>) -> Answer<Found> {
    let (version, shown) = store.look(bucket, |bucket: &Bucket| {
        let version = bucket.version(key, version_id)?.clone();
        let shown = bucket.shown_id(&version.id);
        Ok((version, shown))
    })?;
    if let Some(object) = version.object.clone() {
        return Ok(Found { version, object, version_id: shown });
    }
    let error = if version_id.is_some() {
        ServiceError::new(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
            .with("Method", "GET")
            .with("ResourceType", "DeleteMarker")
    } else {
        no_such_key(key)
    };
    Err(Refusal::from(error).header("x-amz-delete-marker", "true").header("x-amz-version-id", version.id))
}

/// Which bytes a read gives.
struct Slice {
    bytes: Range<u64>,
    /// Of the number of parts of the object.
    parts_count: Option<i32>,
    /// Whether it is less than the object.
    partial: bool,
    sum: Option<Sum>,
}

impl Slice {
    fn of(object: &Object, range: Option<dto::Range>, part_number: Option<i32>) -> Answer<Self> {
        let size = object.body.size();
        match (range, part_number) {
            (Some(_), Some(_)) => Err(ServiceError::bad_request(
                "InvalidRequest",
                "Cannot specify both Range header and partNumber query parameter",
            )
            .into()),
            (None, None) => Ok(Self { bytes: 0..size, parts_count: None, partial: false, sum: object.sum.clone() }),
            (Some(range), None) => {
                let asked = range.to_header_string();
                let bytes = range.check(size).map_err(|_| not_satisfiable(&asked, size))?;
                let whole = bytes == (0..size);
                Ok(Self { bytes, parts_count: None, partial: true, sum: whole.then(|| object.sum.clone()).flatten() })
            }
            (None, Some(1)) if object.parts.is_empty() => {
                Ok(Self { bytes: 0..size, parts_count: None, partial: size > 0, sum: object.sum.clone() })
            }
            (None, Some(number)) => {
                let position = usize::try_from(number - 1).ok().filter(|position| *position < object.parts.len());
                let Some(position) = position else {
                    return Err(ServiceError::new(
                        416,
                        "InvalidPartNumber",
                        "The requested partnumber is not satisfiable",
                    )
                    .with("PartNumberRequested", number)
                    .with("ActualPartCount", object.parts.len().max(1))
                    .into());
                };
                let start: u64 = object.parts[..position].iter().map(|part| part.size).sum();
                let part = &object.parts[position];
                Ok(Self {
                    bytes: start..start + part.size,
                    parts_count: i32::try_from(object.parts.len()).ok(),
                    partial: true,
                    sum: part.sum.clone(),
                })
            }
        }
    }

    fn length(&self) -> Option<i64> {
        i64::try_from(self.bytes.end - self.bytes.start).ok()
    }

    fn content_range(&self, size: u64) -> Option<String> {
        self.partial.then(|| format!("bytes {}-{}/{size}", self.bytes.start, self.bytes.end.saturating_sub(1)))
    }
}

fn not_satisfiable(asked: &str, size: u64) -> Refusal {
    let error = ServiceError::new(416, "InvalidRange", "The requested range is not satisfiable")
        .with("RangeRequested", asked)
        .with("ActualObjectSize", size.to_string());
    Refusal::from(error).header("content-range", format!("bytes */{size}"))
}

/// The members that the outputs of a read have in common.
macro_rules! read_output {
    ($Output:ident, $found:expr, $slice:expr, $with_sum:expr) => {{
        let (found, slice) = (&$found, &$slice);
        let attributes = &found.object.attributes;
        let mut output = dto::$Output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: attributes.cache_control.clone(),
            content_disposition: attributes.content_disposition.clone(),
            content_encoding: attributes.content_encoding.clone(),
            content_language: attributes.content_language.clone(),
            content_type: Some(attributes.content_type.clone().unwrap_or_else(|| ANY_TYPE.to_owned())),
            expires: attributes.expires.clone(),
            metadata: attributes.metadata.clone(),
            content_length: slice.length(),
            content_range: slice.content_range(found.object.body.size()),
            e_tag: Some(found.object.etag()),
            last_modified: Some(found.version.modified.into()),
            parts_count: slice.parts_count,
            server_side_encryption: Some(encryption()),
            version_id: found.version_id.clone(),
            ..Default::default()
        };
        if $with_sum {
            output.checksum_type = show_sum!(output, slice.sum.as_ref());
        }
        output
    }};
}

fn enabled(mode: Option<&dto::ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == dto::ChecksumMode::ENABLED)
}

pub(super) async fn get(store: &Store, input: dto::GetObjectInput) -> Answer<dto::GetObjectOutput> {
    let found = find(store, &input.bucket, &input.key, input.version_id.as_deref())?;
    ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    }
    .check(&found.object, found.version.modified)?;
    let slice = Slice::of(&found.object, input.range, input.part_number)?;
    let mut output = read_output!(GetObjectOutput, found, slice, enabled(input.checksum_mode.as_ref()));
    output.tag_count = i32::try_from(found.version.tags.len()).ok().filter(|count| *count > 0);
    output.body = Some(found.object.body.stream(slice.bytes).await.map_err(disk)?);
    Ok(output)
}

pub(super) fn head(store: &Store, input: dto::HeadObjectInput) -> Answer<dto::HeadObjectOutput> {
    let found = find(store, &input.bucket, &input.key, input.version_id.as_deref())?;
    ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    }
    .check(&found.object, found.version.modified)?;
    let slice = Slice::of(&found.object, input.range, input.part_number)?;
    Ok(read_output!(HeadObjectOutput, found, slice, enabled(input.checksum_mode.as_ref())))
}

pub(super) fn attributes_of(
    store: &Store,
    input: &dto::GetObjectAttributesInput,
) -> Answer<dto::GetObjectAttributesOutput> {
    let found = find(store, &input.bucket, &input.key, input.version_id.as_deref())?;
    let asked = |name: &str| input.object_attributes.iter().any(|attribute| attribute.as_str() == name);
    let object = &found.object;
    let mut output = dto::GetObjectAttributesOutput {
        last_modified: Some(found.version.modified.into()),
        version_id: found.version_id.clone(),
        ..Default::default()
    };
    if asked(dto::ObjectAttributes::ETAG) {
        output.e_tag = Some(object.etag());
    }
    if asked(dto::ObjectAttributes::OBJECT_SIZE) {
        output.object_size = i64::try_from(object.body.size()).ok();
    }
    if asked(dto::ObjectAttributes::STORAGE_CLASS) {
        output.storage_class = Some(dto::StorageClass::from_static(dto::StorageClass::STANDARD));
    }
    if asked(dto::ObjectAttributes::CHECKSUM) {
        output.checksum = object.sum.as_ref().map(|sum| Sum::shape(Some(sum)));
    }
    if asked(dto::ObjectAttributes::OBJECT_PARTS) && !object.parts.is_empty() {
        let marker = input.part_number_marker.unwrap_or_default();
        let limit = usize::try_from(input.max_parts.unwrap_or(1000)).unwrap_or_default();
        let mut parts: Vec<dto::ObjectPart> = Vec::new();
        let mut rest = object.parts.iter().filter(|part| part.number > marker);
        for part in rest.by_ref().take(limit) {
            let mut shape = dto::ObjectPart {
                part_number: Some(part.number),
                size: i64::try_from(part.size).ok(),
                ..Default::default()
            };
            let _ = show_sum!(shape, part.sum.as_ref());
            parts.push(shape);
        }
        let is_truncated = rest.next().is_some();
        output.object_parts = Some(dto::GetObjectAttributesParts {
            is_truncated: Some(is_truncated),
            max_parts: i32::try_from(limit).ok(),
            next_part_number_marker: parts.last().and_then(|part| part.part_number).filter(|_| is_truncated),
            part_number_marker: Some(marker),
            parts: Some(parts),
            total_parts_count: i32::try_from(object.parts.len()).ok(),
        });
    }
    Ok(output)
}
