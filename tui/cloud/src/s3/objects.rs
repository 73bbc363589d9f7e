//! The operations that write, copy and delete single objects.

use http::HeaderMap;
use s3s::{TrailingHeaders, dto};

use super::{
    conditions::ReadConditions,
    digest::{Algorithm, Said, receive, said_sums, show_sum},
    reads::find,
    refusal::{Answer, disk, invalid_argument, no_such_key, precondition_failed},
    store::{Attributes, Object, Store, Tags, Version, WriteConditions, matches},
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
