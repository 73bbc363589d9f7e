//! The orders over the wire: AWS JSON 1.0.

use std::time::Duration;

use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::{
    Action, ApiFault, CallEffect, CallFault, DeliveryEffect, DeliveryFault, Fault, Faults, FunctionEffect,
    FunctionFault, Order, RefusedOrder, ResourceEffect, ResourceFault, Standing, StreamEffect, StreamFault, Times,
    When,
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

/// The members that say what goes wrong, of which an order has one.
const KINDS: [&str; 6] = ["Call", "Resource", "Function", "Stream", "Delivery", "Api"];

fn order(mut input: Input) -> ServiceResult<Order> {
    let mut faults = Vec::new();
    for kind in KINDS {
        let Some(members) = input.structure(kind)? else { continue };
        faults.push(match kind {
            "Call" => Fault::Call(call_fault(members)?),
            "Resource" => Fault::Resource(resource_fault(members)?),
            "Function" => Fault::Function(function_fault(members)?),
            "Stream" => Fault::Stream(stream_fault(members)?),
            "Delivery" => Fault::Delivery(delivery_fault(members)?),
            _ => Fault::Api(api_fault(members)?),
        });
    }
    let (Some(fault), true) = (faults.pop(), faults.is_empty()) else {
        return Err(invalid("PutFault takes one of Call, Resource, Function, Stream, Delivery and Api."));
    };
    let skip = count(&mut input, "Skip")?.unwrap_or_default();
    let percent = count(&mut input, "Percent")?.unwrap_or(100);
    let lasts = count(&mut input, "ForMilliseconds")?.map(|time| Duration::from_millis(time.into()));
    let until_cleared = input.boolean("UntilCleared")?.unwrap_or_default();
    let times = match count(&mut input, "Count")? {
        Some(_) if until_cleared => return Err(invalid("PutFault takes one of Count and UntilCleared.")),
        Some(count) => Times::Count(count),
        None if until_cleared || lasts.is_some() => Times::UntilCleared,
        None => Times::Count(1),
    };
    input.finish()?;
    Ok(Order { fault, skip, times, percent: u8::try_from(percent).unwrap_or(u8::MAX), lasts })
}

fn function_fault(mut input: Input) -> ServiceResult<FunctionFault> {
    let function_name = input.string("FunctionName")?;
    let (crash, timeout) = (when(&mut input, "Crash")?, when(&mut input, "Timeout")?);
    let effect = match (crash, timeout, delay(&mut input)?, input.structure("Error")?) {
        (Some(when), None, None, None) => FunctionEffect::Crash(when),
        (None, Some(when), None, None) => FunctionEffect::Timeout(when),
        (None, None, Some(delay), None) => FunctionEffect::Delay(delay),
        (None, None, None, Some(mut error)) => {
            let (error_type, message) = (error.required("Type")?, error.string("Message")?.unwrap_or_default());
            error.finish()?;
            FunctionEffect::Error { error_type, message }
        }
        _ => return Err(invalid("A fault of a function takes one of Crash, Timeout, DelayMilliseconds and Error.")),
    };
    input.finish()?;
    Ok(FunctionFault { function_name, effect })
}

fn stream_fault(mut input: Input) -> ServiceResult<StreamFault> {
    let stream_name = input.string("StreamName")?;
    let effect = match (flag(&mut input, "Throttle")?, input.structure("Error")?) {
        (true, None) => StreamEffect::Throttle,
        (false, Some(error)) => {
            let (status, code, message) = error_members(error)?;
            StreamEffect::Error { status, code, message }
        }
        _ => return Err(invalid("A fault of a stream takes one of Throttle and Error.")),
    };
    input.finish()?;
    Ok(StreamFault { stream_name, effect })
}

fn delivery_fault(mut input: Input) -> ServiceResult<DeliveryFault> {
    let delivery_stream_name = input.string("DeliveryStreamName")?;
    let effect = match (delay(&mut input)?, flag(&mut input, "Twice")?, input.structure("Error")?) {
        (Some(delay), false, None) => DeliveryEffect::Delay(delay),
        (None, true, None) => DeliveryEffect::Twice,
        (None, false, Some(mut error)) => {
            let (code, message) = (error.required("Code")?, error.string("Message")?.unwrap_or_default());
            error.finish()?;
            DeliveryEffect::Error { code, message }
        }
        _ => return Err(invalid("A fault of a delivery takes one of DelayMilliseconds, Twice and Error.")),
    };
    input.finish()?;
    Ok(DeliveryFault { delivery_stream_name, effect })
}

fn api_fault(mut input: Input) -> ServiceResult<ApiFault> {
    let api_id = input.string("ApiId")?;
    let status = count(&mut input, "Status")?.ok_or_else(|| invalid("A fault of an API takes Status: 500 or 503."))?;
    let when = when(&mut input, "When")?.unwrap_or(When::Before);
    input.finish()?;
    Ok(ApiFault { api_id, status: u16::try_from(status).unwrap_or(u16::MAX), when })
}

fn when(input: &mut Input, name: &str) -> ServiceResult<Option<When>> {
    match input.string(name)?.as_deref() {
        None => Ok(None),
        Some("BEFORE") => Ok(Some(When::Before)),
        Some("AFTER") => Ok(Some(When::After)),
        Some(other) => Err(invalid(format!("{name} is BEFORE or AFTER, not {other}."))),
    }
}

fn when_word(when: When) -> &'static str {
    match when {
        When::Before => "BEFORE",
        When::After => "AFTER",
    }
}

/// A member that is `true` or absent.
fn flag(input: &mut Input, name: &str) -> ServiceResult<bool> {
    match input.boolean(name)? {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => Err(invalid(format!("{name} is true or absent."))),
    }
}

fn error_members(mut error: Input) -> ServiceResult<(u16, String, String)> {
    let (code, message) = (error.required("Code")?, error.string("Message")?.unwrap_or_default());
    let status = count(&mut error, "Status")?.unwrap_or(400);
    error.finish()?;
    Ok((u16::try_from(status).unwrap_or(u16::MAX), code, message))
}

fn call_fault(mut input: Input) -> ServiceResult<CallFault> {
    let (service, operation) = (input.required("Service")?, input.required("Operation")?);
    let effect = match (input.structure("Error")?, delay(&mut input)?, input.string("Close")?) {
        (Some(error), None, None) => {
            let (status, code, message) = error_members(error)?;
            CallEffect::Error { status, code, message }
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
    if standing.order.percent < 100 {
        shape["Percent"] = standing.order.percent.into();
    }
    if let Some(left) = standing.order.lasts {
        shape["ForMilliseconds"] = milliseconds(left);
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
        Fault::Function(fault) => {
            let mut function = named("FunctionName", fault.function_name.as_deref());
            match &fault.effect {
                FunctionEffect::Crash(when) => function["Crash"] = when_word(*when).into(),
                FunctionEffect::Timeout(when) => function["Timeout"] = when_word(*when).into(),
                FunctionEffect::Delay(delay) => function["DelayMilliseconds"] = milliseconds(*delay),
                FunctionEffect::Error { error_type, message } => {
                    function["Error"] = json!({"Type": error_type, "Message": message});
                }
            }
            shape["Function"] = function;
        }
        Fault::Stream(fault) => {
            let mut stream = named("StreamName", fault.stream_name.as_deref());
            match &fault.effect {
                StreamEffect::Throttle => stream["Throttle"] = true.into(),
                StreamEffect::Error { status, code, message } => {
                    stream["Error"] = json!({"Code": code, "Message": message, "Status": status});
                }
            }
            shape["Stream"] = stream;
        }
        Fault::Delivery(fault) => {
            let mut delivery = named("DeliveryStreamName", fault.delivery_stream_name.as_deref());
            match &fault.effect {
                DeliveryEffect::Delay(delay) => delivery["DelayMilliseconds"] = milliseconds(*delay),
                DeliveryEffect::Twice => delivery["Twice"] = true.into(),
                DeliveryEffect::Error { code, message } => {
                    delivery["Error"] = json!({"Code": code, "Message": message});
                }
            }
            shape["Delivery"] = delivery;
        }
        Fault::Api(fault) => {
            let mut api = named("ApiId", fault.api_id.as_deref());
            api["Status"] = fault.status.into();
            api["When"] = when_word(fault.when).into();
            shape["Api"] = api;
        }
    }
    shape
}

/// A shape that is narrowed to what has that name.
fn named(member: &str, name: Option<&str>) -> Value {
    name.map_or_else(|| json!({}), |name| json!({member: name}))
}

fn milliseconds(delay: Duration) -> Value {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).into()
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("ValidationException", message)
}
