//! What a stack consists of, by CloudFormation's own list: it knows every half-made stack, where
//! outputs are only there once all is well.

use aws_sdk_cloudformation::Client;

use crate::deploy::DeployError;

/// Buckets.
pub const BUCKET: &str = "AWS::S3::Bucket";
/// Delivery streams of Firehose.
pub const DELIVERY_STREAM: &str = "AWS::KinesisFirehose::DeliveryStream";
/// Functions.
pub const FUNCTION: &str = "AWS::Lambda::Function";
/// Log groups.
pub const LOG_GROUP: &str = "AWS::Logs::LogGroup";

/// The resources of a stack.
#[derive(Debug, Default)]
pub struct Pieces {
    pieces: Vec<Piece>,
}

/// One resource of a stack.
#[derive(Debug)]
pub struct Piece {
    /// Its id in its service.
    pub physical_id: String,
    /// `AWS::S3::Bucket`.
    pub resource_type: String,
    /// `CREATE_COMPLETE`.
    status: String,
}

impl Piece {
    /// CloudFormation let go of it and left it in the account.
    fn is_retained(&self) -> bool {
        self.status == "DELETE_SKIPPED"
    }
}

impl Pieces {
    /// Those of a stack, which may be deleted where its ARN is given.
    pub async fn of(client: &Client, stack_id: &str) -> Result<Self, DeployError> {
        let mut items = client.list_stack_resources().stack_name(stack_id).into_paginator().items().send();
        let mut pieces = Vec::new();
        while let Some(item) = items.next().await {
            let item =
                item.map_err(|error| DeployError::call(format!("listed what stack {stack_id} consists of"), &error))?;
            let (Some(id), Some(kind)) = (item.physical_resource_id(), item.resource_type()) else { continue };
            if id.is_empty() {
                continue;
            }
            pieces.push(Piece {
                physical_id: id.to_owned(),
                resource_type: kind.to_owned(),
                status: item.resource_status().map_or("", |status| status.as_str()).to_owned(),
            });
        }
        Ok(Self { pieces })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The ids of one type that the stack has. One that it failed to make may be someone else's of that
    /// name.
    pub fn ids<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a str> {
        let is_there = |piece: &&Piece| {
            !matches!(piece.status.as_str(), "CREATE_FAILED" | "IMPORT_FAILED" | "DELETE_COMPLETE" | "DELETE_SKIPPED")
        };
        self.pieces
            .iter()
            .filter(is_there)
            .filter(move |piece| piece.resource_type == resource_type)
            .map(|piece| &*piece.physical_id)
    }

    /// The id of the only one of a type; `None`: there is none, or there are more.
    pub fn only<'a>(&'a self, resource_type: &'a str) -> Option<&'a str> {
        let mut ids = self.ids(resource_type);
        ids.next().filter(|_| ids.next().is_none())
    }

    /// The ids of one type that the stack has or had.
    pub fn all_ids<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a str> {
        self.pieces.iter().filter(move |piece| piece.resource_type == resource_type).map(|piece| &*piece.physical_id)
    }

    /// The ids of one type that were left in the account.
    pub fn retained<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a str> {
        self.all_retained().filter(move |piece| piece.resource_type == resource_type).map(|piece| &*piece.physical_id)
    }

    /// Everything that was left in the account.
    pub fn all_retained(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| piece.is_retained())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stack_failed_to_make_may_be_someone_elses() {
        let piece = |id: &str, status: &str| Piece {
            physical_id: id.to_owned(),
            resource_type: BUCKET.to_owned(),
            status: status.to_owned(),
        };
        let pieces = Pieces {
            pieces: vec![
                piece("taken-by-others", "CREATE_FAILED"),
                piece("own", "CREATE_COMPLETE"),
                piece("stuck", "DELETE_FAILED"),
                piece("gone", "DELETE_COMPLETE"),
            ],
        };
        assert_eq!(pieces.ids(BUCKET).collect::<Vec<_>>(), ["own", "stuck"]);
        assert_eq!(pieces.all_ids(BUCKET).count(), 4);
    }
}
