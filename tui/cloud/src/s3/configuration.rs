//! The operations that read and write a bucket's settings.

use s3s::dto;

use super::{
    refusal::Answer,
    settings,
    store::{Bucket, Store, Tags},
    tags,
};
use crate::wire::{ServiceError, ServiceResult};

fn absent(code: &str, message: &str, bucket: &str) -> ServiceError {
    ServiceError::not_found(code, message).with("BucketName", bucket)
}

/// Changes one setting.
fn set<T: Default>(store: &Store, bucket: &str, change: impl FnOnce(&mut Bucket) -> ServiceResult<()>) -> Answer<T> {
    store.change(bucket, change)?;
    Ok(T::default())
}

pub(super) fn get_versioning(
    store: &Store,
    input: &dto::GetBucketVersioningInput,
) -> Answer<dto::GetBucketVersioningOutput> {
    let status = store.look(&input.bucket, |found| Ok(found.settings.versioning.clone()))?;
    Ok(dto::GetBucketVersioningOutput { mfa_delete: None, status })
}

pub(super) fn put_versioning(
    store: &Store,
    input: dto::PutBucketVersioningInput,
) -> Answer<dto::PutBucketVersioningOutput> {
    let configuration = input.versioning_configuration;
    if configuration.mfa_delete.is_some_and(|mfa| mfa.as_str() == dto::MFADelete::ENABLED) {
        return Err(super::refusal::not_offered("the value Enabled of MfaDelete").into());
    }
    let status = configuration.status.ok_or_else(|| {
        ServiceError::bad_request("IllegalVersioningConfigurationException", "The Versioning element must be specified")
    })?;
    settings::check_versioning(&status)?;
    set(store, &input.bucket, |found| {
        found.settings.versioning = Some(status);
        Ok(())
    })
}

pub(super) fn get_encryption(
    store: &Store,
    input: &dto::GetBucketEncryptionInput,
) -> Answer<dto::GetBucketEncryptionOutput> {
    let set = store.look(&input.bucket, |found| Ok(found.settings.encryption.clone()))?;
    let configuration = set.unwrap_or_else(settings::default_encryption);
    Ok(dto::GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
}

pub(super) fn put_encryption(
    store: &Store,
    input: dto::PutBucketEncryptionInput,
) -> Answer<dto::PutBucketEncryptionOutput> {
    let configuration = input.server_side_encryption_configuration;
    settings::check_encryption(&configuration)?;
    set(store, &input.bucket, |found| {
        found.settings.encryption = Some(configuration);
        Ok(())
    })
}

pub(super) fn delete_encryption(
    store: &Store,
    input: &dto::DeleteBucketEncryptionInput,
) -> Answer<dto::DeleteBucketEncryptionOutput> {
    set(store, &input.bucket, |found| {
        found.settings.encryption = None;
        Ok(())
    })
}

pub(super) fn get_public_access_block(
    store: &Store,
    input: &dto::GetPublicAccessBlockInput,
) -> Answer<dto::GetPublicAccessBlockOutput> {
    let block = store.look(&input.bucket, |found| {
        settings::public_access_block(found).ok_or_else(|| {
            absent(
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
                &input.bucket,
            )
        })
    })?;
    Ok(dto::GetPublicAccessBlockOutput { public_access_block_configuration: Some(block) })
}

pub(super) fn put_public_access_block(
    store: &Store,
    input: dto::PutPublicAccessBlockInput,
) -> Answer<dto::PutPublicAccessBlockOutput> {
    let given = input.public_access_block_configuration;
    // What is left out is off.
    let block = dto::PublicAccessBlockConfiguration {
        block_public_acls: Some(given.block_public_acls.unwrap_or_default()),
        block_public_policy: Some(given.block_public_policy.unwrap_or_default()),
        ignore_public_acls: Some(given.ignore_public_acls.unwrap_or_default()),
        restrict_public_buckets: Some(given.restrict_public_buckets.unwrap_or_default()),
    };
    set(store, &input.bucket, |found| {
        found.settings.public_access_block = Some(block);
        Ok(())
    })
}

pub(super) fn delete_public_access_block(
    store: &Store,
    input: &dto::DeletePublicAccessBlockInput,
) -> Answer<dto::DeletePublicAccessBlockOutput> {
    set(store, &input.bucket, |found| {
        found.settings.public_access_block = None;
        found.public_access_block_deleted = true;
        Ok(())
    })
}

pub(super) fn get_ownership(
    store: &Store,
    input: &dto::GetBucketOwnershipControlsInput,
) -> Answer<dto::GetBucketOwnershipControlsOutput> {
    let controls = store.look(&input.bucket, |found| {
        settings::ownership(found).ok_or_else(|| {
            absent("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", &input.bucket)
        })
    })?;
    Ok(dto::GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) })
}

pub(super) fn put_ownership(
    store: &Store,
    input: dto::PutBucketOwnershipControlsInput,
) -> Answer<dto::PutBucketOwnershipControlsOutput> {
    settings::check_ownership(&input.ownership_controls)?;
    set(store, &input.bucket, |found| {
        found.settings.ownership = Some(input.ownership_controls);
        Ok(())
    })
}

pub(super) fn delete_ownership(
    store: &Store,
    input: &dto::DeleteBucketOwnershipControlsInput,
) -> Answer<dto::DeleteBucketOwnershipControlsOutput> {
    set(store, &input.bucket, |found| {
        found.settings.ownership = None;
        found.ownership_deleted = true;
        Ok(())
    })
}

pub(super) fn get_lifecycle(
    store: &Store,
    input: &dto::GetBucketLifecycleConfigurationInput,
) -> Answer<dto::GetBucketLifecycleConfigurationOutput> {
    let lifecycle = store.look(&input.bucket, |found| {
        found.settings.lifecycle.clone().ok_or_else(|| {
            absent("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", &input.bucket)
        })
    })?;
    Ok(dto::GetBucketLifecycleConfigurationOutput { rules: Some(lifecycle.rules), ..Default::default() })
}

pub(super) fn put_lifecycle(
    store: &Store,
    input: dto::PutBucketLifecycleConfigurationInput,
) -> Answer<dto::PutBucketLifecycleConfigurationOutput> {
    let lifecycle = input.lifecycle_configuration.ok_or_else(super::refusal::malformed_xml)?;
    settings::check_lifecycle(&lifecycle)?;
    set(store, &input.bucket, |found| {
        found.settings.lifecycle = Some(lifecycle);
        settings::name_rules(&mut found.settings);
        Ok(())
    })
}

pub(super) fn delete_lifecycle(
    store: &Store,
    input: &dto::DeleteBucketLifecycleInput,
) -> Answer<dto::DeleteBucketLifecycleOutput> {
    set(store, &input.bucket, |found| {
        found.settings.lifecycle = None;
        Ok(())
    })
}

pub(super) fn get_policy(store: &Store, input: &dto::GetBucketPolicyInput) -> Answer<dto::GetBucketPolicyOutput> {
    let policy = store.look(&input.bucket, |found| {
        let none = || absent("NoSuchBucketPolicy", "The bucket policy does not exist", &input.bucket);
        found.settings.policy.clone().ok_or_else(none)
    })?;
    Ok(dto::GetBucketPolicyOutput { policy: Some(policy) })
}

pub(super) fn put_policy(store: &Store, input: dto::PutBucketPolicyInput) -> Answer<dto::PutBucketPolicyOutput> {
    set(store, &input.bucket, |found| {
        settings::check_policy(&input.bucket, found, &input.policy)?;
        found.settings.policy = Some(input.policy);
        Ok(())
    })
}

pub(super) fn delete_policy(
    store: &Store,
    input: &dto::DeleteBucketPolicyInput,
) -> Answer<dto::DeleteBucketPolicyOutput> {
    set(store, &input.bucket, |found| {
        found.settings.policy = None;
        Ok(())
    })
}

pub(super) fn get_tagging(store: &Store, input: &dto::GetBucketTaggingInput) -> Answer<dto::GetBucketTaggingOutput> {
    let tags = store.look(&input.bucket, |found| Ok(found.settings.tags.clone()))?;
    if tags.is_empty() {
        return Err(absent("NoSuchTagSet", "The TagSet does not exist", &input.bucket).into());
    }
    Ok(dto::GetBucketTaggingOutput { tag_set: tags::shape(&tags) })
}

pub(super) fn put_tagging(store: &Store, input: dto::PutBucketTaggingInput) -> Answer<dto::PutBucketTaggingOutput> {
    let tags = tags::of_shape(input.tagging, tags::MOST_OF_BUCKET)?;
    set(store, &input.bucket, |found| {
        found.settings.tags = tags;
        Ok(())
    })
}

pub(super) fn delete_tagging(
    store: &Store,
    input: &dto::DeleteBucketTaggingInput,
) -> Answer<dto::DeleteBucketTaggingOutput> {
    set(store, &input.bucket, |found| {
        found.settings.tags = Tags::new();
        Ok(())
    })
}
