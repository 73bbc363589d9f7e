//! Which operation a request asks for. `s3s` goes by the subresources that it knows and takes a
//! request with any other for the operation on the bucket or object itself, which may overwrite or
//! delete it: so whatever this cloud does not act on is refused here, by its name.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, Uri, header};
use s3s::{Body, S3Request, S3Response, S3Result, route::S3Route};

use super::{
    access::Gate,
    backend,
    refusal::{Refusal, invalid_argument, not_offered, precondition_failed},
};
use crate::wire::{ServiceError, ServiceResult, rest_json::parse_query};

type Query = BTreeMap<String, Vec<String>>;

/// A parameter that makes a request about a part of a bucket or object, and the operation of each
/// method that S3 has on it.
type Subresource = (&'static str, &'static [(&'static str, &'static str)]);

/// The subresources of a bucket in S3's API.
const OF_BUCKET: &[Subresource] = &[
    ("abac", &[("GET", "GetBucketAbac"), ("PUT", "PutBucketAbac")]),
    ("accelerate", &[("GET", "GetBucketAccelerateConfiguration"), ("PUT", "PutBucketAccelerateConfiguration")]),
    ("acl", &[("GET", "GetBucketAcl"), ("PUT", "PutBucketAcl")]),
    (
        "analytics",
        &[
            ("DELETE", "DeleteBucketAnalyticsConfiguration"),
            ("GET", "GetBucketAnalyticsConfiguration"),
            ("PUT", "PutBucketAnalyticsConfiguration"),
        ],
    ),
    ("cors", &[("DELETE", "DeleteBucketCors"), ("GET", "GetBucketCors"), ("PUT", "PutBucketCors")]),
    ("delete", &[("POST", "DeleteObjects")]),
    (
        "encryption",
        &[("DELETE", "DeleteBucketEncryption"), ("GET", "GetBucketEncryption"), ("PUT", "PutBucketEncryption")],
    ),
    (
        "intelligent-tiering",
        &[
            ("DELETE", "DeleteBucketIntelligentTieringConfiguration"),
            ("GET", "GetBucketIntelligentTieringConfiguration"),
            ("PUT", "PutBucketIntelligentTieringConfiguration"),
        ],
    ),
    (
        "inventory",
        &[
            ("DELETE", "DeleteBucketInventoryConfiguration"),
            ("GET", "GetBucketInventoryConfiguration"),
            ("PUT", "PutBucketInventoryConfiguration"),
        ],
    ),
    (
        "lifecycle",
        &[
            ("DELETE", "DeleteBucketLifecycle"),
            ("GET", "GetBucketLifecycleConfiguration"),
            ("PUT", "PutBucketLifecycleConfiguration"),
        ],
    ),
    ("location", &[("GET", "GetBucketLocation")]),
    ("logging", &[("GET", "GetBucketLogging"), ("PUT", "PutBucketLogging")]),
    ("metadataAnnotationTable", &[("PUT", "UpdateBucketMetadataAnnotationTableConfiguration")]),
    (
        "metadataConfiguration",
        &[
            ("DELETE", "DeleteBucketMetadataConfiguration"),
            ("GET", "GetBucketMetadataConfiguration"),
            ("POST", "CreateBucketMetadataConfiguration"),
        ],
    ),
    ("metadataInventoryTable", &[("PUT", "UpdateBucketMetadataInventoryTableConfiguration")]),
    ("metadataJournalTable", &[("PUT", "UpdateBucketMetadataJournalTableConfiguration")]),
    (
        "metadataTable",
        &[
            ("DELETE", "DeleteBucketMetadataTableConfiguration"),
            ("GET", "GetBucketMetadataTableConfiguration"),
            ("POST", "CreateBucketMetadataTableConfiguration"),
        ],
    ),
    (
        "metrics",
        &[
            ("DELETE", "DeleteBucketMetricsConfiguration"),
            ("GET", "GetBucketMetricsConfiguration"),
            ("PUT", "PutBucketMetricsConfiguration"),
        ],
    ),
    ("notification", &[("GET", "GetBucketNotificationConfiguration"), ("PUT", "PutBucketNotificationConfiguration")]),
    ("object-lock", &[("GET", "GetObjectLockConfiguration"), ("PUT", "PutObjectLockConfiguration")]),
    (
        "ownershipControls",
        &[
            ("DELETE", "DeleteBucketOwnershipControls"),
            ("GET", "GetBucketOwnershipControls"),
            ("PUT", "PutBucketOwnershipControls"),
        ],
    ),
    ("policy", &[("DELETE", "DeleteBucketPolicy"), ("GET", "GetBucketPolicy"), ("PUT", "PutBucketPolicy")]),
    ("policyStatus", &[("GET", "GetBucketPolicyStatus")]),
    (
        "publicAccessBlock",
        &[("DELETE", "DeletePublicAccessBlock"), ("GET", "GetPublicAccessBlock"), ("PUT", "PutPublicAccessBlock")],
    ),
    (
        "replication",
        &[("DELETE", "DeleteBucketReplication"), ("GET", "GetBucketReplication"), ("PUT", "PutBucketReplication")],
    ),
    ("requestPayment", &[("GET", "GetBucketRequestPayment"), ("PUT", "PutBucketRequestPayment")]),
    ("session", &[("GET", "CreateSession")]),
    ("tagging", &[("DELETE", "DeleteBucketTagging"), ("GET", "GetBucketTagging"), ("PUT", "PutBucketTagging")]),
    ("uploads", &[("GET", "ListMultipartUploads")]),
    ("versioning", &[("GET", "GetBucketVersioning"), ("PUT", "PutBucketVersioning")]),
    ("versions", &[("GET", "ListObjectVersions")]),
    ("website", &[("DELETE", "DeleteBucketWebsite"), ("GET", "GetBucketWebsite"), ("PUT", "PutBucketWebsite")]),
];

/// The subresources of an object in S3's API. An upload's id alone names no part to be put.
const OF_OBJECT: &[Subresource] = &[
    ("acl", &[("GET", "GetObjectAcl"), ("PUT", "PutObjectAcl")]),
    (
        "annotation",
        &[("DELETE", "DeleteObjectAnnotation"), ("GET", "GetObjectAnnotation"), ("PUT", "PutObjectAnnotation")],
    ),
    ("attributes", &[("GET", "GetObjectAttributes")]),
    ("encryption", &[("PUT", "UpdateObjectEncryption")]),
    ("legal-hold", &[("GET", "GetObjectLegalHold"), ("PUT", "PutObjectLegalHold")]),
    ("renameObject", &[("PUT", "RenameObject")]),
    ("restore", &[("POST", "RestoreObject")]),
    ("retention", &[("GET", "GetObjectRetention"), ("PUT", "PutObjectRetention")]),
    ("select", &[("POST", "SelectObjectContent")]),
    ("tagging", &[("DELETE", "DeleteObjectTagging"), ("GET", "GetObjectTagging"), ("PUT", "PutObjectTagging")]),
    ("torrent", &[("GET", "GetObjectTorrent")]),
    ("uploadId", &[("DELETE", "AbortMultipartUpload"), ("GET", "ListParts"), ("POST", "CompleteMultipartUpload")]),
    ("uploads", &[("POST", "CreateMultipartUpload")]),
];

/// The parameters of the operations that this cloud offers and of signatures. S3 reads nothing
/// into others that begin with `x-`.
const PARAMETERS: &[&str] = &[
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "bucket-region",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "key-marker",
    "list-type",
    "marker",
    "max-buckets",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partNumber",
    "prefix",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "start-after",
    "upload-id-marker",
    "uploadId",
    "version-id-marker",
    "versionId",
];

/// What a request's path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Service,
    Bucket,
    Object,
}

impl Resource {
    fn of(path: &str) -> Self {
        match path.strip_prefix('/').unwrap_or(path).split_once('/') {
            Some((_, key)) if !key.is_empty() => Self::Object,
            None if path.len() <= 1 => Self::Service,
            _ => Self::Bucket,
        }
    }

    fn subresources(self) -> &'static [Subresource] {
        match self {
            Self::Service => &[],
            Self::Bucket => OF_BUCKET,
            Self::Object => OF_OBJECT,
        }
    }

    /// Its name in `MethodNotAllowed`, and the methods on it.
    fn itself(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Service => ("SERVICE", &["GET"]),
            Self::Bucket => ("BUCKET", &["DELETE", "GET", "HEAD", "POST", "PUT"]),
            Self::Object => ("OBJECT", &["DELETE", "GET", "HEAD", "PUT"]),
        }
    }
}

/// Answers, once their signature is right, the requests that `s3s` is not to carry out.
pub(super) struct Refused {
    pub gate: Gate,
}

#[async_trait::async_trait]
impl S3Route for Refused {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut http::Extensions) -> bool {
        check(method, uri, headers).is_err()
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        self.gate.caller(request.credentials.as_ref(), &request.uri, &request.headers).map_err(Refusal::from)?;
        Ok(())
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        check(&request.method, &request.uri, &request.headers)?;
        Err(Refusal::from(not_offered("this operation")).into())
    }
}

/// Refuses what this cloud does not act on: 501 `NotImplemented` with the name of the operation or
/// the parameter, 405 `MethodNotAllowed` where S3 has no such operation either, 400
/// `InvalidArgument` for parameters that contradict each other.
fn check(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let resource = Resource::of(uri.path());
    let query = parse_query(uri.query().unwrap_or_default());
    let asked: Vec<&Subresource> =
        resource.subresources().iter().filter(|(name, _)| query.contains_key(*name)).collect();
    match asked[..] {
        [] => check_itself(resource, method, headers)?,
        [subresource] => check_subresource(subresource, method, &query)?,
        [(first, _), ..] => {
            let names: Vec<&str> = asked.iter().map(|(name, _)| *name).collect();
            let message = format!("Conflicting query string parameters: {}", names.join(", "));
            return Err(invalid_argument(&message, "ResourceType", first).into());
        }
    }
    let known = |name: &str| {
        let is_subresource = asked.iter().any(|(asked, _)| *asked == name);
        let is_passed_over = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"));
        is_subresource || is_passed_over || PARAMETERS.contains(&name)
    };
    if let Some(name) = query.keys().find(|name| !known(name)) {
        return Err(not_offered(&format!("the query parameter {name:?}")).into());
    }
    check_together(resource, method, &query, asked.first().map(|(name, _)| *name)).map_err(Refusal::from)
}

/// What of an object only some of its operations take: a version, an upload, a part.
fn check_together(resource: Resource, method: &Method, query: &Query, subresource: Option<&str>) -> ServiceResult<()> {
    if resource != Resource::Object {
        if query.contains_key("uploadId") {
            return Err(ServiceError::bad_request("InvalidRequest", "A key must be specified"));
        }
        if query.contains_key("partNumber") {
            return Err(ServiceError::bad_request("InvalidRequest", "Object must have a valid key name."));
        }
    }
    let puts_bytes = method == Method::PUT && matches!(subresource, None | Some("uploadId"));
    if let Some(version) = first(query, "versionId") {
        if resource != Resource::Object || puts_bytes {
            return Err(invalid_argument("This operation does not accept a version-id.", "versionId", version));
        }
        if version.is_empty() {
            return Err(invalid_argument("Version id cannot be the empty string", "versionId", version));
        }
    }
    match first(query, "partNumber") {
        Some(part) if puts_bytes && subresource.is_none() => {
            Err(invalid_argument("A part is uploaded with its number and an upload id.", "partNumber", part))
        }
        _ => Ok(()),
    }
}

fn first<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.get(name)?.first().map(String::as_str)
}

/// A request about the bucket or object itself.
fn check_itself(resource: Resource, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let (name, methods) = resource.itself();
    if !methods.contains(&method.as_str()) {
        return Err(not_allowed(method, name, methods));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = content_type.to_ascii_lowercase().starts_with("multipart/form-data");
    if method == Method::POST && !is_form {
        let condition = "Bucket POST must be of the enclosure-type multipart/form-data";
        return Err(precondition_failed(condition).into());
    }
    Ok(())
}

fn check_subresource(subresource: &Subresource, method: &Method, query: &Query) -> Result<(), Refusal> {
    let (name, operations) = subresource;
    if *name == "uploadId" && method == Method::PUT && query.contains_key("partNumber") {
        return Ok(());
    }
    let Some((_, operation)) = operations.iter().find(|(has, _)| method == has) else {
        let offered = operations.iter().filter(|(_, operation)| backend::offers(operation));
        let methods: Vec<&str> = offered.map(|(method, _)| *method).collect();
        return Err(not_allowed(method, &resource_type(name), &methods));
    };
    if backend::offers(operation) {
        return Ok(());
    }
    // A request that does not say which of several asks for the list of them.
    let operation = match *operation {
        "GetObjectAnnotation" if !query.contains_key("annotationName") => "ListObjectAnnotations".to_owned(),
        single if single.starts_with("GetBucket") && one_of_many(name) && !query.contains_key("id") => {
            format!("{}s", single.replacen("Get", "List", 1))
        }
        single => single.to_owned(),
    };
    Err(not_offered(&format!("the operation {operation}")).into())
}

/// Whether a bucket has several configurations of this kind, each with an id.
fn one_of_many(subresource: &str) -> bool {
    ["analytics", "intelligent-tiering", "inventory", "metrics"].contains(&subresource)
}

/// The name of a subresource in `MethodNotAllowed`, as in the operations of S3's access logs.
fn resource_type(subresource: &str) -> String {
    match subresource {
        "delete" => "MULTI_OBJECT_DELETE".to_owned(),
        "logging" => "LOGGING_STATUS".to_owned(),
        "policy" => "BUCKETPOLICY".to_owned(),
        "uploadId" => "UPLOAD".to_owned(),
        "versions" => "BUCKETVERSIONS".to_owned(),
        name => name.chars().fold(String::new(), |mut text, letter| {
            if letter.is_ascii_uppercase() {
                text.push('_');
            }
            text.push(if letter == '-' { '_' } else { letter.to_ascii_uppercase() });
            text
        }),
    }
}

/// 405 `MethodNotAllowed`, with the methods that are.
fn not_allowed(method: &Method, resource: &str, methods: &[&str]) -> Refusal {
    let message = "The specified method is not allowed against this resource.";
    let error = ServiceError::new(405, "MethodNotAllowed", message)
        .with("Method", method.as_str())
        .with("ResourceType", resource);
    let refusal = Refusal::from(error);
    if methods.is_empty() { refusal } else { refusal.header("allow", methods.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_a_subresource_that_is_offered_is_in_the_tables() {
        let by_itself = [
            "CreateBucket",
            "DeleteBucket",
            "HeadBucket",
            "ListBuckets",
            "ListObjects",
            "ListObjectsV2",
            "CopyObject",
            "DeleteObject",
            "GetObject",
            "HeadObject",
            "PutObject",
            "UploadPart",
            "UploadPartCopy",
        ];
        let tables = || OF_BUCKET.iter().chain(OF_OBJECT).flat_map(|(_, operations)| *operations);
        for offered in backend::offered() {
            let found = by_itself.contains(&offered) || tables().any(|(_, operation)| *operation == offered);
            assert!(found, "{offered} cannot be reached");
        }
    }

    #[test]
    fn the_tables_are_in_the_order_of_their_names() {
        for table in [OF_BUCKET, OF_OBJECT] {
            assert!(table.is_sorted_by_key(|(name, _)| *name));
        }
    }

    #[test]
    fn a_path_names_the_service_a_bucket_or_an_object() {
        let paths = ["/", "/b", "/b/", "/b/k", "/b//", "/b/k/"];
        let resources = paths.map(Resource::of);
        let (bucket, object) = (Resource::Bucket, Resource::Object);
        assert_eq!(resources, [Resource::Service, bucket, bucket, object, object, object]);
    }
}
