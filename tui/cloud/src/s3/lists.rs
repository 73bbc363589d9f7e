//! The operations that list objects and versions.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto;

use super::{
    buckets::{owner, read_token, token},
    listing::{Row, Wanted, common_prefix, list},
    refusal::{Answer, invalid_argument},
    store::{Object, Store, Version, older_than},
};
use crate::wire::ServiceResult;

/// The most rows of a page.
const LARGEST_PAGE: i32 = 1000;
/// What the encoding type `url` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// How many rows are wanted, at most a page.
pub(super) fn limit(name: &str, asked: Option<i32>) -> ServiceResult<i32> {
    let asked = asked.unwrap_or(LARGEST_PAGE);
    if asked < 0 {
        let words = format!("Argument {name} must be an integer between 0 and 2147483647");
        return Err(invalid_argument(&words, name, &asked.to_string()));
    }
    Ok(asked.min(LARGEST_PAGE))
}

/// How keys are written in an answer.
#[derive(Clone, Copy)]
pub(super) struct Encoding(bool);

impl Encoding {
    pub fn of(asked: Option<&dto::EncodingType>) -> ServiceResult<Self> {
        match asked.map(dto::EncodingType::as_str) {
            None => Ok(Self(false)),
            Some(dto::EncodingType::URL) => Ok(Self(true)),
            Some(other) => {
                Err(invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", other))
            }
        }
    }

    pub fn write(self, text: &str) -> String {
        if self.0 { utf8_percent_encode(text, ENCODED).to_string() } else { text.to_owned() }
    }

    pub fn name(self) -> Option<dto::EncodingType> {
        self.0.then(|| dto::EncodingType::from_static(dto::EncodingType::URL))
    }
}

/// Splits rows into what S3 lists apart.
fn apart<V>(rows: Vec<Row<'_, V>>, encoding: Encoding) -> (Vec<(&str, &V)>, Vec<dto::CommonPrefix>) {
    let (mut keys, mut prefixes) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Row::Key(key, value) => keys.push((key, value)),
            Row::Prefix(prefix) => prefixes.push(dto::CommonPrefix { prefix: Some(encoding.write(&prefix)) }),
        }
    }
    (keys, prefixes)
}

fn is_there(versions: &[Version]) -> bool {
    versions.last().is_some_and(|version| version.object.is_some())
}

/// The current version of a key that [`is_there`].
fn row(key: &str, versions: &[Version], encoding: Encoding, owner: Option<dto::Owner>) -> Option<dto::Object> {
    let version = versions.last()?;
    let object: &Object = version.object.as_ref()?;
    let sum = object.sum.as_ref();
    Some(dto::Object {
        checksum_algorithm: sum.map(|sum| vec![dto::ChecksumAlgorithm::from_static(sum.algorithm.name())]),
        checksum_type: super::digest::Sum::shape(sum).checksum_type,
        e_tag: Some(object.etag()),
        key: Some(encoding.write(key)),
        last_modified: Some(version.modified.into()),
        owner,
        restore_status: None,
        size: i64::try_from(object.body.size()).ok(),
        storage_class: Some(dto::ObjectStorageClass::from_static(dto::ObjectStorageClass::STANDARD)),
    })
}

pub(super) fn objects_v2(store: &Store, input: dto::ListObjectsV2Input) -> Answer<dto::ListObjectsV2Output> {
    let max_keys = limit("max-keys", input.max_keys)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let after = match &input.continuation_token {
        Some(token) => Some(read_token(token)?),
        None => input.start_after.clone().filter(|after| !after.is_empty()),
    };
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let owner = input.fetch_owner.unwrap_or_default().then(|| owner(store));
    let wanted = Wanted {
        prefix: &prefix,
        delimiter: delimiter.as_deref().unwrap_or_default(),
        after: after.as_deref(),
        limit: usize::try_from(max_keys).unwrap_or_default(),
    };
    let (contents, prefixes, next) = store.look(&input.bucket, |found| {
        let (rows, more) = list(&found.objects, wanted, |versions| is_there(versions));
        let next = rows.last().filter(|_| more).map(|row| token(row.name()));
        let (keys, prefixes) = apart(rows, encoding);
        let rows = keys.into_iter().filter_map(|(key, versions)| row(key, versions, encoding, owner.clone()));
        Ok((rows.collect::<Vec<_>>(), prefixes, next))
    })?;
    Ok(dto::ListObjectsV2Output {
        key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
        contents: (!contents.is_empty()).then_some(contents),
        common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
        continuation_token: input.continuation_token,
        delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
        encoding_type: encoding.name(),
        is_truncated: Some(next.is_some()),
        max_keys: Some(max_keys),
        name: Some(input.bucket),
        next_continuation_token: next,
        prefix: Some(encoding.write(&prefix)),
        start_after: input.start_after.map(|after| encoding.write(&after)),
        ..Default::default()
    })
}

pub(super) fn objects(store: &Store, input: dto::ListObjectsInput) -> Answer<dto::ListObjectsOutput> {
    let max_keys = limit("max-keys", input.max_keys)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let prefix = input.prefix.unwrap_or_default();
    let marker = input.marker.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let wanted = Wanted {
        prefix: &prefix,
        delimiter: delimiter.as_deref().unwrap_or_default(),
        after: Some(marker.as_str()).filter(|marker| !marker.is_empty()),
        limit: usize::try_from(max_keys).unwrap_or_default(),
    };
    let owner = owner(store);
    let (contents, prefixes, more, last) = store.look(&input.bucket, |found| {
        let (rows, more) = list(&found.objects, wanted, |versions| is_there(versions));
        let last = rows.last().map(|row| row.name().to_owned());
        let (keys, prefixes) = apart(rows, encoding);
        let rows = keys.into_iter().filter_map(|(key, versions)| row(key, versions, encoding, Some(owner.clone())));
        Ok((rows.collect::<Vec<_>>(), prefixes, more, last))
    })?;
    Ok(dto::ListObjectsOutput {
        contents: (!contents.is_empty()).then_some(contents),
        common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
        // Without a delimiter the last key is the marker, and S3 leaves it unsaid.
        next_marker: last.filter(|_| more && delimiter.is_some()).map(|last| encoding.write(&last)),
        delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
        encoding_type: encoding.name(),
        is_truncated: Some(more),
        marker: Some(encoding.write(&marker)),
        max_keys: Some(max_keys),
        name: Some(input.bucket),
        prefix: Some(encoding.write(&prefix)),
        ..Default::default()
    })
}

pub(super) fn versions(store: &Store, input: dto::ListObjectVersionsInput) -> Answer<dto::ListObjectVersionsOutput> {
    let max_keys = limit("max-keys", input.max_keys)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let prefix = input.prefix.unwrap_or_default();
    let key_marker = input.key_marker.filter(|marker| !marker.is_empty());
    let id_marker = input.version_id_marker.filter(|marker| !marker.is_empty());
    if id_marker.is_some() && key_marker.is_none() {
        let words = "A version-id marker cannot be specified without a key marker.";
        return Err(invalid_argument(words, "version-id-marker", id_marker.as_deref().unwrap_or_default()).into());
    }
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let mut page = Page {
        room: usize::try_from(max_keys).unwrap_or_default(),
        encoding,
        owner: owner(store),
        output: dto::ListObjectVersionsOutput {
            delimiter: delimiter.as_ref().map(|delimiter| encoding.write(delimiter)),
            encoding_type: encoding.name(),
            key_marker: Some(encoding.write(key_marker.as_deref().unwrap_or_default())),
            max_keys: Some(max_keys),
            name: Some(input.bucket.clone()),
            prefix: Some(encoding.write(&prefix)),
            version_id_marker: Some(id_marker.clone().unwrap_or_default()),
            is_truncated: Some(false),
            ..Default::default()
        },
        last: None,
    };
    let wanted = Wanted {
        prefix: &prefix,
        delimiter: delimiter.as_deref().unwrap_or_default(),
        after: key_marker.as_deref(),
        // One more than a page, so that the page knows whether it ends within.
        limit: page.room.saturating_add(1),
    };
    store.look(&input.bucket, |found| {
        if let (Some(key), Some(id)) = (&key_marker, &id_marker)
            && key.starts_with(&prefix)
            && common_prefix(key, wanted).is_none()
            && let Some((key, all)) = found.objects.get_key_value(key)
        {
            page.versions(key, all, older_than(all, id));
        }
        let (rows, _) = list(&found.objects, wanted, |_| true);
        for row in rows {
            match row {
                Row::Key(key, all) => page.versions(key, all, all.len()),
                Row::Prefix(prefix) => page.prefix(&prefix),
            }
        }
        Ok(())
    })?;
    Ok(page.output)
}

/// A page of versions being filled.
struct Page {
    room: usize,
    encoding: Encoding,
    owner: dto::Owner,
    output: dto::ListObjectVersionsOutput,
    /// The last row, as the markers of the next page name it.
    last: Option<(String, Option<String>)>,
}

impl Page {
    /// Takes room for a row; without any the page is truncated after the last one.
    fn fits(&mut self) -> bool {
        if self.room > 0 {
            self.room -= 1;
            return true;
        }
        if let Some((key, id)) = self.last.take() {
            self.output.is_truncated = Some(true);
            self.output.next_key_marker = Some(self.encoding.write(&key));
            self.output.next_version_id_marker = id;
        }
        false
    }

    fn prefix(&mut self, prefix: &str) {
        if self.fits() {
            let row = dto::CommonPrefix { prefix: Some(self.encoding.write(prefix)) };
            self.output.common_prefixes.get_or_insert_default().push(row);
            self.last = Some((prefix.to_owned(), None));
        }
    }

    /// The first `count` of a key's versions, the newest first.
    fn versions(&mut self, key: &str, all: &[Version], count: usize) {
        for (index, version) in all.iter().enumerate().take(count).rev() {
            if !self.fits() {
                return;
            }
            self.last = Some((key.to_owned(), Some(version.id.clone())));
            let is_latest = Some(index + 1 == all.len());
            let (key, owner) = (Some(self.encoding.write(key)), Some(self.owner.clone()));
            let (last_modified, version_id) = (Some(version.modified.into()), Some(version.id.clone()));
            match &version.object {
                None => self.output.delete_markers.get_or_insert_default().push(dto::DeleteMarkerEntry {
                    is_latest,
                    key,
                    last_modified,
                    owner,
                    version_id,
                }),
                Some(object) => {
                    let sum = object.sum.as_ref();
                    let algorithm =
                        |sum: &super::digest::Sum| vec![dto::ChecksumAlgorithm::from_static(sum.algorithm.name())];
                    self.output.versions.get_or_insert_default().push(dto::ObjectVersion {
                        checksum_algorithm: sum.map(algorithm),
                        checksum_type: super::digest::Sum::shape(sum).checksum_type,
                        e_tag: Some(object.etag()),
                        is_latest,
                        key,
                        last_modified,
                        owner,
                        restore_status: None,
                        size: i64::try_from(object.body.size()).ok(),
                        storage_class: Some(dto::ObjectVersionStorageClass::from_static(
                            dto::ObjectVersionStorageClass::STANDARD,
                        )),
                        version_id,
                    });
                }
            }
        }
    }
}
