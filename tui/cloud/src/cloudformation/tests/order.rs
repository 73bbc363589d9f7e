//! The order in which a template writes things down decides nothing.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Fixture, thing};

/// A few things that need each other, with every kind of reference.
fn resources() -> Vec<(&'static str, Value)> {
    let mut waits = thing(json!({"Value": "w"}));
    waits["DependsOn"] = json!(["A", "D"]);
    vec![
        ("A", thing(json!({"Value": "a"}))),
        ("B", thing(json!({"Value": {"Ref": "A"}}))),
        ("C", thing(json!({"Value": {"Fn::Sub": "${A.Arn}-${B}"}}))),
        ("D", thing(json!({"Value": {"Fn::Join": ["/", [{"Fn::GetAtt": ["B", "Value"]}, "x"]]}}))),
        ("W", waits),
    ]
}

/// Properties of every thing, with physical ids as their logical ones.
fn made(fixture: &Fixture) -> Map<String, Value> {
    let logical = |text: &str| {
        let mut plain = text.to_owned();
        for number in 1..10 {
            plain = plain.replace(&format!("-{number}"), "");
        }
        plain
    };
    fixture
        .script
        .things()
        .into_iter()
        .map(|(id, properties)| (logical(&id), Value::from(logical(&Value::Object(properties).to_string()))))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn shuffled_templates_make_the_same(order in Just(resources()).prop_shuffle()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (shuffled, plain) = runtime.block_on(async {
            let mut found = Vec::new();
            for resources in [order, resources()] {
                let fixture = Fixture::new();
                let resources: Map<String, Value> =
                    resources.into_iter().map(|(id, resource)| (id.to_owned(), resource)).collect();
                let status = fixture.create(&json!({"Resources": resources})).await;
                found.push((status, made(&fixture)));
            }
            let plain = found.pop().unwrap();
            (found.pop().unwrap(), plain)
        });
        prop_assert_eq!(&shuffled.0, "CREATE_COMPLETE");
        let sorted = |made: &Map<String, Value>| {
            made.iter().map(|(id, value)| (id.clone(), value.clone())).collect::<std::collections::BTreeMap<_, _>>()
        };
        prop_assert_eq!(sorted(&shuffled.1), sorted(&plain.1));
    }
}
