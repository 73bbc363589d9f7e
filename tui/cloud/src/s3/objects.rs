//! The operations on single objects.

use std::ops::Range;

use http::HeaderMap;
use s3s::{TrailingHeaders, dto};

use super::{
    conditions::ReadConditions,
    digest::{Algorithm, Said, Sum, receive, said_sums, show_sum},
    refusal::{Answer, Refusal, disk, invalid_argument, no_such_key, precondition_failed},
    store::{Attributes, Bucket, Object, Store, Tags, Version, WriteConditions, matches},
    tags,
};
use crate::wire::{ServiceError, ServiceResult};

/// What every object is said to be encrypted with, as on S3 where nothing else was asked for.
pub(super) fn encryption() -> dto::ServerSideEncryption {
    dto::ServerSideEncryption::from_static(dto::ServerSideEncryption::AES256)
}

/// The members of an input that stay with the object.
macro_rules! attributes {
    ($input:expr) => {
        $crate::s3::store::Attributes {
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $crate::s3::objects::kept_encoding($input.content_encoding.as_deref()),
            content_language: $input.content_language.clone(),
            content_type: $input.content_type.clone(),
            expires: $input.expires.clone(),
            metadata: $input.metadata.clone(),
        }
    };
}
pub(super) use attributes;

/// `aws-chunked` tells how a request's body is framed; it is no part of the object.
pub(super) fn kept_encoding(encoding: Option<&str>) -> Option<String> {
    let kept: Vec<&str> =
        encoding?.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// What an object is served as that was given no type.
const ANY_TYPE: &str = "binary/octet-stream";

/// The most that user metadata may be, names and values together.
const LARGEST_METADATA_BYTES: usize = 2048;

/// 400 for more metadata than S3 keeps.
pub(super) fn check_metadata(attributes: &Attributes) -> ServiceResult<()> {
    let size: usize = attributes.metadata.iter().flatten().map(|(name, value)| name.len() + value.len()).sum();
    if size > LARGEST_METADATA_BYTES {
        return Err(ServiceError::bad_request(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        )
        .with("Size", size)
        .with("MaxSizeAllowed", LARGEST_METADATA_BYTES));
    }
    Ok(())
}

pub(super) async fn put(
    store: &Store,
    headers: &HeaderMap,
    trailers: Option<TrailingHeaders>,
    input: dto::PutObjectInput,
) -> Answer<dto::PutObjectOutput> {
    store.look(&input.bucket, |_| Ok(()))?;
    let attributes = attributes!(input);
    check_metadata(&attributes)?;
    let tags = tags::of_header(input.tagging.as_deref())?;
    let said = Said::of(
        said_sums!(input),
        input.checksum_algorithm.as_ref(),
        headers,
        input.content_length,
        input.content_md5,
        trailers,
    )?;
    let received = receive(&store.blobs, input.body, said, Algorithm::Crc64Nvme).await?;
    let sum = received.full_sum();
    let object = Object {
        body: received.blob,
        etag: hex::encode(received.md5),
        sum: Some(sum.clone()),
        attributes,
        parts: Vec::new(),
    };
    let etag = object.etag();
    let conditions = WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let (version_id, _) = store.enter(&input.bucket, &input.key, object, tags, &conditions)?;
    let mut output = dto::PutObjectOutput {
        e_tag: Some(etag),
        version_id,
        server_side_encryption: Some(encryption()),
        ..Default::default()
    };
    output.checksum_type = show_sum!(output, Some(&sum));
    Ok(output)
}

/// What a read found.
struct Found {
    version: Version,
    object: std::sync::Arc<Object>,
    /// To be shown.
    version_id: Option<String>,
}

/// Finds what a read names; a delete marker is told by headers.
fn find(store: &Store, bucket: &str, key: &str, version_id: Option<&str>) -> Answer<Found> {
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
    input: dto::GetObjectAttributesInput,
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

pub(super) fn delete(store: &Store, input: dto::DeleteObjectInput) -> Answer<dto::DeleteObjectOutput> {
    let modified = input.if_match_last_modified_time.clone();
    let condition = DeleteCondition { etag: input.if_match, size: input.if_match_size, modified };
    let deleted = store.delete(&input.bucket, &input.key, input.version_id.as_deref(), |version| {
        condition.check(&input.key, version)
    })?;
    Ok(dto::DeleteObjectOutput {
        delete_marker: deleted.delete_marker.then_some(true),
        version_id: deleted.version_id,
        ..Default::default()
    })
}

/// What an object must be to be deleted.
struct DeleteCondition {
    etag: Option<dto::ETagCondition>,
    size: Option<i64>,
    modified: Option<dto::Timestamp>,
}

impl DeleteCondition {
    fn check(&self, key: &str, version: Option<&Version>) -> ServiceResult<()> {
        if self.etag.is_none() && self.size.is_none() && self.modified.is_none() {
            return Ok(());
        }
        let Some((version, object)) = version.and_then(|version| Some((version, version.object.as_ref()?))) else {
            return Err(no_such_key(key));
        };
        let holds = self.etag.as_ref().is_none_or(|condition| matches(condition, &object.etag()));
        let size = i64::try_from(object.body.size()).ok();
        let same_size = self.size.is_none_or(|wanted| Some(wanted) == size);
        let same_time = self.modified.as_ref().is_none_or(|wanted| *wanted == version.modified.into());
        if holds && same_size && same_time {
            return Ok(());
        }
        Err(precondition_failed(if holds { "x-amz-if-match" } else { "If-Match" }))
    }
}

/// The most keys of one `DeleteObjects`.
const MOST_KEYS: usize = 1000;

pub(super) fn delete_many(store: &Store, input: dto::DeleteObjectsInput) -> Answer<dto::DeleteObjectsOutput> {
    store.look(&input.bucket, |_| Ok(()))?;
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MOST_KEYS {
        return Err(super::refusal::malformed_xml().into());
    }
    let (mut gone, mut errors) = (Vec::new(), Vec::new());
    for object in objects {
        let condition = DeleteCondition {
            etag: object.e_tag.map(dto::ETagCondition::ETag),
            size: object.size,
            modified: object.last_modified_time,
        };
        let version_id = object.version_id.filter(|id| !id.is_empty());
        let result = store
            .delete(&input.bucket, &object.key, version_id.as_deref(), |version| condition.check(&object.key, version));
        match result {
            Ok(deleted) => gone.push(dto::DeletedObject {
                delete_marker: deleted.delete_marker.then_some(true),
                delete_marker_version_id: deleted.version_id.filter(|_| deleted.delete_marker),
                key: Some(object.key),
                version_id,
            }),
            Err(error) => errors.push(dto::Error {
                code: Some(error.code),
                key: Some(object.key),
                message: Some(error.message),
                version_id,
            }),
        }
    }
    let quiet = input.delete.quiet.unwrap_or_default();
    Ok(dto::DeleteObjectsOutput {
        deleted: (!quiet).then_some(gone),
        errors: (!errors.is_empty()).then_some(errors),
        ..Default::default()
    })
}

/// What a copy copies from.
pub(super) struct Source {
    pub object: std::sync::Arc<Object>,
    pub tags: Tags,
    /// To be shown.
    pub version_id: Option<String>,
    bucket: String,
    key: String,
    version_named: bool,
}

impl Source {
    pub fn of(store: &Store, source: &dto::CopySource, conditions: &ReadConditions) -> Answer<Self> {
        let dto::CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(super::refusal::not_offered("copies from an access point or an outpost").into());
        };
        let found = find(store, bucket, key, version_id.as_deref()).map_err(|mut refusal| {
            if refusal.error.code == "MethodNotAllowed" {
                refusal.error = ServiceError::bad_request(
                    "InvalidRequest",
                    "The source of a copy request may not specifically refer to a delete marker by version id.",
                );
            }
            refusal
        })?;
        conditions.check_source(&found.object, found.version.modified)?;
        Ok(Self {
            object: found.object,
            tags: found.version.tags,
            version_id: found.version_id,
            bucket: bucket.to_string(),
            key: key.to_string(),
            version_named: version_id.is_some(),
        })
    }
}

pub(super) async fn copy(store: &Store, input: dto::CopyObjectInput) -> Answer<dto::CopyObjectOutput> {
    store.look(&input.bucket, |_| Ok(()))?;
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match.clone(),
        if_none_match: input.copy_source_if_none_match.clone(),
        if_modified_since: input.copy_source_if_modified_since.clone(),
        if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
    };
    let source = Source::of(store, &input.copy_source, &conditions)?;
    if source.object.body.size() > super::digest::LARGEST_BODY_BYTES {
        return Err(ServiceError::bad_request(
            "InvalidRequest",
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
        )
        .into());
    }
    let replace = replaces(input.metadata_directive.as_ref().map(dto::MetadataDirective::as_str))?;
    let replace_tags = replaces(input.tagging_directive.as_ref().map(dto::TaggingDirective::as_str))?;
    if !replace && source.bucket == input.bucket && source.key == input.key && !source.version_named {
        return Err(ServiceError::bad_request(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        )
        .into());
    }
    let attributes = if replace { attributes!(input) } else { source.object.attributes.clone() };
    check_metadata(&attributes)?;
    let tags = if replace_tags { tags::of_header(input.tagging.as_deref())? } else { source.tags };
    let kept = source.object.sum.as_ref().filter(|sum| !sum.composite).map(|sum| sum.algorithm);
    let algorithm = match &input.checksum_algorithm {
        Some(name) => Algorithm::named(name)?,
        None => kept.unwrap_or(Algorithm::Crc64Nvme),
    };
    // A body in one piece of its own: its entity tag is an MD5 again, as S3 does it.
    let said = Said { sum: Some((algorithm, None)), ..Said::default() };
    let body = source.object.body.stream(0..source.object.body.size()).await.map_err(disk)?;
    let received = receive(&store.blobs, Some(body), said, algorithm).await?;
    let sum = received.full_sum();
    let object = Object {
        body: received.blob,
        etag: hex::encode(received.md5),
        sum: Some(sum.clone()),
        attributes,
        parts: Vec::new(),
    };
    let etag = object.etag();
    let (version_id, modified) = store.enter(&input.bucket, &input.key, object, tags, &WriteConditions::default())?;
    let mut result =
        dto::CopyObjectResult { e_tag: Some(etag), last_modified: Some(modified.into()), ..Default::default() };
    result.checksum_type = show_sum!(result, Some(&sum));
    Ok(dto::CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source.version_id,
        server_side_encryption: Some(encryption()),
        version_id,
        ..Default::default()
    })
}

/// Whether a directive (`COPY`, `REPLACE`) replaces.
fn replaces(directive: Option<&str>) -> ServiceResult<bool> {
    match directive {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(invalid_argument("Unknown metadata directive.", "x-amz-metadata-directive", other)),
    }
}

pub(super) fn get_tags(store: &Store, input: &dto::GetObjectTaggingInput) -> Answer<dto::GetObjectTaggingOutput> {
    let found = find(store, &input.bucket, &input.key, input.version_id.as_deref())?;
    Ok(dto::GetObjectTaggingOutput { tag_set: tags::shape(&found.version.tags), version_id: found.version_id })
}

pub(super) fn put_tags(store: &Store, input: dto::PutObjectTaggingInput) -> Answer<dto::PutObjectTaggingOutput> {
    let tags = tags::of_shape(input.tagging, tags::MOST_OF_OBJECT)?;
    let version_id = set_tags(store, &input.bucket, &input.key, input.version_id.as_deref(), tags)?;
    Ok(dto::PutObjectTaggingOutput { version_id })
}

pub(super) fn delete_tags(
    store: &Store,
    input: &dto::DeleteObjectTaggingInput,
) -> Answer<dto::DeleteObjectTaggingOutput> {
    let version_id = set_tags(store, &input.bucket, &input.key, input.version_id.as_deref(), Tags::new())?;
    Ok(dto::DeleteObjectTaggingOutput { version_id })
}

fn set_tags(
    store: &Store,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
    tags: Tags,
) -> ServiceResult<Option<String>> {
    store.change(bucket, |found| {
        let version = found.version_mut(key, version_id)?;
        if version.object.is_none() {
            return Err(no_such_key(key));
        }
        version.tags = tags;
        let id = version.id.clone();
        Ok(found.shown_id(&id))
    })
}
