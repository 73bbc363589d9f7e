//! Orders as the cloud takes and lists them: the shapes of `Tailwater.PutFault` and `ListFaults`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Kind, Order};

/// The type and message of the error that a function is made to answer with.
const THROWN: (&str, &str) = ("Tailwater.OrderedError", "ordered to fail by the fault `throw`");
/// What a stream that fails says.
const FAILED: &str = "Internal service failure";

/// An order that stands, as the cloud lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What names it.
    pub id: String,
    /// The order; `None`: one of another kind, which only programs give.
    pub order: Option<Order>,
    /// What it is, in words.
    pub words: String,
    /// How many have met it.
    pub met: u64,
}

impl Order {
    /// The input of `Tailwater.PutFault`.
    pub fn to_wire(&self) -> Value {
        let amount = || milliseconds(self.amount.unwrap_or_default());
        let (member, of, mut fault) = match self.kind {
            Kind::Api503 => ("Api", "ApiId", json!({"Status": 503, "When": "BEFORE"})),
            Kind::Api500 => ("Api", "ApiId", json!({"Status": 500, "When": "BEFORE"})),
            Kind::ApiLost => ("Api", "ApiId", json!({"Status": 503, "When": "AFTER"})),
            Kind::Crash => ("Function", "FunctionName", json!({"Crash": "BEFORE"})),
            Kind::CrashAfter => ("Function", "FunctionName", json!({"Crash": "AFTER"})),
            Kind::Timeout => ("Function", "FunctionName", json!({"Timeout": "BEFORE"})),
            Kind::Slow => ("Function", "FunctionName", json!({"DelayMilliseconds": amount()})),
            Kind::Throw => ("Function", "FunctionName", json!({"Error": {"Type": THROWN.0, "Message": THROWN.1}})),
            Kind::KinesisThrottle => ("Stream", "StreamName", json!({"Throttle": true})),
            Kind::KinesisRefuse => {
                let error = json!({"Code": "AccessDeniedException", "Message": "", "Status": 400});
                ("Stream", "StreamName", json!({"Error": error}))
            }
            Kind::KinesisFail => {
                let error = json!({"Code": "InternalFailure", "Message": FAILED, "Status": 500});
                ("Stream", "StreamName", json!({"Error": error}))
            }
            Kind::FirehoseDelay => ("Delivery", "DeliveryStreamName", json!({"DelayMilliseconds": amount()})),
            Kind::FirehoseTwice => ("Delivery", "DeliveryStreamName", json!({"Twice": true})),
            Kind::FirehoseRefused => {
                ("Delivery", "DeliveryStreamName", json!({"Error": {"Code": "AccessDenied", "Message": ""}}))
            }
        };
        if let Some(name) = &self.of {
            fault[of] = name.as_str().into();
        }
        let mut order = json!({member: fault, "Percent": self.percent});
        match self.count {
            Some(count) => order["Count"] = count.into(),
            None => order["UntilCleared"] = true.into(),
        }
        if let Some(lasts) = self.lasts {
            order["ForMilliseconds"] = milliseconds(lasts).into();
        }
        order
    }

    /// The order that a listed fault is; `None`: none of those that have a name.
    fn of_wire(fault: &Map<String, Value>) -> Option<Self> {
        let (member, of) = [
            ("Api", "ApiId"),
            ("Function", "FunctionName"),
            ("Stream", "StreamName"),
            ("Delivery", "DeliveryStreamName"),
        ]
        .into_iter()
        .find(|(member, _)| fault.contains_key(*member))?;
        let mut shape = fault.get(member)?.as_object()?.clone();
        let name = shape.remove(of).and_then(|name| name.as_str().map(str::to_owned));
        let number = |shape: &Map<String, Value>, name: &str| shape.get(name).and_then(Value::as_u64);
        let delay = number(&shape, "DelayMilliseconds");
        let kind = Kind::ALL.into_iter().find(|kind| {
            let wire = Self::new(*kind).to_wire();
            let Some(Value::Object(known)) = wire.get(member) else { return false };
            if delay.is_some() { known.contains_key("DelayMilliseconds") } else { *known == shape }
        })?;
        Some(Self {
            kind,
            amount: delay.map(Duration::from_millis),
            percent: number(fault, "Percent").and_then(|percent| u8::try_from(percent).ok()).unwrap_or(100),
            count: number(fault, "Count").and_then(|count| u32::try_from(count).ok()),
            lasts: number(fault, "ForMilliseconds").map(Duration::from_millis),
            of: name,
        })
    }
}

impl Standing {
    /// What `Tailwater.ListFaults` answered; `None`: it is no such answer.
    pub fn read(answer: &Value) -> Option<Vec<Self>> {
        let faults = answer.get("Faults")?.as_array()?;
        faults.iter().map(|fault| Self::of(fault.as_object()?)).collect()
    }

    fn of(fault: &Map<String, Value>) -> Option<Self> {
        let order = Order::of_wire(fault);
        let words = order.as_ref().map_or_else(|| other_words(fault), Order::words);
        let id = fault.get("FaultId")?.as_str()?.to_owned();
        let met = fault.get("Met").and_then(Value::as_u64).unwrap_or_default();
        Some(Self { id, order, words, met })
    }
}

/// A fault that has no name here: `call firehose CreateDeliveryStream`, `resource Stream CREATE`.
fn other_words(fault: &Map<String, Value>) -> String {
    let text = |member: &str, name: &str| {
        fault.get(member).and_then(|shape| shape.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if fault.contains_key("Call") {
        format!("call {} {}", text("Call", "Service"), text("Call", "Operation"))
    } else if fault.contains_key("Resource") {
        format!("resource {} {}", text("Resource", "Resource"), text("Resource", "Action"))
    } else {
        let member = ["Api", "Function", "Stream", "Delivery"].into_iter().find(|member| fault.contains_key(*member));
        member.unwrap_or("fault").to_ascii_lowercase()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::parse;

    /// As the cloud lists what it was given.
    fn listed(order: &Order) -> Value {
        let mut fault = order.to_wire();
        fault["FaultId"] = "id".into();
        fault["Met"] = 3.into();
        fault["Skip"] = 0.into();
        json!({"Faults": [fault]})
    }

    #[test]
    fn every_order_is_known_again_when_it_is_listed() {
        for kind in Kind::ALL {
            let mut order = Order::new(kind);
            let standing = Standing::read(&listed(&order)).unwrap().remove(0);
            assert_eq!(standing.order.as_ref(), Some(&order));
            assert_eq!((standing.id.as_str(), standing.met), ("id", 3));
            order = parse(&format!("{}=20%,5x,for=2m,of=mine", kind.name())).unwrap().remove(0);
            order.amount = order.amount.map(|_| Duration::from_secs(7));
            assert_eq!(Standing::read(&listed(&order)).unwrap()[0].order.as_ref(), Some(&order));
        }
    }

    #[test]
    fn an_order_of_a_program_is_told_in_words() {
        let answer = json!({"Faults": [
            {"FaultId": "1", "Met": 0, "Count": 1, "Call": {"Service": "iam", "Operation": "*", "Close": "AFTER"}},
            {"FaultId": "2", "Met": 0, "Count": 1, "Resource": {"Resource": "Stream", "Action": "CREATE", "Reason": "no"}},
            {"FaultId": "3", "Met": 0, "Count": 1, "Stream": {"Error": {"Code": "Other", "Message": "m", "Status": 400}}},
        ]});
        let standing = Standing::read(&answer).unwrap();
        let words: Vec<&str> = standing.iter().map(|standing| standing.words.as_str()).collect();
        assert_eq!(words, ["call iam *", "resource Stream CREATE", "stream"]);
        assert!(standing.iter().all(|standing| standing.order.is_none()));
        assert_eq!(Standing::read(&json!({"message": "no"})), None);
    }
}
