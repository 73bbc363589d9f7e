//! `tailwater doctor`, as the real binary.

mod common;

use common::{User, last_json};
use serde_json::Value;

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[test]
fn on_a_machine_that_is_well_nothing_fails() {
    let user = User::new();
    let mut command = user.command(&["doctor", "--output", "json"]);
    command.env_remove("AWS_CA_BUNDLE").env_remove("HTTPS_PROXY").env_remove("HTTP_PROXY");
    let output = command.output().expect("the binary runs");
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    for name in ["local cloud", "identity", "endpoint", "clock", "permissions", "stack name", "shards", "artifact"] {
        assert_eq!(check(&report, name)["ok"], true, "{report}");
    }
}

#[test]
fn without_region_and_credentials_the_rest_is_still_said() {
    let user = User::new();
    let mut command = user.command(&["doctor", "--target", "aws", "--output", "json"]);
    // Nobody listens there, so that nothing of this leaves the machine.
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").env("AWS_EC2_METADATA_DISABLED", "true");
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(name);
    }
    let output = command.output().expect("the binary runs");
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    for name in ["region", "identity", "endpoint"] {
        let check = check(&report, name);
        assert_eq!(check["ok"], false, "{report}");
        assert!(check["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{report}");
    }
    for name in ["clock", "permissions", "names", "quotas"] {
        assert_eq!(check(&report, name)["ok"], Value::Null, "{report}");
    }
    check(&report, "artifact");
}
