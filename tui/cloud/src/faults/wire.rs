//! The orders over the wire: AWS JSON 1.0.

use std::time::Duration;

use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::{
    Action, CallEffect, CallFault, Fault, Faults, Order, RefusedOrder, ResourceEffect, ResourceFault, Standing, Times,
};
use crate::wire::{Input, Request, Response, ServiceError, ServiceResult, json as wire_json};

/// The name that requests are signed with.
pub(crate) const SERVICE: &str = "tailwater";

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

impl Faults {
    /// A request whose signature was checked.
    pub(crate) fn http(&self, request: &Request) -> Response {
        let result = wire_json::parse(request)
            .and_then(|(operation, input)| self.call(&operation, Input::new(&operation, input)?));
        let mut response = wire_json::answer(result);
        response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
        response
    }

    fn call(&self, operation: &str, mut input: Input) -> ServiceResult {
        match operation {
            "PutFault" => {
                let order = order(input)?;
                let id = self.add(order).map_err(|RefusedOrder(message)| invalid(message))?;
                Ok(json!({"FaultId": id}))
            }
            "ListFaults" => {
                input.finish()?;
                Ok(json!({"Faults": self.list().iter().map(shape).collect::<Vec<_>>()}))
            }
            "DeleteFaults" => {
                let ids = input.peek("FaultIds").is_some().then(|| input.strings("FaultIds")).transpose()?;
                input.finish()?;
                let deleted = match ids {
                    None => self.clear(),
                    Some(ids) => ids.iter().filter(|id| self.remove(id)).count(),
                };
                Ok(json!({"Deleted": deleted}))
            }
            _ => Err(ServiceError::unknown_operation("Tailwater", operation)),
        }
    }
}

fn order(mut input: Input) -> ServiceResult<Order> {
    let fault = match (input.structure("Call")?, input.structure("Resource")?) {
        (Some(call), None) => Fault::Call(call_fault(call)?),
        (None, Some(resource)) => Fault::Resource(resource_fault(resource)?),
        _ => return Err(invalid("PutFault takes one of Call and Resource.")),
    };
    let skip = count(&mut input, "Skip")?.unwrap_or_default();
    let until_cleared = input.boolean("UntilCleared")?.unwrap_or_default();
    let times = match count(&mut input, "Count")? {
        Some(_) if until_cleared => return Err(invalid("PutFault takes one of Count and UntilCleared.")),
        None if until_cleared => Times::UntilCleared,
        count => Times::Count(count.unwrap_or(1)),
    };
    input.finish()?;
    Ok(Order { fault, skip, times })
}

fn call_fault(mut input: Input) -> ServiceResult<CallFault> {
    let (service, operation) = (input.required("Service")?, input.required("Operation")?);
    let effect = match (input.structure("Error")?, delay(&mut input)?, input.string("Close")?) {
        (Some(mut error), None, None) => {
            let (code, message) = (error.required("Code")?, error.string("Message")?.unwrap_or_default());
            let status = count(&mut error, "Status")?.unwrap_or(400);
            error.finish()?;
            CallEffect::Error { status: u16::try_from(status).unwrap_or(u16::MAX), code, message }
        }
        (None, Some(delay), None) => CallEffect::Delay(delay),
        (None, None, Some(when)) if when == "BEFORE" => CallEffect::CloseBefore,
        (None, None, Some(when)) if when == "AFTER" => CallEffect::CloseAfter,
        (None, None, Some(when)) => return Err(invalid(format!("Close is BEFORE or AFTER, not {when}."))),
        _ => return Err(invalid("A fault of a call takes one of Error, DelayMilliseconds and Close.")),
    };
    input.finish()?;
    Ok(CallFault { service, operation, effect })
}

fn resource_fault(mut input: Input) -> ServiceResult<ResourceFault> {
    let (stack_name, resource) = (input.string("StackName")?, input.required("Resource")?);
    let action = match input.required("Action")?.as_str() {
        "CREATE" => Action::Create,
        "UPDATE" => Action::Update,
        "DELETE" => Action::Delete,
        "IMPORT" => Action::Import,
        other => return Err(invalid(format!("Action is CREATE, UPDATE, DELETE or IMPORT, not {other}."))),
    };
    let effect = match (input.string("Reason")?, delay(&mut input)?) {
        (Some(reason), None) => ResourceEffect::Fail { reason },
        (None, Some(delay)) => ResourceEffect::Delay(delay),
        _ => return Err(invalid("A fault of a resource takes one of Reason and DelayMilliseconds.")),
    };
    input.finish()?;
    Ok(ResourceFault { stack_name, resource, action, effect })
}

fn delay(input: &mut Input) -> ServiceResult<Option<Duration>> {
    Ok(count(input, "DelayMilliseconds")?.map(|milliseconds| Duration::from_millis(milliseconds.into())))
}

fn count(input: &mut Input, name: &str) -> ServiceResult<Option<u32>> {
    let operation = input.operation().to_owned();
    let number = input.integer(name)?;
    number
        .map(|number| {
            u32::try_from(number).map_err(|_| invalid(format!("{name} of {operation} is 0 or more, not {number}.")))
        })
        .transpose()
}

/// An order that stands, as it is listed.
fn shape(standing: &Standing) -> Value {
    let mut shape = json!({"FaultId": standing.id, "Skip": standing.order.skip, "Met": standing.met});
    match standing.order.times {
        Times::Count(left) => shape["Count"] = left.into(),
        Times::UntilCleared => shape["UntilCleared"] = true.into(),
    }
    match &standing.order.fault {
        Fault::Call(fault) => {
            let mut call = json!({"Service": fault.service, "Operation": fault.operation});
            match &fault.effect {
                CallEffect::Error { status, code, message } => {
                    call["Error"] = json!({"Code": code, "Message": message, "Status": status});
                }
                CallEffect::Delay(delay) => call["DelayMilliseconds"] = milliseconds(*delay),
                CallEffect::CloseBefore => call["Close"] = "BEFORE".into(),
                CallEffect::CloseAfter => call["Close"] = "AFTER".into(),
            }
            shape["Call"] = call;
        }
        Fault::Resource(fault) => {
            let action = match fault.action {
                Action::Create => "CREATE",
                Action::Update => "UPDATE",
                Action::Delete => "DELETE",
                Action::Import => "IMPORT",
            };
            let mut resource = json!({"Resource": fault.resource, "Action": action});
            if let Some(stack_name) = &fault.stack_name {
                resource["StackName"] = stack_name.as_str().into();
            }
            match &fault.effect {
                ResourceEffect::Fail { reason } => resource["Reason"] = reason.as_str().into(),
                ResourceEffect::Delay(delay) => resource["DelayMilliseconds"] = milliseconds(*delay),
            }
            shape["Resource"] = resource;
        }
    }
    shape
}

fn milliseconds(delay: Duration) -> Value {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).into()
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("ValidationException", message)
}
