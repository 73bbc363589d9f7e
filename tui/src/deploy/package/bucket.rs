//! The artifact bucket: one for an account and a region, made on first use, under whose keys the
//! function's code stands by its content.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
        CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
        NoncurrentVersionExpiration, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
        PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
        ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
    },
};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;

use super::{
    super::{DeployError, OWN_TAG, Progress, note},
    Artifact, Package, expire,
};
use crate::target::{Kind, Target, error_text, is_unknown_operation};

/// Versions that were replaced or deleted go after this many days.
const OLD_VERSION_DAYS: i32 = 30;
/// Parts of uploads that never ended go after this many days.
const UNFINISHED_UPLOAD_DAYS: i32 = 1;
/// S3 answers `OperationAborted` while another operation on the same bucket's name ends, as the
/// deletion of one (S3 error responses). Between two tries, and how many.
const BUSY_PACE: Duration = Duration::from_secs(5);
const BUSY_TRIES: u32 = 12;

/// The bucket's name: the same for an account and a region, always.
pub fn name(account_id: &str, region: &str) -> String {
    format!("tailwater-artifacts-{account_id}-{region}")
}

/// The key of a package: by its content, since CloudFormation does not notice another zip under the
/// same key.
pub fn key(package: &Package) -> String {
    format!("{}{}.zip", package.origin.prefix(), hex::encode(Sha256::digest(&package.zip)))
}

/// Puts the code into a bucket: the one that someone named, which has to be there, else the artifact
/// bucket, which is made on first use and made anew where it was deleted.
pub async fn upload(
    target: &Target,
    package: &Package,
    named: Option<&str>,
    progress: &Sender<Progress>,
) -> Result<Artifact, DeployError> {
    let client = target.s3();
    let own = name(target.account_id(), target.region());
    let bucket = named.unwrap_or(&own).to_owned();
    let key = key(package);
    let there = client.head_object().bucket(&bucket).key(&key).expected_bucket_owner(target.account_id()).send().await;
    if there.is_err() {
        if bucket == own {
            ensure(target, &client, &bucket, progress).await?;
        }
        client
            .put_object()
            .bucket(&bucket)
            .key(&key)
            .expected_bucket_owner(target.account_id())
            .content_type("application/zip")
            .body(ByteStream::from(package.zip.clone()))
            .send()
            .await
            .map_err(|error| put_error(&bucket, &key, &error))?;
        // The embedded cloud goes with its packages.
        if bucket == own && !target.is_local() {
            match expire::unused(target, &bucket, &key, expire::UNUSED_FOR).await {
                Ok(0) => {}
                Ok(count) => {
                    note(progress, format!("{count} old packages that no stack uses were deleted from {bucket}."))
                        .await;
                }
                Err(reason) => {
                    note(progress, format!("Old packages in {bucket} were not looked through: {reason}.")).await;
                }
            }
        }
    }
    Ok(Artifact { bucket, key, architecture: package.architecture })
}

/// Where the code would be put, and what of that is not there yet: nothing is put or deleted.
pub async fn planned(
    target: &Target,
    package: &Package,
    named: Option<&str>,
    progress: &Sender<Progress>,
) -> Result<Artifact, DeployError> {
    let client = target.s3();
    let bucket = named.map_or_else(|| name(target.account_id(), target.region()), str::to_owned);
    let key = key(package);
    let there = client.head_object().bucket(&bucket).key(&key).expected_bucket_owner(target.account_id()).send().await;
    if there.is_err() {
        note(progress, format!("The function's code is not there yet: deploying puts it to s3://{bucket}/{key}."))
            .await;
    }
    Ok(Artifact { bucket, key, architecture: package.architecture })
}

fn put_error<E, R>(bucket: &str, key: &str, error: &SdkError<E, R>) -> DeployError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    let tried = format!("put the function's code to s3://{bucket}/{key}");
    let advice = match error.code() {
        Some("NoSuchBucket") => {
            "the bucket has to be there, in this region: make it, or leave out --param ArtifactBucket"
        }
        Some("AccessDenied") => {
            "these credentials lack s3:PutObject there, or the bucket belongs to another account: `tailwater doctor` \
             says which"
        }
        _ => return DeployError::call(tried, error),
    };
    advised(tried, error, advice)
}

/// A call that failed, with what to do about it.
fn advised<E, R>(tried: String, error: &SdkError<E, R>, advice: &str) -> DeployError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    match DeployError::call(tried, error) {
        DeployError::Call { tried, answer } => DeployError::Call { tried, answer: format!("{answer}; {advice}") },
        other => other,
    }
}

/// Makes the bucket where it is not there, and finishes one that was left half-made: the tag is put
/// last and says that all else stands.
async fn ensure(
    target: &Target,
    client: &Client,
    bucket: &str,
    progress: &Sender<Progress>,
) -> Result<(), DeployError> {
    let owner = target.account_id();
    if client.head_bucket().bucket(bucket).expected_bucket_owner(owner).send().await.is_ok() {
        let tags = client.get_bucket_tagging().bucket(bucket).expected_bucket_owner(owner).send().await;
        // Whoever may not read tags can hardly set the rest: then the bucket is taken as it is.
        let finished = match &tags {
            Ok(tags) => tags.tag_set().iter().any(|tag| tag.key() == OWN_TAG.0),
            Err(error) => error.code() == Some("AccessDenied"),
        };
        if finished {
            return Ok(());
        }
    } else {
        create(target, client, bucket).await?;
        note(progress, format!("The bucket {bucket} is made: it keeps the function's code.")).await;
    }
    let lacking = protect(target, client, bucket).await?;
    if !lacking.is_empty() {
        note(
            progress,
            format!("This endpoint does not offer {}: the bucket {bucket} goes without.", lacking.join(", ")),
        )
        .await;
    }
    Ok(())
}

async fn create(target: &Target, client: &Client, bucket: &str) -> Result<(), DeployError> {
    let region = target.region();
    let tried = || format!("made the bucket {bucket} for the function's code");
    let mut attempts = 0;
    loop {
        // us-east-1 is the one region that must not be named.
        let location = (region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region)).build()
        });
        let made = client.create_bucket().bucket(bucket).set_create_bucket_configuration(location).send().await;
        let Err(error) = made else { return Ok(()) };
        attempts += 1;
        match error.code() {
            Some("BucketAlreadyOwnedByYou") => return Ok(()),
            Some("BucketAlreadyExists") => {
                return Err(advised(
                    tried(),
                    &error,
                    &format!(
                        "the name is taken by another account. Make a bucket of your own in {region} and give it with \
                         --param ArtifactBucket=NAME"
                    ),
                ));
            }
            Some("OperationAborted") if attempts < BUSY_TRIES => tokio::time::sleep(BUSY_PACE).await,
            Some("OperationAborted") => {
                return Err(advised(tried(), &error, "S3 still ends the deletion of it: deploy again in some minutes"));
            }
            Some("TooManyBuckets") => {
                return Err(advised(
                    tried(),
                    &error,
                    "delete a bucket that is not needed, ask for a higher quota, or give one with --param \
                     ArtifactBucket=NAME",
                ));
            }
            _ => return Err(DeployError::call(tried(), &error)),
        }
    }
}

/// Closes the bucket and sets what it keeps; gives what the endpoint does not offer. On AWS all of it
/// is offered, so there every refusal counts.
async fn protect(target: &Target, client: &Client, bucket: &str) -> Result<Vec<&'static str>, DeployError> {
    let owner = target.account_id();
    let mut lacking = Vec::new();
    let mut done = |what: &str, operation: &'static str, result: Result<(), Refusal>| match result {
        Ok(()) => Ok(()),
        Err(refusal) if target.kind() != Kind::Aws && refusal.not_offered => {
            lacking.push(operation);
            Ok(())
        }
        Err(refusal) => Err(DeployError::Call { tried: format!("{what} the bucket {bucket}"), answer: refusal.answer }),
    };

    let closed = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    let call = client.put_public_access_block().bucket(bucket).expected_bucket_owner(owner);
    let sent = call.public_access_block_configuration(closed).send().await;
    done("closed to the public", "PutPublicAccessBlock", refused(sent))?;

    let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced).build();
    let controls = built(rule).and_then(|rule| built(OwnershipControls::builder().rules(rule).build()))?;
    let call = client.put_bucket_ownership_controls().bucket(bucket).expected_bucket_owner(owner);
    let sent = call.ownership_controls(controls).send().await;
    done("set the owner of the objects of", "PutBucketOwnershipControls", refused(sent))?;

    let by_default =
        built(ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build())?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
    let encryption = built(ServerSideEncryptionConfiguration::builder().rules(rule).build())?;
    let call = client.put_bucket_encryption().bucket(bucket).expected_bucket_owner(owner);
    let sent = call.server_side_encryption_configuration(encryption).send().await;
    done("encrypted", "PutBucketEncryption", refused(sent))?;

    let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let call = client.put_bucket_versioning().bucket(bucket).expected_bucket_owner(owner);
    let sent = call.versioning_configuration(versions).send().await;
    done("turned on the versions of", "PutBucketVersioning", refused(sent))?;

    let call = client.put_bucket_lifecycle_configuration().bucket(bucket).expected_bucket_owner(owner);
    let sent = call.lifecycle_configuration(lifecycle()?).send().await;
    done("set what expires in", "PutBucketLifecycleConfiguration", refused(sent))?;

    let call = client.put_bucket_policy().bucket(bucket).expected_bucket_owner(owner);
    let sent = call.policy(tls_only(bucket, target.identity().partition())).send().await;
    done("set the policy of", "PutBucketPolicy", refused(sent))?;

    let tag = built(Tag::builder().key(OWN_TAG.0).value(OWN_TAG.1).build())?;
    let tags = built(Tagging::builder().tag_set(tag).build())?;
    let call = client.put_bucket_tagging().bucket(bucket).expected_bucket_owner(owner);
    done("tagged", "PutBucketTagging", refused(call.tagging(tags).send().await))?;
    Ok(lacking)
}

/// What expires by itself. A current object never does: S3 cannot know which stack was deployed from
/// it, and CloudFormation reads it again when an update is rolled back.
fn lifecycle() -> Result<BucketLifecycleConfiguration, DeployError> {
    let everything = || LifecycleRuleFilter::builder().prefix("").build();
    let versions = LifecycleRule::builder()
        .id("expire-old-versions")
        .status(ExpirationStatus::Enabled)
        .filter(everything())
        .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(OLD_VERSION_DAYS).build())
        .expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build())
        .build();
    let uploads = LifecycleRule::builder()
        .id("abort-unfinished-uploads")
        .status(ExpirationStatus::Enabled)
        .filter(everything())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(UNFINISHED_UPLOAD_DAYS).build(),
        )
        .build();
    built(BucketLifecycleConfiguration::builder().rules(built(versions)?).rules(built(uploads)?).build())
}

/// Refuses requests that come without TLS, whoever sends them.
fn tls_only(bucket: &str, partition: &str) -> String {
    let arn = format!("arn:{partition}:s3:::{bucket}");
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }],
    })
    .to_string()
}

/// What came back for a call that was refused.
struct Refusal {
    answer: String,
    not_offered: bool,
}

fn refused<O, E>(
    result: Result<O, SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>>,
) -> Result<(), Refusal>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let Err(error) = result else { return Ok(()) };
    Err(Refusal { not_offered: is_unknown_operation(&error), answer: error_text(&error) })
}

/// A request that the SDK would not build: a member is missing, which is this program's own mistake.
fn built<T>(result: Result<T, aws_smithy_types::error::operation::BuildError>) -> Result<T, DeployError> {
    result.map_err(|error| DeployError::Call {
        tried: "described the bucket for the function's code".to_owned(),
        answer: error.to_string(),
    })
}
