//! The operations of uploads in parts.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::StreamExt as _;
use http::HeaderMap;
use s3s::{
    TrailingHeaders,
    crypto::{Checksum as _, Md5},
    dto,
};

use super::{
    buckets::{canonical_id, owner},
    conditions::ReadConditions,
    digest::{Algorithm, Hasher, Received, Said, Sum, check_sum, receive, said_sums, show_sum},
    lists::{Encoding, limit},
    objects::{Source, attributes, check_metadata, encryption},
    refusal::{Answer, disk, invalid_argument, malformed_xml, no_such_upload, not_offered},
    store::{Object, PartOfObject, Store, Upload, UploadedPart, WriteConditions, new_id, now},
    tags,
};
use crate::wire::{ServiceError, ServiceResult};

/// The smallest part that is not the last.
const SMALLEST_PART_BYTES: u64 = 5 * 1024 * 1024;
/// Parts are numbered from one to this.
const MOST_PARTS: i32 = 10_000;
/// How long the ids of uploads are here.
const UPLOAD_ID_LETTERS: usize = 64;

pub(super) fn begin(store: &Store, input: dto::CreateMultipartUploadInput) -> Answer<dto::CreateMultipartUploadOutput> {
    let attributes = attributes!(input);
    check_metadata(&attributes)?;
    let tags = tags::of_header(input.tagging.as_deref())?;
    let chosen = input.checksum_algorithm.as_ref().map(Algorithm::named).transpose()?;
    let algorithm = chosen.unwrap_or(Algorithm::Crc64Nvme);
    let composite = match (input.checksum_type.as_ref().map(dto::ChecksumType::as_str), algorithm) {
        (None, Algorithm::Crc64Nvme) => false,
        (None, _) => true,
        (Some(dto::ChecksumType::FULL_OBJECT), Algorithm::Sha1 | Algorithm::Sha256) => {
            return Err(mismatch("FULL_OBJECT", algorithm).into());
        }
        (Some(dto::ChecksumType::COMPOSITE), Algorithm::Crc64Nvme) => {
            return Err(mismatch("COMPOSITE", algorithm).into());
        }
        (Some(kind), _) => kind == dto::ChecksumType::COMPOSITE,
    };
    let upload_id = new_id(UPLOAD_ID_LETTERS);
    store.change(&input.bucket, |found| {
        let upload = Upload {
            initiated: now(),
            attributes,
            tags,
            algorithm,
            algorithm_chosen: chosen.is_some(),
            composite,
            parts: BTreeMap::new(),
        };
        found.uploads.insert((input.key.clone(), upload_id.clone()), upload);
        Ok(())
    })?;
    Ok(dto::CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        checksum_algorithm: chosen.map(|chosen| dto::ChecksumAlgorithm::from_static(chosen.name())),
        checksum_type: chosen.map(|_| kind(composite)),
        key: Some(input.key),
        server_side_encryption: Some(encryption()),
        upload_id: Some(upload_id),
        ..Default::default()
    })
}

fn kind(composite: bool) -> dto::ChecksumType {
    let name = if composite { dto::ChecksumType::COMPOSITE } else { dto::ChecksumType::FULL_OBJECT };
    dto::ChecksumType::from_static(name)
}

fn mismatch(kind: &str, algorithm: Algorithm) -> ServiceError {
    let name = algorithm.name().to_lowercase();
    ServiceError::bad_request(
        "InvalidRequest",
        format!("The {kind} checksum type cannot be used with the {name} checksum algorithm."),
    )
}

/// Looks at an upload.
fn look<T>(
    store: &Store,
    bucket: &str,
    key: &str,
    upload_id: &str,
    look: impl FnOnce(&Upload) -> T,
) -> ServiceResult<T> {
    store.look(bucket, |found| {
        let upload = found.uploads.get(&(key.to_owned(), upload_id.to_owned()));
        upload.map(look).ok_or_else(|| no_such_upload(upload_id))
    })
}

/// The algorithm of an upload, and whether the client chose it.
fn algorithm(upload: &Upload) -> (Algorithm, bool) {
    (upload.algorithm, upload.algorithm_chosen)
}

fn check_number(number: i32) -> ServiceResult<()> {
    if (1..=MOST_PARTS).contains(&number) {
        return Ok(());
    }
    let words = "Part number must be an integer between 1 and 10000, inclusive";
    Err(invalid_argument(words, "partNumber", &number.to_string()))
}

/// Puts a part in, in place of one of the same number.
fn enter(
    store: &Store,
    bucket: &str,
    upload: &(String, String),
    number: i32,
    received: &Received,
) -> ServiceResult<()> {
    store.change(bucket, |found| {
        let found = found.uploads.get_mut(upload).ok_or_else(|| no_such_upload(&upload.1))?;
        let part =
            UploadedPart { body: received.blob.clone(), md5: received.md5, sum: received.full_sum(), modified: now() };
        found.parts.insert(number, part);
        Ok(())
    })
}

pub(super) async fn part(
    store: &Store,
    headers: &HeaderMap,
    trailers: Option<TrailingHeaders>,
    input: dto::UploadPartInput,
) -> Answer<dto::UploadPartOutput> {
    check_number(input.part_number)?;
    let (algorithm, chosen) = look(store, &input.bucket, &input.key, &input.upload_id, algorithm)?;
    let said = Said::of(
        said_sums!(input),
        input.checksum_algorithm.as_ref(),
        headers,
        input.content_length,
        input.content_md5,
        trailers,
    )?;
    if let Some((given, _)) = &said.sum
        && chosen
        && *given != algorithm
    {
        return Err(ServiceError::bad_request(
            "InvalidRequest",
            format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                algorithm.name().to_lowercase(),
                given.name().to_lowercase()
            ),
        )
        .into());
    }
    let received = receive(&store.blobs, input.body, said, algorithm).await?;
    enter(store, &input.bucket, &(input.key, input.upload_id), input.part_number, &received)?;
    let mut output = dto::UploadPartOutput {
        e_tag: Some(dto::ETag::Strong(hex::encode(received.md5))),
        server_side_encryption: Some(encryption()),
        ..Default::default()
    };
    let _ = show_sum!(output, Some(&received.full_sum()));
    Ok(output)
}

pub(super) async fn part_copy(store: &Store, input: dto::UploadPartCopyInput) -> Answer<dto::UploadPartCopyOutput> {
    check_number(input.part_number)?;
    let (algorithm, _) = look(store, &input.bucket, &input.key, &input.upload_id, algorithm)?;
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match.clone(),
        if_none_match: input.copy_source_if_none_match.clone(),
        if_modified_since: input.copy_source_if_modified_since.clone(),
        if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
    };
    let source = Source::of(store, &input.copy_source, &conditions)?;
    let size = source.object.body.size();
    let bytes = match &input.copy_source_range {
        None => 0..size,
        Some(text) => copied_range(text, size)?,
    };
    let body = source.object.body.stream(bytes).await.map_err(disk)?;
    let received = receive(&store.blobs, Some(body), Said::default(), algorithm).await?;
    enter(store, &input.bucket, &(input.key, input.upload_id), input.part_number, &received)?;
    let mut result = dto::CopyPartResult {
        e_tag: Some(dto::ETag::Strong(hex::encode(received.md5))),
        last_modified: Some(now().into()),
        ..Default::default()
    };
    let _ = show_sum!(result, Some(&received.full_sum()));
    Ok(dto::UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: source.version_id,
        server_side_encryption: Some(encryption()),
        ..Default::default()
    })
}

/// `bytes=FIRST-LAST`, both given and within the source.
fn copied_range(text: &str, size: u64) -> ServiceResult<std::ops::Range<u64>> {
    match dto::Range::parse(text) {
        Ok(dto::Range::Int { first, last: Some(last) }) if last < size => Ok(first..last + 1),
        Ok(dto::Range::Int { last: Some(_), .. }) => Err(invalid_argument(
            &format!("Range specified is not valid for source object of size: {size}"),
            "x-amz-copy-source-range",
            text,
        )),
        _ => Err(invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            text,
        )),
    }
}

pub(super) async fn complete(
    store: &Store,
    input: dto::CompleteMultipartUploadInput,
) -> Answer<dto::CompleteMultipartUploadOutput> {
    let upload = look(store, &input.bucket, &input.key, &input.upload_id, Clone::clone)?;
    let asked = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref()).unwrap_or_default();
    let parts = chosen_parts(&input.upload_id, &upload, asked)?;
    let size: u64 = parts.iter().map(|(_, part)| part.body.size()).sum();
    if let Some(wanted) = input.mpu_object_size.filter(|wanted| u64::try_from(*wanted) != Ok(size)) {
        return Err(ServiceError::bad_request(
            "InvalidRequest",
            format!(
                "The provided 'x-amz-mp-object-size' header value {wanted} does not match what was computed: {size}"
            ),
        )
        .into());
    }
    let (body, full) = joined(store, &parts, upload.algorithm).await?;
    let (sum, bytes) = if upload.composite {
        let mut hasher = Hasher::new(upload.algorithm);
        for (_, part) in &parts {
            hasher.update(&STANDARD.decode(&part.sum.value).map_err(ServiceError::internal)?);
        }
        let bytes = hasher.finish();
        let value = format!("{}-{}", STANDARD.encode(&bytes), parts.len());
        (Sum { algorithm: upload.algorithm, value, composite: true }, bytes)
    } else {
        (Sum { algorithm: upload.algorithm, value: STANDARD.encode(&full), composite: false }, full)
    };
    for (algorithm, wanted) in said_sums!(input) {
        let Some(wanted) = wanted else { continue };
        if algorithm != upload.algorithm {
            return Err(mismatch_of_object(upload.algorithm, algorithm).into());
        }
        check_sum(algorithm, wanted.split('-').next().unwrap_or_default(), &bytes)?;
    }
    let mut tags_of_parts = Md5::new();
    for (_, part) in &parts {
        tags_of_parts.update(&part.md5);
    }
    let object = Object {
        body,
        etag: format!("{}-{}", hex::encode(tags_of_parts.finalize()), parts.len()),
        sum: Some(sum.clone()),
        attributes: upload.attributes,
        parts: parts
            .iter()
            .map(|(number, part)| PartOfObject {
                number: *number,
                size: part.body.size(),
                sum: upload.algorithm_chosen.then(|| part.sum.clone()),
            })
            .collect(),
    };
    let etag = object.etag();
    let conditions = WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let ended = (input.key, input.upload_id);
    let version_id = store.complete(&input.bucket, &ended, object, &conditions)?;
    let mut output = dto::CompleteMultipartUploadOutput {
        location: Some(format!("{}/{}/{}", store.place.endpoint_url, input.bucket, ended.0)),
        bucket: Some(input.bucket),
        e_tag: Some(etag),
        key: Some(ended.0),
        server_side_encryption: Some(encryption()),
        version_id,
        ..Default::default()
    };
    output.checksum_type = show_sum!(output, Some(&sum));
    Ok(output)
}

fn mismatch_of_object(wanted: Algorithm, given: Algorithm) -> ServiceError {
    ServiceError::bad_request(
        "InvalidRequest",
        format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode, \
             not {}.",
            wanted.name().to_lowercase(),
            given.name().to_lowercase()
        ),
    )
}

/// The parts that a completion names, in its order.
fn chosen_parts(
    upload_id: &str,
    upload: &Upload,
    asked: &[dto::CompletedPart],
) -> ServiceResult<Vec<(i32, UploadedPart)>> {
    if asked.is_empty() {
        return Err(malformed_xml());
    }
    let mut chosen: Vec<(i32, UploadedPart)> = Vec::with_capacity(asked.len());
    for part in asked {
        let number = part.part_number.ok_or_else(malformed_xml)?;
        if chosen.last().is_some_and(|(before, _)| *before >= number) {
            return Err(ServiceError::bad_request(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            )
            .with("UploadId", upload_id));
        }
        let is_said = |(said, value): &(Algorithm, Option<String>)| *said == upload.algorithm && value.is_some();
        if upload.algorithm_chosen && upload.composite && !said_sums!(part).iter().any(is_said) {
            let name = upload.algorithm.name().to_lowercase();
            return Err(ServiceError::bad_request(
                "InvalidRequest",
                format!(
                    "The upload was created using a {name} checksum. The complete request must include the checksum \
                     for each part. It was missing for part {number} in the request."
                ),
            ));
        }
        let etag = part.e_tag.as_ref().map(dto::ETag::value).unwrap_or_default();
        let found = upload.parts.get(&number).filter(|found| hex::encode(found.md5) == etag.to_ascii_lowercase());
        let mut sums = said_sums!(part).into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
        let same_sums = |found: &&UploadedPart| {
            sums.all(|(algorithm, value)| algorithm != found.sum.algorithm || value == found.sum.value)
        };
        let Some(found) = found.filter(same_sums) else {
            return Err(ServiceError::bad_request(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                 specified entity tag may not match the part's entity tag.",
            )
            .with("UploadId", upload_id)
            .with("PartNumber", number)
            .with("ETag", etag));
        };
        chosen.push((number, found.clone()));
    }
    let all_but_last = &chosen[..chosen.len() - 1];
    if let Some((number, part)) = all_but_last.iter().find(|(_, part)| part.body.size() < SMALLEST_PART_BYTES) {
        return Err(ServiceError::bad_request(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
        )
        .with("ProposedSize", part.body.size())
        .with("MinSizeAllowed", SMALLEST_PART_BYTES)
        .with("PartNumber", *number)
        .with("ETag", hex::encode(part.md5)));
    }
    Ok(chosen)
}

/// One body of all parts, and the checksum over it.
async fn joined(
    store: &Store,
    parts: &[(i32, UploadedPart)],
    algorithm: Algorithm,
) -> ServiceResult<(Arc<super::blobs::Blob>, Vec<u8>)> {
    let (mut hasher, mut writer) = (Hasher::new(algorithm), store.blobs.writer());
    for (_, part) in parts {
        let mut body = part.body.stream(0..part.body.size()).await.map_err(disk)?;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| disk(std::io::Error::other(error)))?;
            hasher.update(&chunk);
            writer.write(&chunk).await.map_err(disk)?;
        }
    }
    Ok((writer.finish().await.map_err(disk)?, hasher.finish()))
}

pub(super) fn abort(store: &Store, input: dto::AbortMultipartUploadInput) -> Answer<dto::AbortMultipartUploadOutput> {
    if input.if_match_initiated_time.is_some() {
        return Err(not_offered("the member IfMatchInitiatedTime of AbortMultipartUpload").into());
    }
    let upload_id = input.upload_id.clone();
    store.change(&input.bucket, |found| {
        found.uploads.remove(&(input.key, input.upload_id)).map(drop).ok_or_else(|| no_such_upload(&upload_id))
    })?;
    Ok(dto::AbortMultipartUploadOutput::default())
}

pub(super) fn list_parts(store: &Store, input: dto::ListPartsInput) -> Answer<dto::ListPartsOutput> {
    let max_parts = limit("max-parts", input.max_parts)?;
    let upload = look(store, &input.bucket, &input.key, &input.upload_id, Clone::clone)?;
    let marker = input.part_number_marker.unwrap_or_default();
    let mut rest = upload.parts.range(marker.saturating_add(1)..);
    let mut parts = Vec::new();
    for (number, part) in rest.by_ref().take(usize::try_from(max_parts).unwrap_or_default()) {
        let mut shape = dto::Part {
            e_tag: Some(dto::ETag::Strong(hex::encode(part.md5))),
            last_modified: Some(part.modified.into()),
            part_number: Some(*number),
            size: i64::try_from(part.body.size()).ok(),
            ..Default::default()
        };
        let _ = show_sum!(shape, upload.algorithm_chosen.then_some(&part.sum));
        parts.push(shape);
    }
    let is_truncated = max_parts > 0 && rest.next().is_some();
    let initiator = dto::Initiator { display_name: None, id: Some(canonical_id(store)) };
    Ok(dto::ListPartsOutput {
        bucket: Some(input.bucket),
        checksum_algorithm: upload
            .algorithm_chosen
            .then(|| dto::ChecksumAlgorithm::from_static(upload.algorithm.name())),
        checksum_type: upload.algorithm_chosen.then(|| kind(upload.composite)),
        initiator: Some(initiator),
        is_truncated: Some(is_truncated),
        key: Some(input.key),
        max_parts: Some(max_parts),
        next_part_number_marker: parts.last().and_then(|part: &dto::Part| part.part_number),
        owner: Some(owner(store)),
        part_number_marker: Some(marker),
        parts: (!parts.is_empty()).then_some(parts),
        storage_class: Some(dto::StorageClass::from_static(dto::StorageClass::STANDARD)),
        upload_id: Some(input.upload_id),
        ..Default::default()
    })
}

pub(super) fn list_uploads(
    store: &Store,
    input: dto::ListMultipartUploadsInput,
) -> Answer<dto::ListMultipartUploadsOutput> {
    let max_uploads = limit("max-uploads", input.max_uploads)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let key_marker = input.key_marker.unwrap_or_default();
    // Without a key marker S3 does not look at this one.
    let id_marker = input.upload_id_marker.filter(|_| !key_marker.is_empty()).unwrap_or_default();
    let room = usize::try_from(max_uploads).unwrap_or_default();
    let initiator = dto::Initiator { display_name: None, id: Some(canonical_id(store)) };
    let owner = owner(store);
    let (mut uploads, mut prefixes): (Vec<dto::MultipartUpload>, Vec<String>) = (Vec::new(), Vec::new());
    // What the next page comes after, once this one is full.
    let (mut last, mut truncated) = (None, false);
    store.look(&input.bucket, |found| {
        for ((key, upload_id), upload) in &found.uploads {
            let behind = key_marker.is_empty()
                || *key > key_marker
                || (*key == key_marker && !id_marker.is_empty() && *upload_id > id_marker);
            if !behind || !key.starts_with(&prefix) {
                continue;
            }
            let end = delimiter.as_ref().and_then(|it| Some(key[prefix.len()..].find(it.as_str())? + it.len()));
            let rolled_up = end.map(|end| key[..prefix.len() + end].to_owned());
            if rolled_up.as_ref().is_some_and(|it| prefixes.last() == Some(it) || *it <= key_marker) {
                continue;
            }
            if uploads.len() + prefixes.len() == room {
                truncated = room > 0;
                break;
            }
            if let Some(prefix) = rolled_up {
                last = Some((prefix.clone(), None));
                prefixes.push(prefix);
                continue;
            }
            last = Some((key.clone(), Some(upload_id.clone())));
            uploads.push(dto::MultipartUpload {
                checksum_algorithm: upload
                    .algorithm_chosen
                    .then(|| dto::ChecksumAlgorithm::from_static(upload.algorithm.name())),
                checksum_type: upload.algorithm_chosen.then(|| kind(upload.composite)),
                initiated: Some(upload.initiated.into()),
                initiator: Some(initiator.clone()),
                key: Some(encoding.write(key)),
                owner: Some(owner.clone()),
                storage_class: Some(dto::StorageClass::from_static(dto::StorageClass::STANDARD)),
                upload_id: Some(upload_id.clone()),
            });
        }
        Ok(())
    })?;
    let (next_key, next_id) = last.filter(|_| truncated).unzip();
    let prefixes: Vec<dto::CommonPrefix> =
        prefixes.iter().map(|prefix| dto::CommonPrefix { prefix: Some(encoding.write(prefix)) }).collect();
    Ok(dto::ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
        delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
        encoding_type: encoding.name(),
        is_truncated: Some(truncated),
        key_marker: Some(encoding.write(&key_marker)),
        max_uploads: Some(max_uploads),
        next_key_marker: next_key.map(|key: String| encoding.write(&key)),
        next_upload_id_marker: next_id.flatten(),
        prefix: Some(encoding.write(&prefix)),
        upload_id_marker: Some(id_marker),
        uploads: (!uploads.is_empty()).then_some(uploads),
        ..Default::default()
    })
}
