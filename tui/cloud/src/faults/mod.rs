//! Orders for trouble: a call that is refused, late or lost, a resource that fails or takes its
//! time, so that a client can be shown what AWS does on its bad days.
//!
//! In the process of the cloud orders are given through [`LocalCloud::faults`]; from elsewhere by a
//! signed call to the cloud's endpoint: signature version 4 for the service `tailwater`, AWS JSON
//! 1.0 (`Content-Type: application/x-amz-json-1.0`), the operation in `X-Amz-Target`.
//!
//! `Tailwater.PutFault` takes one fault, as one of the members `Call` and `Resource`, and how often:
//!
//! ```json
//! {"Call": {"Service": "firehose", "Operation": "CreateDeliveryStream",
//!           "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded", "Status": 400}},
//!  "Skip": 1, "Count": 3}
//! {"Resource": {"Resource": "AWS::S3::Bucket", "Action": "DELETE", "StackName": "pipe",
//!               "Reason": "The bucket you tried to delete is not empty"},
//!  "UntilCleared": true}
//! ```
//!
//! and answers `{"FaultId": "…"}`.
//!
//! - `Call.Service` is the name that requests are signed with: `apigateway`, `cloudformation`,
//!   `firehose`, `iam`, `kinesis`, `lambda`, `logs`, `s3`, `sts`. `Call.Operation` is one of its
//!   operations, or `*` for all of them; the service `*`, with the operation `*`, is every service
//!   but `tailwater` itself.
//! - What a call meets is one of `Error` (`Status` is 400 where it is absent), `DelayMilliseconds`
//!   (then it is answered as ever), and `Close`: the connection is closed without an answer,
//!   `BEFORE` anything was done or `AFTER` all was done and only the answer is lost. Faults of calls
//!   are about requests over the wire whose signature is right; what the services ask of each other
//!   inside the cloud meets none.
//! - `Resource.Resource` is a logical id, a resource type, or `*`; `Resource.Action` is what
//!   `CloudFormation` asks of the resource type: `CREATE` (the new one of a replacement too),
//!   `UPDATE` (the way back of a rollback too), `DELETE`, or `IMPORT` (taking in what is there, and
//!   letting it go again when that is rolled back). What it meets is one of `Reason`, with
//!   which it fails before anything is done, and `DelayMilliseconds` before it begins. `StackName`
//!   narrows it to one stack.
//! - `Skip` lets so many that fit go by first (0 where it is absent). `Count` is how many meet the
//!   fault (1 where it is absent); with `UntilCleared` all do. One call or action meets at most one
//!   fault: of those that fit, the one that was ordered first.
//!
//! `Tailwater.ListFaults` takes nothing and answers `{"Faults": […]}`: each as it was put, with its
//! `FaultId`, `Skip` and `Count` as they are left, and `Met`, how many have met it. A fault whose
//! count is used up is no longer listed. `Tailwater.DeleteFaults` takes `FaultIds`, or nothing for all,
//! and answers `{"Deleted": 2}`.
//!
//! What is not known by these names is refused by its name (`ValidationException`).
//!
//! [`LocalCloud::faults`]: crate::LocalCloud::faults

mod known;
mod wire;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(crate) use wire::SERVICE;

/// What stands for every service, operation or resource.
pub const ANY: &str = "*";

/// One order: what is to go wrong, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What goes wrong.
    pub fault: Fault,
    /// How many that fit go by first.
    pub skip: u32,
    /// How many meet the fault.
    pub times: Times,
}

impl Order {
    /// The next call or action that fits meets the fault.
    pub fn once(fault: impl Into<Fault>) -> Self {
        Self::times(fault, 1)
    }

    /// The next `count` that fit meet the fault.
    pub fn times(fault: impl Into<Fault>, count: u32) -> Self {
        Self { fault: fault.into(), skip: 0, times: Times::Count(count) }
    }

    /// All that fit meet the fault, until it is cleared.
    pub fn until_cleared(fault: impl Into<Fault>) -> Self {
        Self { fault: fault.into(), skip: 0, times: Times::UntilCleared }
    }

    /// Lets the first `count` that fit go by.
    #[must_use]
    pub fn after(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }
}

/// How many meet a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// So many.
    Count(u32),
    /// All, until the order is cleared.
    UntilCleared,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A call over the wire.
    Call(CallFault),
    /// A resource that `CloudFormation` makes, changes or deletes.
    Resource(ResourceFault),
}

impl From<CallFault> for Fault {
    fn from(fault: CallFault) -> Self {
        Self::Call(fault)
    }
}

impl From<ResourceFault> for Fault {
    fn from(fault: ResourceFault) -> Self {
        Self::Resource(fault)
    }
}

/// Calls of one operation, and what they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFault {
    /// The name that requests are signed with, or [`ANY`].
    pub service: String,
    /// The operation's name, or [`ANY`].
    pub operation: String,
    /// What the call meets.
    pub effect: CallEffect,
}

impl CallFault {
    /// A call that is answered with an error.
    pub fn error(service: &str, operation: &str, status: u16, code: &str, message: &str) -> Self {
        let (code, message) = (code.to_owned(), message.to_owned());
        Self::new(service, operation, CallEffect::Error { status, code, message })
    }

    /// A call that is answered late.
    pub fn delay(service: &str, operation: &str, delay: Duration) -> Self {
        Self::new(service, operation, CallEffect::Delay(delay))
    }

    /// A call that gets no answer, and of which nothing is done.
    pub fn close_before(service: &str, operation: &str) -> Self {
        Self::new(service, operation, CallEffect::CloseBefore)
    }

    /// A call that is carried out, but whose answer is lost.
    pub fn close_after(service: &str, operation: &str) -> Self {
        Self::new(service, operation, CallEffect::CloseAfter)
    }

    fn new(service: &str, operation: &str, effect: CallEffect) -> Self {
        Self { service: service.to_owned(), operation: operation.to_owned(), effect }
    }

    fn fits(&self, service: &str, operation: &str) -> bool {
        (self.service == ANY || self.service == service) && (self.operation == ANY || self.operation == operation)
    }
}

/// What a call meets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallEffect {
    /// A refusal, in the shape that errors of the service have.
    Error {
        /// The HTTP status, 400 to 599.
        status: u16,
        /// The error's code, as `ThrottlingException`.
        code: String,
        /// The sentence for people.
        message: String,
    },
    /// An answer as ever, after so long.
    Delay(Duration),
    /// The connection is closed without an answer, and nothing was done.
    CloseBefore,
    /// The call is carried out, and the connection is closed without an answer.
    CloseAfter,
}

/// Actions on resources of `CloudFormation`, and what they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFault {
    /// The stack's name; `None`: any.
    pub stack_name: Option<String>,
    /// A logical id, a resource type (`AWS::S3::Bucket`), or [`ANY`].
    pub resource: String,
    /// What is done with the resource.
    pub action: Action,
    /// What the action meets.
    pub effect: ResourceEffect,
}

impl ResourceFault {
    /// An action that fails with that reason.
    pub fn fail(resource: &str, action: Action, reason: &str) -> Self {
        let effect = ResourceEffect::Fail { reason: reason.to_owned() };
        Self { stack_name: None, resource: resource.to_owned(), action, effect }
    }

    /// An action that begins late.
    pub fn delay(resource: &str, action: Action, delay: Duration) -> Self {
        Self { stack_name: None, resource: resource.to_owned(), action, effect: ResourceEffect::Delay(delay) }
    }

    /// Only in that stack.
    #[must_use]
    pub fn in_stack(mut self, stack_name: &str) -> Self {
        self.stack_name = Some(stack_name.to_owned());
        self
    }

    fn fits(&self, stack_name: &str, logical_id: &str, resource_type: &str, action: Action) -> bool {
        self.action == action
            && self.stack_name.as_deref().is_none_or(|wanted| wanted == stack_name)
            && (self.resource == ANY || self.resource == logical_id || self.resource == resource_type)
    }
}

/// What `CloudFormation` asks of a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Makes a resource, the new one of a replacement too.
    Create,
    /// Changes a resource, back too.
    Update,
    /// Deletes a resource.
    Delete,
    /// Takes a resource in that is there, and lets it go when that is rolled back.
    Import,
}

/// What an action on a resource meets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceEffect {
    /// It fails before anything is done.
    Fail {
        /// The reason that the resource's event gives.
        reason: String,
    },
    /// It begins after so long.
    Delay(Duration),
}

/// An order that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What names the order.
    pub id: String,
    /// The order, with what is left of its counts.
    pub order: Order,
    /// How many have met it.
    pub met: u32,
}

/// Why an order was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RefusedOrder(String);

/// The orders for trouble of one cloud; see the [module](self).
#[derive(Debug, Default)]
pub struct Faults {
    /// In the order in which they were given.
    standing: Mutex<Vec<Standing>>,
}

impl Faults {
    /// Takes an order and gives its id; refuses what could never happen here.
    pub fn add(&self, order: Order) -> Result<String, RefusedOrder> {
        known::check(&order).map_err(RefusedOrder)?;
        let id = uuid::Uuid::new_v4().to_string();
        self.standing().push(Standing { id: id.clone(), order, met: 0 });
        Ok(id)
    }

    /// The orders that stand, in the order in which they were given.
    pub fn list(&self) -> Vec<Standing> {
        self.standing().clone()
    }

    /// Takes every order back; gives how many there were.
    pub fn clear(&self) -> usize {
        std::mem::take(&mut *self.standing()).len()
    }

    /// Takes one order back; gives whether it stood.
    pub fn remove(&self, id: &str) -> bool {
        let mut standing = self.standing();
        let before = standing.len();
        standing.retain(|order| order.id != id);
        standing.len() < before
    }

    /// What the call at hand meets, which then counts as met.
    pub(crate) fn meet_call(&self, service: &str, operation: &str) -> Option<CallEffect> {
        self.meet(|fault| match fault {
            Fault::Call(fault) if fault.fits(service, operation) => Some(fault.effect.clone()),
            _ => None,
        })
    }

    /// What the action at hand meets, which then counts as met.
    pub(crate) fn meet_action(
        &self,
        stack_name: &str,
        logical_id: &str,
        resource_type: &str,
        action: Action,
    ) -> Option<ResourceEffect> {
        self.meet(|fault| match fault {
            Fault::Resource(fault) if fault.fits(stack_name, logical_id, resource_type, action) => {
                Some(fault.effect.clone())
            }
            _ => None,
        })
    }

    fn meet<E>(&self, effect_of: impl Fn(&Fault) -> Option<E>) -> Option<E> {
        let mut standing = self.standing();
        let mut found = None;
        for (index, candidate) in standing.iter_mut().enumerate() {
            let Some(effect) = effect_of(&candidate.order.fault) else { continue };
            if candidate.order.skip > 0 {
                candidate.order.skip -= 1;
                continue;
            }
            candidate.met += 1;
            let used_up = match &mut candidate.order.times {
                Times::UntilCleared => false,
                Times::Count(left) => {
                    *left = left.saturating_sub(1);
                    *left == 0
                }
            };
            found = Some((index, used_up, effect));
            break;
        }
        let (index, used_up, effect) = found?;
        if used_up {
            standing.remove(index);
        }
        Some(effect)
    }

    fn standing(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(faults: &Faults, fault: impl Into<Fault>) -> String {
        faults.add(Order::once(fault)).unwrap_err().to_string()
    }

    #[test]
    fn an_order_counts_what_goes_by_and_what_meets_it() {
        let faults = Faults::default();
        faults.add(Order::times(CallFault::close_before("iam", "GetRole"), 2).after(1)).unwrap();
        let met: Vec<bool> = (0..4).map(|_| faults.meet_call("iam", "GetRole").is_some()).collect();
        assert_eq!(met, [false, true, true, false]);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn the_first_order_that_fits_is_met() {
        let faults = Faults::default();
        let delay = CallFault::delay("iam", ANY, Duration::from_secs(1));
        let id = faults.add(Order::until_cleared(delay)).unwrap();
        faults.add(Order::once(CallFault::close_after(ANY, ANY))).unwrap();
        assert_eq!(faults.meet_call("iam", "GetRole"), Some(CallEffect::Delay(Duration::from_secs(1))));
        assert_eq!(faults.meet_call("s3", "GetObject"), Some(CallEffect::CloseAfter));
        assert_eq!(faults.list().iter().map(|standing| (&standing.id, standing.met)).collect::<Vec<_>>(), [(&id, 1)]);
        assert!(faults.remove(&id) && !faults.remove(&id));
    }

    #[test]
    fn a_resource_is_found_by_id_type_or_stack() {
        let faults = Faults::default();
        let meets = |stack: &str, id: &str| faults.meet_action(stack, id, "AWS::S3::Bucket", Action::Delete).is_some();
        let fault = ResourceFault::fail("AWS::S3::Bucket", Action::Delete, "no").in_stack("pipe");
        faults.add(Order::until_cleared(fault)).unwrap();
        assert!(meets("pipe", "Any") && !meets("other", "Any"));
        assert!(faults.meet_action("pipe", "Any", "AWS::S3::Bucket", Action::Create).is_none());
        assert_eq!(faults.clear(), 1);
        faults.add(Order::until_cleared(ResourceFault::fail("Mine", Action::Delete, "no"))).unwrap();
        assert!(meets("pipe", "Mine") && !meets("pipe", "Other"));
    }

    #[test]
    fn what_could_never_happen_is_refused_by_name() {
        let faults = Faults::default();
        let call = |service, operation| refusal(&faults, CallFault::close_before(service, operation));
        assert_eq!(call("sqs", ANY), "The embedded cloud does not offer the service sqs.");
        assert_eq!(call("tailwater", ANY), "The embedded cloud does not offer the service tailwater.");
        assert_eq!(call("s3", "GetRole"), "s3 has no operation GetRole.");
        assert_eq!(call(ANY, "GetRole"), "An operation of every service is *, not GetRole.");
        let resource = refusal(&faults, ResourceFault::fail("AWS::SQS::Queue", Action::Create, "no"));
        assert_eq!(resource, "The embedded cloud does not offer the resource type AWS::SQS::Queue.");
        let status = refusal(&faults, CallFault::error("s3", ANY, 200, "Fine", "fine"));
        assert_eq!(status, "The status of an error is 400 to 599, not 200.");
        let never = faults.add(Order::times(CallFault::close_before(ANY, ANY), 0)).unwrap_err();
        assert_eq!(never.to_string(), "A fault that nothing meets is none: its count is 1 or more.");
    }
}
