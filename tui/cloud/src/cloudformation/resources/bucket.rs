//! `AWS::S3::Bucket`.

use std::sync::Arc;

use async_trait::async_trait;
use s3s::xml::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{
    Attributes, Failure, Kind, Property, Provider, Request, Schema, Tags, deleted, found, property,
    tags::{TAG_LIST, tag_map},
    unsupported,
};
use crate::{
    Place,
    s3::{BucketSettings, S3},
};

pub(super) const SERVICE: &str = "S3";
/// The longest name of a bucket.
const LONGEST_NAME: usize = 63;

const LIFECYCLE_RULE: &[Property] = &[
    property("Id", Kind::String),
    property("Status", Kind::String).required(),
    property("Prefix", Kind::String),
    property("ExpirationInDays", Kind::Integer),
    property("ExpirationDate", Kind::String),
    property("ExpiredObjectDeleteMarker", Kind::Boolean),
    property("NoncurrentVersionExpirationInDays", Kind::Integer),
    property(
        "NoncurrentVersionExpiration",
        Kind::Object(&[
            property("NoncurrentDays", Kind::Integer).required(),
            property("NewerNoncurrentVersions", Kind::Integer),
        ]),
    ),
    property(
        "AbortIncompleteMultipartUpload",
        Kind::Object(&[property("DaysAfterInitiation", Kind::Integer).required()]),
    ),
    property("TagFilters", TAG_LIST),
    property("ObjectSizeGreaterThan", Kind::String),
    property("ObjectSizeLessThan", Kind::String),
    unsupported("NoncurrentVersionTransition"),
    unsupported("NoncurrentVersionTransitions"),
    unsupported("Transition"),
    unsupported("Transitions"),
];

static SCHEMA: Schema = Schema {
    type_name: "AWS::S3::Bucket",
    properties: &[
        property("BucketName", Kind::String).replaces(),
        property(
            "BucketEncryption",
            Kind::Object(&[property(
                "ServerSideEncryptionConfiguration",
                Kind::List(&Kind::Object(&[
                    property("BucketKeyEnabled", Kind::Boolean),
                    property(
                        "ServerSideEncryptionByDefault",
                        Kind::Object(&[
                            property("SSEAlgorithm", Kind::String).required(),
                            property("KMSMasterKeyID", Kind::String),
                        ]),
                    ),
                ])),
            )
            .required()]),
        ),
        property("VersioningConfiguration", Kind::Object(&[property("Status", Kind::String).required()])),
        property(
            "PublicAccessBlockConfiguration",
            Kind::Object(&[
                property("BlockPublicAcls", Kind::Boolean),
                property("BlockPublicPolicy", Kind::Boolean),
                property("IgnorePublicAcls", Kind::Boolean),
                property("RestrictPublicBuckets", Kind::Boolean),
            ]),
        ),
        property(
            "OwnershipControls",
            Kind::Object(&[
                property("Rules", Kind::List(&Kind::Object(&[property("ObjectOwnership", Kind::String)]))).required()
            ]),
        ),
        property(
            "LifecycleConfiguration",
            Kind::Object(&[
                property("Rules", Kind::List(&Kind::Object(LIFECYCLE_RULE))).required(),
                property("TransitionDefaultMinimumObjectSize", Kind::String),
            ]),
        ),
        property("Tags", TAG_LIST),
        unsupported("AbacStatus"),
        unsupported("AccelerateConfiguration"),
        unsupported("AccessControl"),
        unsupported("AnalyticsConfigurations"),
        unsupported("BucketNamePrefix"),
        unsupported("BucketNamespace"),
        unsupported("CorsConfiguration"),
        unsupported("IntelligentTieringConfigurations"),
        unsupported("InventoryConfigurations"),
        unsupported("LoggingConfiguration"),
        unsupported("MetadataConfiguration"),
        unsupported("MetadataTableConfiguration"),
        unsupported("MetricsConfigurations"),
        unsupported("NotificationConfiguration"),
        unsupported("ObjectLockConfiguration"),
        unsupported("ObjectLockEnabled"),
        unsupported("ReplicationConfiguration"),
        unsupported("WebsiteConfiguration"),
    ],
    attributes: &["Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"],
    tags: Tags::List,
    identifiers: &["BucketName"],
    name: Some("BucketName"),
};

/// Buckets.
pub(super) struct Bucket {
    pub place: Arc<Place>,
    pub s3: Arc<S3>,
}

impl Bucket {
    /// Sets what the properties say; what stands beside them, such as a policy, stays.
    async fn apply(&self, request: &Request, bucket: &str) -> Result<(), Failure> {
        let failure = |error| Failure::of(SERVICE, &error);
        let mut settings = self.s3.settings(bucket).await.map_err(failure)?;
        set(&mut settings, &request.properties)?;
        self.s3.set_settings(bucket, settings).await.map_err(failure)
    }
}

/// Turns properties into settings. Where a property is absent, what a new bucket has stays.
fn set(settings: &mut BucketSettings, properties: &Map<String, Value>) -> Result<(), Failure> {
    settings.versioning = match properties.get("VersioningConfiguration").map(|found| &found["Status"]) {
        Some(Value::String(status)) => Some(status.clone().into()),
        // Versions once kept cannot be un-kept.
        _ => settings.versioning.as_ref().map(|_| "Suspended".to_owned().into()),
    };
    if let Some(rules) = properties.get("BucketEncryption").map(|found| &found["ServerSideEncryptionConfiguration"]) {
        let rules = renamed(rules, &[("ServerSideEncryptionByDefault", "ApplyServerSideEncryptionByDefault")]);
        settings.encryption = Some(read("ServerSideEncryptionConfiguration", &[("Rule", &rules)])?);
    }
    settings.public_access_block = match properties.get("PublicAccessBlockConfiguration") {
        Some(Value::Object(flags)) => {
            let members: Vec<(&str, &Value)> = flags.iter().map(|(name, value)| (name.as_str(), value)).collect();
            Some(read("PublicAccessBlockConfiguration", &members)?)
        }
        _ => settings.public_access_block.take(),
    };
    if let Some(controls) = properties.get("OwnershipControls") {
        settings.ownership = Some(read("OwnershipControls", &[("Rule", &controls["Rules"])])?);
    }
    settings.lifecycle = match properties.get("LifecycleConfiguration") {
        Some(lifecycle) => {
            let rules: Value = lifecycle["Rules"].as_array().into_iter().flatten().map(lifecycle_rule).collect();
            Some(read("LifecycleConfiguration", &[("Rule", &rules)])?)
        }
        None => None,
    };
    settings.tags = tag_map(properties)
        .into_iter()
        .map(|(key, value)| (key, value.as_str().unwrap_or_default().to_owned()))
        .collect();
    Ok(())
}

/// A list of objects with some members under other names.
fn renamed(list: &Value, names: &[(&str, &str)]) -> Value {
    let rename = |name: &str| {
        names.iter().find(|(from, _)| *from == name).map_or_else(|| name.to_owned(), |(_, to)| (*to).to_owned())
    };
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .map(|item| Value::Object(item.iter().map(|(name, value)| (rename(name), value.clone())).collect()))
        .collect()
}

/// A rule as S3's own API writes it: what the template has flat stands there in parts.
fn lifecycle_rule(rule: &Value) -> Value {
    let mut written = Map::new();
    let take = |name: &str| rule.get(name).cloned();
    let object = |members: Vec<(&str, Option<Value>)>| -> Option<Value> {
        let members: Map<String, Value> =
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        (!members.is_empty()).then_some(Value::Object(members))
    };
    let filters = vec![
        ("Prefix", take("Prefix")),
        ("Tag", take("TagFilters")),
        ("ObjectSizeGreaterThan", take("ObjectSizeGreaterThan")),
        ("ObjectSizeLessThan", take("ObjectSizeLessThan")),
    ];
    let several = filters.iter().filter(|(_, value)| value.is_some()).count() > 1
        || rule["TagFilters"].as_array().is_some_and(|tags| tags.len() > 1);
    let filter = object(filters).unwrap_or_else(|| Value::Object(Map::from_iter([("Prefix".to_owned(), "".into())])));
    let filter = if several { Value::Object(Map::from_iter([("And".to_owned(), filter)])) } else { filter };
    let noncurrent = take("NoncurrentVersionExpiration")
        .or_else(|| object(vec![("NoncurrentDays", take("NoncurrentVersionExpirationInDays"))]));
    let expiration = object(vec![
        ("Days", take("ExpirationInDays")),
        ("Date", take("ExpirationDate")),
        ("ExpiredObjectDeleteMarker", take("ExpiredObjectDeleteMarker")),
    ]);
    for (name, value) in [
        ("ID", take("Id")),
        ("Filter", Some(filter)),
        ("Status", take("Status")),
        ("Expiration", expiration),
        ("NoncurrentVersionExpiration", noncurrent),
        ("AbortIncompleteMultipartUpload", take("AbortIncompleteMultipartUpload")),
    ] {
        if let Some(value) = value {
            written.insert(name.to_owned(), value);
        }
    }
    Value::Object(written)
}

/// Reads a configuration as a client would send it, so that what S3 makes of it stands once.
fn read<T: for<'xml> Deserialize<'xml>>(name: &str, members: &[(&str, &Value)]) -> Result<T, Failure> {
    let mut xml = format!("<{name}>");
    for (member, value) in members {
        write(&mut xml, member, value);
    }
    xml.extend(["</", name, ">"]);
    T::deserialize(&mut Deserializer::new(xml.as_bytes()))
        .map_err(|_| Failure(format!("The {name} is not valid: {xml}")))
}

/// A list is its element repeated, as S3 writes lists.
fn write(xml: &mut String, name: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| write(xml, name, item)),
        Value::Object(members) => {
            xml.extend(["<", name, ">"]);
            members.iter().for_each(|(name, value)| write(xml, name, value));
            xml.extend(["</", name, ">"]);
        }
        value => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = quick_xml::escape::escape(text.as_str());
            xml.extend(["<", name, ">", &text, "</", name, ">"]);
        }
    }
}

#[async_trait]
impl Provider for Bucket {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = match request.text("BucketName") {
            Some(name) => name.to_owned(),
            None => request.generated_name(LONGEST_NAME).to_lowercase(),
        };
        // On AWS the owner too is told so when a template asks for a bucket that is there.
        if self.s3.settings(&name).await.is_ok() {
            return Err(Failure(format!(
                "Resource of type '{}' with identifier '{name}' already exists.",
                SCHEMA.type_name
            )));
        }
        self.s3.create_bucket(&name).await.map_err(|error| Failure::of(SERVICE, &error))?;
        if let Err(failure) = self.apply(request, &name).await {
            self.delete(request, &name).await?;
            return Err(failure);
        }
        Ok(name)
    }

    async fn settle(&self, _: &Request, bucket: &str) -> Result<Attributes, Failure> {
        let region = &self.place.region;
        let texts = [
            ("Arn", format!("arn:aws:s3:::{bucket}")),
            ("DomainName", format!("{bucket}.s3.amazonaws.com")),
            ("DualStackDomainName", format!("{bucket}.s3.dualstack.{region}.amazonaws.com")),
            ("RegionalDomainName", format!("{bucket}.s3.{region}.amazonaws.com")),
            ("WebsiteURL", format!("http://{bucket}.s3-website-{region}.amazonaws.com")),
        ];
        Ok(texts.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect())
    }

    async fn update(&self, request: &Request, bucket: &str, _: &Map<String, Value>) -> Result<(), Failure> {
        self.apply(request, bucket).await
    }

    async fn exists(&self, _: &Request, bucket: &str) -> Result<Option<bool>, Failure> {
        found(SERVICE, self.s3.settings(bucket).await)
    }

    async fn delete(&self, _: &Request, bucket: &str) -> Result<(), Failure> {
        deleted(SERVICE, self.s3.delete_bucket(bucket).await.map(|()| Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(properties: Value) -> Result<BucketSettings, Failure> {
        let Value::Object(properties) = properties else { unreachable!("properties are an object") };
        let mut settings = BucketSettings::default();
        set(&mut settings, &properties).map(|()| settings)
    }

    #[test]
    fn properties_become_settings() {
        let found = settings(json!({
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": true}
            ]},
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "RestrictPublicBuckets": false},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "LifecycleConfiguration": {"Rules": [
                {"Id": "a", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
                {"Id": "b", "Status": "Disabled", "Prefix": "x/", "ExpirationInDays": 3,
                 "TagFilters": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}]},
            ]},
            "Tags": [{"Key": "k", "Value": "<v>"}],
        }))
        .unwrap();
        assert_eq!(found.versioning.as_ref().map(s3s::dto::BucketVersioningStatus::as_str), Some("Enabled"));
        let encryption = found.encryption.unwrap();
        let rule = encryption.rules[0].apply_server_side_encryption_by_default.as_ref().unwrap();
        assert_eq!(rule.sse_algorithm.as_str(), "AES256");
        assert_eq!(encryption.rules[0].bucket_key_enabled, Some(true));
        let block = found.public_access_block.unwrap();
        assert_eq!((block.block_public_acls, block.restrict_public_buckets), (Some(true), Some(false)));
        assert_eq!(found.ownership.unwrap().rules[0].object_ownership.as_str(), "BucketOwnerEnforced");
        let lifecycle = found.lifecycle.unwrap();
        assert_eq!(lifecycle.rules[0].id.as_deref(), Some("a"));
        let abort = lifecycle.rules[0].abort_incomplete_multipart_upload.as_ref().unwrap();
        assert_eq!(abort.days_after_initiation, Some(1));
        let and = lifecycle.rules[1].filter.as_ref().and_then(|filter| filter.and.as_ref()).unwrap();
        assert_eq!(and.prefix.as_deref(), Some("x/"));
        assert_eq!(and.tags.as_ref().map(Vec::len), Some(2));
        assert_eq!(lifecycle.rules[1].expiration.as_ref().and_then(|expiration| expiration.days), Some(3));
        assert_eq!(found.tags, [("k".to_owned(), "<v>".to_owned())]);
    }
}
