//! Conditions of a read: `If-Match` and its kin, in the order of RFC 9110, section 13.2.2.

use std::time::SystemTime;

use s3s::dto::{ETagCondition, Timestamp};

use super::{
    refusal::{Answer, Refusal, precondition_failed},
    store::{Object, matches},
};
use crate::wire::ServiceError;

/// The four conditions a read may carry.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "these are the names of the headers")]
pub(super) struct ReadConditions {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
}

enum Outcome {
    Holds,
    Failed(&'static str),
    NotModified,
}

impl ReadConditions {
    /// 412, or 304 for a reader that has the object.
    pub fn check(&self, object: &Object, modified: SystemTime) -> Answer<()> {
        match self.outcome(object, modified) {
            Outcome::Holds => Ok(()),
            Outcome::Failed(condition) => Err(precondition_failed(condition).into()),
            Outcome::NotModified => {
                let error = ServiceError::new(304, "NotModified", "Not Modified");
                Err(Refusal::from(error).header("etag", format!("\"{}\"", object.etag)))
            }
        }
    }

    /// The conditions of a copy's source: always 412.
    pub fn check_source(&self, object: &Object, modified: SystemTime) -> Answer<()> {
        let condition = match self.outcome(object, modified) {
            Outcome::Holds => return Ok(()),
            Outcome::Failed("If-Match") => "x-amz-copy-source-If-Match",
            Outcome::Failed(_) => "x-amz-copy-source-If-Unmodified-Since",
            Outcome::NotModified if self.if_none_match.is_some() => "x-amz-copy-source-If-None-Match",
            Outcome::NotModified => "x-amz-copy-source-If-Modified-Since",
        };
        Err(precondition_failed(condition).into())
    }

    fn outcome(&self, object: &Object, modified: SystemTime) -> Outcome {
        let etag = object.etag();
        let modified = Timestamp::from(modified);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, &etag) => return Outcome::Failed("If-Match"),
            (None, Some(since)) if modified > *since => return Outcome::Failed("If-Unmodified-Since"),
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if matches(condition, &etag) => Outcome::NotModified,
            (None, Some(since)) if modified <= *since => Outcome::NotModified,
            _ => Outcome::Holds,
        }
    }
}
