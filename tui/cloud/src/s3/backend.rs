//! Which function carries out which operation. An operation that is not here is refused by
//! [`super::operations`].

use std::sync::Arc;

use s3s::{S3Request, S3Response, S3Result, dto};

use super::{buckets, configuration, lists, multipart, objects, reads, store::Store};

/// The backend that `s3s` calls.
pub(super) struct Backend(pub Arc<Store>);

/// Whether an operation is carried out.
pub(super) fn offers(operation: &str) -> bool {
    offered().any(|offered| offered == operation)
}

macro_rules! backend {
    (
        at_once { $($name:ident: $Input:ident => $Output:ident, $carry_out:expr;)* }
        in_time { $($later:ident: $LaterInput:ident => $LaterOutput:ident, $begin:expr;)* }
    ) => {
        #[async_trait::async_trait]
        impl s3s::S3 for Backend {
            $(async fn $name(&self, request: S3Request<dto::$Input>) -> S3Result<S3Response<dto::$Output>> {
                let carry_out = $carry_out;
                Ok(S3Response::new(carry_out(&*self.0, request.input)?))
            })*
            $(async fn $later(
                &self,
                request: S3Request<dto::$LaterInput>,
            ) -> S3Result<S3Response<dto::$LaterOutput>> {
                Ok(S3Response::new(($begin)(self.0.clone(), request).await?))
            })*
        }

        /// The names of the operations that are carried out, as in S3's API.
        pub(super) fn offered() -> impl Iterator<Item = &'static str> {
            let inputs = [$(stringify!($Input),)* $(stringify!($LaterInput),)*];
            inputs.into_iter().filter_map(|input| input.strip_suffix("Input"))
        }
    };
}

backend! {
    at_once {
        create_bucket: CreateBucketInput => CreateBucketOutput, buckets::create;
        delete_bucket: DeleteBucketInput => DeleteBucketOutput, |store, input| buckets::delete(store, &input);
        head_bucket: HeadBucketInput => HeadBucketOutput, |store, input| buckets::head(store, &input);
        list_buckets: ListBucketsInput => ListBucketsOutput, |store, input| buckets::list(store, &input);
        get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput,
            |store, input| buckets::location(store, &input);
        get_bucket_acl: GetBucketAclInput => GetBucketAclOutput, |store, input| buckets::acl(store, &input);

        get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput,
            |store, input| configuration::get_versioning(store, &input);
        put_bucket_versioning: PutBucketVersioningInput => PutBucketVersioningOutput, configuration::put_versioning;
        get_bucket_encryption: GetBucketEncryptionInput => GetBucketEncryptionOutput,
            |store, input| configuration::get_encryption(store, &input);
        put_bucket_encryption: PutBucketEncryptionInput => PutBucketEncryptionOutput, configuration::put_encryption;
        delete_bucket_encryption: DeleteBucketEncryptionInput => DeleteBucketEncryptionOutput,
            |store, input| configuration::delete_encryption(store, &input);
        get_public_access_block: GetPublicAccessBlockInput => GetPublicAccessBlockOutput,
            |store, input| configuration::get_public_access_block(store, &input);
        put_public_access_block: PutPublicAccessBlockInput => PutPublicAccessBlockOutput,
            configuration::put_public_access_block;
        delete_public_access_block: DeletePublicAccessBlockInput => DeletePublicAccessBlockOutput,
            |store, input| configuration::delete_public_access_block(store, &input);
        get_bucket_ownership_controls: GetBucketOwnershipControlsInput => GetBucketOwnershipControlsOutput,
            |store, input| configuration::get_ownership(store, &input);
        put_bucket_ownership_controls: PutBucketOwnershipControlsInput => PutBucketOwnershipControlsOutput,
            configuration::put_ownership;
        delete_bucket_ownership_controls: DeleteBucketOwnershipControlsInput => DeleteBucketOwnershipControlsOutput,
            |store, input| configuration::delete_ownership(store, &input);
        get_bucket_lifecycle_configuration:
            GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput,
            |store, input| configuration::get_lifecycle(store, &input);
        put_bucket_lifecycle_configuration:
            PutBucketLifecycleConfigurationInput => PutBucketLifecycleConfigurationOutput,
            configuration::put_lifecycle;
        delete_bucket_lifecycle: DeleteBucketLifecycleInput => DeleteBucketLifecycleOutput,
            |store, input| configuration::delete_lifecycle(store, &input);
        get_bucket_policy: GetBucketPolicyInput => GetBucketPolicyOutput,
            |store, input| configuration::get_policy(store, &input);
        put_bucket_policy: PutBucketPolicyInput => PutBucketPolicyOutput, configuration::put_policy;
        delete_bucket_policy: DeleteBucketPolicyInput => DeleteBucketPolicyOutput,
            |store, input| configuration::delete_policy(store, &input);
        get_bucket_tagging: GetBucketTaggingInput => GetBucketTaggingOutput,
            |store, input| configuration::get_tagging(store, &input);
        put_bucket_tagging: PutBucketTaggingInput => PutBucketTaggingOutput, configuration::put_tagging;
        delete_bucket_tagging: DeleteBucketTaggingInput => DeleteBucketTaggingOutput,
            |store, input| configuration::delete_tagging(store, &input);

        head_object: HeadObjectInput => HeadObjectOutput, reads::head;
        get_object_attributes: GetObjectAttributesInput => GetObjectAttributesOutput,
            |store, input| reads::attributes_of(store, &input);
        delete_object: DeleteObjectInput => DeleteObjectOutput, objects::delete;
        delete_objects: DeleteObjectsInput => DeleteObjectsOutput, objects::delete_many;
        get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput,
            |store, input| objects::get_tags(store, &input);
        put_object_tagging: PutObjectTaggingInput => PutObjectTaggingOutput, objects::put_tags;
        delete_object_tagging: DeleteObjectTaggingInput => DeleteObjectTaggingOutput,
            |store, input| objects::delete_tags(store, &input);
        list_objects: ListObjectsInput => ListObjectsOutput, lists::objects;
        list_objects_v2: ListObjectsV2Input => ListObjectsV2Output, lists::objects_v2;
        list_object_versions: ListObjectVersionsInput => ListObjectVersionsOutput, lists::versions;

        create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput, multipart::begin;
        abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput, multipart::abort;
        list_parts: ListPartsInput => ListPartsOutput, multipart::list_parts;
        list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput, multipart::list_uploads;
    }
    in_time {
        put_object: PutObjectInput => PutObjectOutput, async |store: Arc<Store>, request: S3Request<_>| {
            objects::put(&store, &request.headers, request.trailing_headers, request.input).await
        };
        get_object: GetObjectInput => GetObjectOutput, async |store: Arc<Store>, request: S3Request<_>| {
            reads::get(&store, request.input).await
        };
        copy_object: CopyObjectInput => CopyObjectOutput, async |store: Arc<Store>, request: S3Request<_>| {
            objects::copy(&store, request.input).await
        };
        upload_part: UploadPartInput => UploadPartOutput, async |store: Arc<Store>, request: S3Request<_>| {
            multipart::part(&store, &request.headers, request.trailing_headers, request.input).await
        };
        upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput,
            async |store: Arc<Store>, request: S3Request<_>| multipart::part_copy(&store, request.input).await;
        complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput,
            async |store: Arc<Store>, request: S3Request<_>| multipart::complete(&store, request.input).await;
    }
}
