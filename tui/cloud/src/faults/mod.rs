//! Orders for trouble: a call that is refused, late or lost, a resource that fails or takes its
//! time, so that a client can be shown what AWS does on its bad days.
//!
//! In the process of the cloud orders are given through [`LocalCloud::faults`]; from elsewhere by a
//! signed call to the cloud's endpoint: signature version 4 for the service `tailwater`, AWS JSON
//! 1.0 (`Content-Type: application/x-amz-json-1.0`), the operation in `X-Amz-Target`.
//!
//! `Tailwater.PutFault` takes one fault, as one of the members `Call`, `Resource`, `Function`, `Stream`,
//! `Delivery` and `Api`, and how often:
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
//!
//! Trouble on the pipeline's data path is the matter of four more members, each narrowed to one
//! function, stream, delivery stream or API where its name is given:
//!
//! ```json
//! {"Function": {"FunctionName": "tailwater-submit", "Crash": "BEFORE"}, "Percent": 20, "UntilCleared": true}
//! {"Function": {"DelayMilliseconds": 2000}, "ForMilliseconds": 120000}
//! {"Stream": {"StreamName": "api-kinesis-stream", "Throttle": true}, "Count": 5}
//! {"Delivery": {"DelayMilliseconds": 30000}, "UntilCleared": true}
//! {"Api": {"Status": 503, "When": "BEFORE"}, "Percent": 50, "Count": 10}
//! ```
//!
//! - `Function` is about invocations, and takes one of `Crash` (the process is killed:
//!   `Runtime.ExitError`), `Timeout` (the invocation lasts until the function's time limit), both
//!   `BEFORE` the function saw the event, so that nothing was put, or `AFTER` it did its work, so
//!   that the event was put and only the answer is lost; `DelayMilliseconds` before the function gets
//!   the event, within the invocation; and `Error` with `Type` and `Message`, which the function
//!   answers. An invocation may meet a delay and one other.
//! - `Stream` is about records that are put, one by one or in batches, by whomever. It takes one of
//!   `Throttle` (`true`: `ProvisionedThroughputExceededException`) and `Error` with `Code`, `Message`
//!   and `Status` (400 where it is absent); `AccessDeniedException` without a message gets AWS's.
//! - `Delivery` is about what Firehose delivers, and takes one of `DelayMilliseconds` beyond the
//!   interval, `Twice` (`true`: the same records make two objects), and `Error` with S3's `Code`
//!   (`AccessDenied`) and a `Message`, for one try each: the delivery log tells of it, and another try
//!   follows. A delivery may meet each of the three. What Firehose delivers when the cloud ends
//!   meets none.
//! - `Api` is about requests that a route was found for and that were let in. `Status` is 500 or 503,
//!   `When` is `BEFORE` (also where it is absent) or `AFTER` the function was invoked.
//!
//! How often, for faults of every kind:
//!
//! - `Skip` lets so many that fit go by first (0 where it is absent). Of what fits then, `Percent`
//!   (1 to 100, which it is where it is absent) meets the fault by chance, each on its own.
//! - `Count` is how many meet the fault; with `UntilCleared` all do. `ForMilliseconds` ends the order
//!   after that time, whatever is left of its count. Where neither `Count` nor `UntilCleared` is there,
//!   the count is 1, or without end where there is `ForMilliseconds`.
//! - But for what is said above, one call or action meets at most one fault: of those that fit, the
//!   one that was ordered first.
//!
//! `Tailwater.ListFaults` takes nothing and answers `{"Faults": […]}`: each as it was put, with its
//! `FaultId`, `Skip`, `Count` and `ForMilliseconds` as they are left, and `Met`, how many have met it.
//! A fault whose count is used up or whose time is over is no longer listed. `Tailwater.DeleteFaults`
//! takes `FaultIds`, or nothing for all, and answers `{"Deleted": 2}`. What a deleted fault still holds
//! back (an invocation, a delivery) goes on at once; what an order holds whose count or time ended
//! stays held as long as was ordered.
//!
//! What is not known by these names is refused by its name (`ValidationException`).
//!
//! [`LocalCloud::faults`]: crate::LocalCloud::faults

mod known;
mod pipeline;
mod wire;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio_util::sync::CancellationToken;

pub use pipeline::{
    ApiFault, DeliveryEffect, DeliveryFault, FunctionEffect, FunctionFault, StreamEffect, StreamFault, When,
};
pub(crate) use pipeline::{FunctionEnd, Met, MetInvocation};
pub(crate) use wire::SERVICE;

use pipeline::is_of;

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
    /// Of a hundred that fit, so many meet the fault, by chance: 1 to 100.
    pub percent: u8,
    /// How long the order stands; `None`: its count alone ends it.
    pub lasts: Option<Duration>,
}

impl Order {
    /// The next call or action that fits meets the fault.
    pub fn once(fault: impl Into<Fault>) -> Self {
        Self::times(fault, 1)
    }

    /// The next `count` that fit meet the fault.
    pub fn times(fault: impl Into<Fault>, count: u32) -> Self {
        Self::new(fault.into(), Times::Count(count))
    }

    /// All that fit meet the fault, until it is cleared.
    pub fn until_cleared(fault: impl Into<Fault>) -> Self {
        Self::new(fault.into(), Times::UntilCleared)
    }

    fn new(fault: Fault, times: Times) -> Self {
        Self { fault, skip: 0, times, percent: 100, lasts: None }
    }

    /// Only so many of a hundred that fit meet the fault, by chance.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }

    /// The order ends by itself after that time.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasts = Some(time);
        self
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
    /// An invocation of a function.
    Function(FunctionFault),
    /// A record that is put into a stream.
    Stream(StreamFault),
    /// A delivery of Firehose.
    Delivery(DeliveryFault),
    /// A request to an HTTP API.
    Api(ApiFault),
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

impl From<FunctionFault> for Fault {
    fn from(fault: FunctionFault) -> Self {
        Self::Function(fault)
    }
}

impl From<StreamFault> for Fault {
    fn from(fault: StreamFault) -> Self {
        Self::Stream(fault)
    }
}

impl From<DeliveryFault> for Fault {
    fn from(fault: DeliveryFault) -> Self {
        Self::Delivery(fault)
    }
}

impl From<ApiFault> for Fault {
    fn from(fault: ApiFault) -> Self {
        Self::Api(fault)
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
    /// The order, with what is left of its counts and its time.
    pub order: Order,
    /// How many have met it.
    pub met: u32,
}

/// Why an order was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RefusedOrder(String);

/// The orders for trouble of one cloud; see the [module](self).
#[derive(Debug)]
pub struct Faults {
    given: Mutex<Orders>,
}

#[derive(Debug)]
struct Orders {
    /// In the order in which they were given.
    taken: Vec<Taken>,
    dice: StdRng,
}

/// One order with what belongs to it here.
#[derive(Debug)]
struct Taken {
    standing: Standing,
    ends: Option<Instant>,
    /// Cancelled when the order is taken back.
    lifted: CancellationToken,
}

impl Default for Faults {
    fn default() -> Self {
        Self { given: Mutex::new(Orders { taken: Vec::new(), dice: StdRng::from_rng(&mut rand::rng()) }) }
    }
}

impl Faults {
    /// Takes an order and gives its id; refuses what could never happen here.
    pub fn add(&self, order: Order) -> Result<String, RefusedOrder> {
        known::check(&order).map_err(RefusedOrder)?;
        let id = uuid::Uuid::new_v4().to_string();
        let ends = order.lasts.and_then(|time| Instant::now().checked_add(time));
        let standing = Standing { id: id.clone(), order, met: 0 };
        self.given(Instant::now()).taken.push(Taken { standing, ends, lifted: CancellationToken::new() });
        Ok(id)
    }

    /// Makes chance come out the same every time, for tests.
    pub fn seed(&self, seed: u64) {
        self.given(Instant::now()).dice = StdRng::seed_from_u64(seed);
    }

    /// The orders that stand, in the order in which they were given.
    pub fn list(&self) -> Vec<Standing> {
        self.list_at(Instant::now())
    }

    fn list_at(&self, now: Instant) -> Vec<Standing> {
        let given = self.given(now);
        let left = |order: &Taken| {
            let mut standing = order.standing.clone();
            standing.order.lasts = order.ends.map(|ends| ends.saturating_duration_since(now));
            standing
        };
        given.taken.iter().map(left).collect()
    }

    /// Takes every order back; gives how many there were.
    pub fn clear(&self) -> usize {
        let orders = std::mem::take(&mut self.given(Instant::now()).taken);
        for order in &orders {
            order.lifted.cancel();
        }
        orders.len()
    }

    /// Takes one order back; gives whether it stood.
    pub fn remove(&self, id: &str) -> bool {
        let mut given = self.given(Instant::now());
        let found = given.taken.iter().position(|order| order.standing.id == id);
        found.map(|at| given.taken.remove(at).lifted.cancel()).is_some()
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

    /// What the invocation at hand meets, which then counts as met.
    pub(crate) fn meet_invocation(&self, function_name: &str) -> MetInvocation {
        let effect_of = |fault: &Fault| match fault {
            Fault::Function(fault) if is_of(fault.function_name.as_ref(), function_name) => Some(fault.effect.clone()),
            _ => None,
        };
        let delay = self.meet_at(Instant::now(), |fault| match effect_of(fault)? {
            FunctionEffect::Delay(delay) => Some(delay),
            _ => None,
        });
        let end = self.meet_at(Instant::now(), |fault| match effect_of(fault)? {
            FunctionEffect::Delay(_) => None,
            FunctionEffect::Crash(when) => Some(FunctionEnd::Crash(when)),
            FunctionEffect::Timeout(when) => Some(FunctionEnd::Timeout(when)),
            FunctionEffect::Error { error_type, message } => Some(FunctionEnd::Error { error_type, message }),
        });
        MetInvocation { delay, end }
    }

    /// What the record at hand meets that is put, which then counts as met.
    pub(crate) fn meet_put(&self, stream_name: &str) -> Option<StreamEffect> {
        self.meet(|fault| match fault {
            Fault::Stream(fault) if is_of(fault.stream_name.as_ref(), stream_name) => Some(fault.effect.clone()),
            _ => None,
        })
    }

    /// By how much the delivery at hand is late, which then counts as met.
    pub(crate) fn meet_delivery_delay(&self, delivery_stream_name: &str) -> Option<Met<Duration>> {
        self.meet_delivery(delivery_stream_name, |effect| match effect {
            DeliveryEffect::Delay(delay) => Some(*delay),
            _ => None,
        })
    }

    /// Whether the delivery at hand is made twice, which then counts as met.
    pub(crate) fn meet_delivery_twice(&self, delivery_stream_name: &str) -> bool {
        self.meet_delivery(delivery_stream_name, |effect| (*effect == DeliveryEffect::Twice).then_some(())).is_some()
    }

    /// Code and message with which S3 refuses the try at hand, which then counts as met.
    pub(crate) fn meet_delivery_error(&self, delivery_stream_name: &str) -> Option<Met<(String, String)>> {
        self.meet_delivery(delivery_stream_name, |effect| match effect {
            DeliveryEffect::Error { code, message } => Some((code.clone(), message.clone())),
            _ => None,
        })
    }

    fn meet_delivery<E>(&self, name: &str, part_of: impl Fn(&DeliveryEffect) -> Option<E>) -> Option<Met<E>> {
        self.meet_at(Instant::now(), |fault| match fault {
            Fault::Delivery(fault) if is_of(fault.delivery_stream_name.as_ref(), name) => part_of(&fault.effect),
            _ => None,
        })
    }

    /// Status and moment of the answer that the request at hand meets, which then counts as met.
    pub(crate) fn meet_request(&self, api_id: &str) -> Option<(u16, When)> {
        self.meet(|fault| match fault {
            Fault::Api(fault) if is_of(fault.api_id.as_ref(), api_id) => Some((fault.status, fault.when)),
            _ => None,
        })
    }

    fn meet<E>(&self, effect_of: impl Fn(&Fault) -> Option<E>) -> Option<E> {
        self.meet_at(Instant::now(), effect_of).map(|met| met.effect)
    }

    fn meet_at<E>(&self, now: Instant, effect_of: impl Fn(&Fault) -> Option<E>) -> Option<Met<E>> {
        let mut given = self.given(now);
        let Orders { taken: orders, dice } = &mut *given;
        let mut found = None;
        for (index, candidate) in orders.iter_mut().enumerate() {
            let Some(effect) = effect_of(&candidate.standing.order.fault) else { continue };
            let order = &mut candidate.standing.order;
            if order.skip > 0 {
                order.skip -= 1;
                continue;
            }
            if order.percent < 100 && dice.random_range(0..100) >= order.percent {
                continue;
            }
            candidate.standing.met += 1;
            let used_up = match &mut order.times {
                Times::UntilCleared => false,
                Times::Count(left) => {
                    *left = left.saturating_sub(1);
                    *left == 0
                }
            };
            found = Some((index, used_up, Met { effect, lifted: candidate.lifted.clone() }));
            break;
        }
        let (index, used_up, met) = found?;
        if used_up {
            orders.remove(index);
        }
        Some(met)
    }

    /// The orders, without those whose time is over.
    fn given(&self, now: Instant) -> MutexGuard<'_, Orders> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.taken.retain(|order| order.ends.is_none_or(|ends| ends > now));
        given
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
    fn chance_is_even_over_many_and_comes_out_the_same_for_one_seed() {
        let met = |seed: u64| {
            let faults = Faults::default();
            faults.seed(seed);
            let crash = FunctionFault::new(FunctionEffect::Crash(When::Before));
            faults.add(Order::until_cleared(crash).percent(20)).unwrap();
            (0..1000).map(|_| faults.meet_invocation("f").end.is_some()).collect::<Vec<_>>()
        };
        let first = met(7);
        assert_eq!(first, met(7));
        assert_ne!(first, met(8));
        let often = first.iter().filter(|met| **met).count();
        assert!((150..250).contains(&often), "{often}");
    }

    #[test]
    fn who_escapes_one_fault_by_chance_may_meet_the_next() {
        let faults = Faults::default();
        faults.add(Order::until_cleared(ApiFault::new(500, When::Before)).percent(50)).unwrap();
        faults.add(Order::until_cleared(ApiFault::new(503, When::After))).unwrap();
        let statuses: Vec<u16> = (0..64).map(|_| faults.meet_request("a").unwrap().0).collect();
        assert!(statuses.contains(&500) && statuses.contains(&503), "{statuses:?}");
    }

    #[test]
    fn an_order_ends_with_its_time() {
        let faults = Faults::default();
        let order = Order::until_cleared(StreamFault::new(StreamEffect::Throttle)).lasting(Duration::from_mins(1));
        faults.add(order).unwrap();
        let throttled = |fault: &Fault| matches!(fault, Fault::Stream(_)).then_some(());
        let before = Instant::now() + Duration::from_secs(59);
        assert!(faults.meet_at(before, throttled).is_some());
        let left = faults.list_at(before)[0].order.lasts.unwrap();
        assert!(left <= Duration::from_secs(1), "{left:?}");
        assert!(faults.meet_at(Instant::now() + Duration::from_secs(61), throttled).is_none());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn an_invocation_may_be_late_and_fail() {
        let faults = Faults::default();
        let late = Duration::from_secs(2);
        faults.add(Order::until_cleared(FunctionFault::new(FunctionEffect::Delay(late)))).unwrap();
        let id = faults.add(Order::once(FunctionFault::new(FunctionEffect::Timeout(When::After)).of("f"))).unwrap();
        assert!(faults.meet_invocation("g").end.is_none());
        let met = faults.meet_invocation("f");
        assert_eq!(met.delay.map(|met| met.effect), Some(late));
        let end = met.end.unwrap();
        assert_eq!(end.effect, FunctionEnd::Timeout(When::After));
        assert!(!faults.remove(&id), "it was met");
        assert!(!end.lifted.is_cancelled(), "what was met as often as ordered is not taken back");
        let delay = faults.meet_invocation("g").delay.unwrap();
        faults.clear();
        assert!(delay.lifted.is_cancelled());
    }

    #[test]
    fn a_delivery_may_meet_each_of_its_faults() {
        let faults = Faults::default();
        let denied = DeliveryEffect::Error { code: "AccessDenied".into(), message: String::new() };
        for effect in [DeliveryEffect::Twice, DeliveryEffect::Delay(Duration::from_secs(9)), denied] {
            faults.add(Order::once(DeliveryFault::new(effect).of("d"))).unwrap();
        }
        assert!(!faults.meet_delivery_twice("other"));
        assert!(faults.meet_delivery_twice("d") && !faults.meet_delivery_twice("d"));
        assert_eq!(faults.meet_delivery_delay("d").unwrap().effect, Duration::from_secs(9));
        assert_eq!(faults.meet_delivery_error("d").unwrap().effect.0, "AccessDenied");
        assert!(faults.list().is_empty());
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
