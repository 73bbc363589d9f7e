//! Tags of buckets and objects.

use s3s::dto::{Tag, Tagging};

use super::{
    refusal::{invalid_argument, malformed_xml},
    store::Tags,
};
use crate::wire::{ServiceError, ServiceResult};

/// The most tags of an object.
pub(super) const MOST_OF_OBJECT: usize = 10;
/// The most tags of a bucket.
pub(super) const MOST_OF_BUCKET: usize = 50;

/// Tags of the header `x-amz-tagging`: `a=1&b=2`, percent-encoded.
pub(super) fn of_header(header: Option<&str>) -> ServiceResult<Tags> {
    let Some(header) = header.filter(|header| !header.is_empty()) else { return Ok(Tags::new()) };
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().map(String::from).map_err(|_| {
            invalid_argument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without \
                 tag name duplicates.",
                "x-amz-tagging",
                header,
            )
        })
    };
    let tags = header.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    });
    checked(tags.collect::<ServiceResult<Tags>>()?, MOST_OF_OBJECT)
}

/// Tags in the shape of S3's API.
pub(super) fn of_shape(tagging: Tagging, most: usize) -> ServiceResult<Tags> {
    let tags = tagging.tag_set.into_iter().map(|tag| Some((tag.key?, tag.value?)));
    checked(tags.collect::<Option<Tags>>().ok_or_else(malformed_xml)?, most)
}

/// The shape of S3's API.
pub(super) fn shape(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

/// 400 for tags that S3 does not take.
pub(super) fn checked(tags: Tags, most: usize) -> ServiceResult<Tags> {
    if tags.len() > most {
        let what = if most == MOST_OF_OBJECT { "Object" } else { "Bucket" };
        return Err(ServiceError::bad_request("BadRequest", format!("{what} tags cannot be greater than {most}")));
    }
    for (index, (key, value)) in tags.iter().enumerate() {
        let invalid = |message| Err(ServiceError::bad_request("InvalidTag", message).with("TagKey", key.as_str()));
        if key.is_empty() || key.encode_utf16().count() > 128 {
            return invalid("The TagKey you have provided is invalid");
        }
        if value.encode_utf16().count() > 256 {
            return invalid("The TagValue you have provided is invalid");
        }
        if key.starts_with("aws:") {
            return invalid("System tags cannot be added/updated by requester");
        }
        if tags[..index].iter().any(|(other, _)| other == key) {
            return invalid("Cannot provide multiple Tags with the same key");
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_tags_is_decoded() {
        let tags = of_header(Some("a=1&b%26=%C3%A9+x&c")).unwrap();
        let wanted = [("a", "1"), ("b&", "é x"), ("c", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(tags, wanted);
        assert_eq!(of_header(Some("a=1&a=2")).unwrap_err().code, "InvalidTag");
    }
}
