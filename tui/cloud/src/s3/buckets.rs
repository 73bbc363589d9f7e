//! The operations on buckets as such.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use s3s::dto;
use sha2::{Digest as _, Sha256};

use super::{
    BucketSettings,
    refusal::{Answer, invalid_argument},
    store::{Bucket, Store, now},
};
use crate::wire::{ServiceError, ServiceResult};

/// The region whose buckets have no location.
const FIRST_REGION: &str = "us-east-1";

/// The account as the owner of what is here.
pub(super) fn owner(store: &Store) -> dto::Owner {
    dto::Owner { display_name: None, id: Some(canonical_id(store)) }
}

/// The account's canonical user id.
pub(super) fn canonical_id(store: &Store) -> String {
    hex::encode(Sha256::digest(&store.place.account_id))
}

/// Makes a bucket; `BucketAlreadyOwnedByYou`, `InvalidBucketName`.
pub(super) fn make(store: &Store, bucket: &str, settings: BucketSettings) -> ServiceResult<()> {
    if !s3s::path::check_bucket_name(bucket) || is_reserved(bucket) {
        return Err(ServiceError::bad_request("InvalidBucketName", "The specified bucket is not valid.")
            .with("BucketName", bucket));
    }
    let mut buckets = store.buckets_mut();
    if buckets.contains_key(bucket) {
        if store.place.region == FIRST_REGION {
            return Ok(());
        }
        return Err(ServiceError::new(
            409,
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
        )
        .with("BucketName", bucket));
    }
    buckets.insert(bucket.to_owned(), Bucket { created: Some(now()), settings, ..Bucket::default() });
    Ok(())
}

/// Prefixes and suffixes that S3 keeps for itself, besides what `s3s` checks.
fn is_reserved(bucket: &str) -> bool {
    ["sthree-", "amzn-s3-demo-"].iter().any(|prefix| bucket.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| bucket.ends_with(suffix))
}

pub(super) fn create(store: &Store, input: dto::CreateBucketInput) -> Answer<dto::CreateBucketOutput> {
    let region = &store.place.region;
    let configuration = input.create_bucket_configuration.unwrap_or_default();
    if configuration.bucket.is_some() || configuration.location.is_some() {
        return Err(super::refusal::not_offered("the members Bucket and Location of CreateBucketConfiguration").into());
    }
    let constraint = configuration.location_constraint;
    check_location(region, constraint.as_ref().map(dto::BucketLocationConstraint::as_str))?;
    let ownership = input.object_ownership.map(|object_ownership| dto::OwnershipControls {
        rules: vec![dto::OwnershipControlsRule { object_ownership }],
    });
    let settings = BucketSettings { ownership, ..BucketSettings::default() };
    super::settings::check(&settings)?;
    make(store, &input.bucket, settings)?;
    Ok(dto::CreateBucketOutput { location: Some(format!("/{}", input.bucket)) })
}

/// Whether a bucket with this constraint may be made in `region`.
fn check_location(region: &str, constraint: Option<&str>) -> ServiceResult<()> {
    let incompatible = |named: &str| {
        ServiceError::bad_request(
            "IllegalLocationConstraintException",
            format!(
                "The {named} location constraint is incompatible for the region specific endpoint this request was \
                 sent to."
            ),
        )
    };
    match constraint.filter(|constraint| !constraint.is_empty()) {
        None if region == FIRST_REGION => Ok(()),
        None => Err(incompatible("unspecified")),
        Some("EU") if region == "eu-west-1" => Ok(()),
        Some(FIRST_REGION) => Err(invalid_location(FIRST_REGION)),
        Some(named) if named == region => Ok(()),
        Some(named) if is_region(named) => Err(incompatible(named)),
        Some(named) => Err(invalid_location(named)),
    }
}

fn invalid_location(named: &str) -> ServiceError {
    ServiceError::bad_request("InvalidLocationConstraint", "The specified location-constraint is not valid")
        .with("LocationConstraint", named)
}

/// Whether this has the form of a region: letters, words, a number.
fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [first, words @ .., number] => {
            first.len() == 2
                && !words.is_empty()
                && is_word(first)
                && words.iter().all(is_word)
                && number.parse::<u8>().is_ok()
        }
        _ => name == "EU",
    }
}

pub(super) fn delete(store: &Store, input: &dto::DeleteBucketInput) -> Answer<dto::DeleteBucketOutput> {
    store.remove_bucket(&input.bucket)?;
    Ok(dto::DeleteBucketOutput::default())
}

pub(super) fn head(store: &Store, input: &dto::HeadBucketInput) -> Answer<dto::HeadBucketOutput> {
    store.look(&input.bucket, |_| Ok(()))?;
    Ok(dto::HeadBucketOutput { bucket_region: Some(store.place.region.clone()), ..Default::default() })
}

pub(super) fn location(store: &Store, input: &dto::GetBucketLocationInput) -> Answer<dto::GetBucketLocationOutput> {
    store.look(&input.bucket, |_| Ok(()))?;
    let region = Some(store.place.region.clone()).filter(|region| region != FIRST_REGION);
    Ok(dto::GetBucketLocationOutput { location_constraint: region.map(dto::BucketLocationConstraint::from) })
}

pub(super) fn list(store: &Store, input: &dto::ListBucketsInput) -> Answer<dto::ListBucketsOutput> {
    let limit = match input.max_buckets {
        None => usize::MAX,
        Some(limit @ 1..=10_000) => usize::try_from(limit).unwrap_or_default(),
        Some(limit) => {
            let words = "Argument max-buckets must be an integer between 1 and 10000";
            return Err(invalid_argument(words, "max-buckets", &limit.to_string()).into());
        }
    };
    let after = match &input.continuation_token {
        None => None,
        Some(token) => Some(read_token(token)?),
    };
    let elsewhere = input.bucket_region.as_ref().is_some_and(|region| *region != store.place.region);
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let buckets = store.buckets();
    let mut rest = buckets
        .iter()
        .filter(|(name, _)| !elsewhere && name.starts_with(prefix))
        .filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
    let page: Vec<dto::Bucket> = rest
        .by_ref()
        .take(limit)
        .map(|(name, bucket)| dto::Bucket {
            bucket_region: Some(store.place.region.clone()),
            creation_date: bucket.created.map(Into::into),
            name: Some(name.clone()),
        })
        .collect();
    let last = page.last().and_then(|bucket| bucket.name.as_deref()).filter(|_| rest.next().is_some());
    Ok(dto::ListBucketsOutput {
        continuation_token: last.map(token),
        buckets: Some(page),
        owner: Some(owner(store)),
        prefix: input.prefix.clone(),
    })
}

/// A token that tells where a listing goes on.
pub(super) fn token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("1{after}"))
}

/// 400 for a token that is none of ours.
pub(super) fn read_token(token: &str) -> ServiceResult<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| text.strip_prefix('1').map(str::to_owned))
        .ok_or_else(|| invalid_argument("The continuation token provided is incorrect", "continuation-token", token))
}

/// The owner's right to everything: access control lists are not offered.
pub(super) fn acl(store: &Store, input: &dto::GetBucketAclInput) -> Answer<dto::GetBucketAclOutput> {
    store.look(&input.bucket, |_| Ok(()))?;
    let owner = owner(store);
    let grantee = dto::Grantee {
        display_name: None,
        email_address: None,
        id: owner.id.clone(),
        type_: dto::Type::from_static(dto::Type::CANONICAL_USER),
        uri: None,
    };
    let permission = Some(dto::Permission::from_static(dto::Permission::FULL_CONTROL));
    Ok(dto::GetBucketAclOutput {
        grants: Some(vec![dto::Grant { grantee: Some(grantee), permission }]),
        owner: Some(owner),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_location_must_be_the_region() {
        let code = |region, constraint| check_location(region, constraint).map_err(|error| (error.code, error.message));
        assert_eq!(code("us-east-1", None), Ok(()));
        assert_eq!(code("ap-southeast-2", Some("ap-southeast-2")), Ok(()));
        let (code_of, words) = code("ap-southeast-2", None).unwrap_err();
        assert_eq!(code_of, "IllegalLocationConstraintException");
        assert!(words.starts_with("The unspecified location constraint is incompatible"));
        assert!(code("us-east-1", Some("eu-west-1")).unwrap_err().1.contains("The eu-west-1 location constraint"));
        assert_eq!(code("us-east-1", Some("us-east-1")).unwrap_err().0, "InvalidLocationConstraint");
        assert_eq!(code("eu-west-1", Some("moon")).unwrap_err().0, "InvalidLocationConstraint");
    }

    #[test]
    fn a_token_is_read_back_and_a_foreign_one_refused() {
        assert_eq!(read_token(&token("a/é")).unwrap(), "a/é");
        assert_eq!(read_token("made up").unwrap_err().message, "The continuation token provided is incorrect");
    }
}
