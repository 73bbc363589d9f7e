//! What the tests of the real binary share: a user of its own for each, and a terminal.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod cloud;
pub mod screen;

use std::{
    path::Path,
    process::{Command, Output},
};

#[allow(unused_imports, reason = "not every test runs a cloud of its own")]
pub use cloud::Cloud;
use portable_pty::CommandBuilder;
use screen::Screen;

/// A user of its own: no other test's embedded cloud is joined.
pub struct User {
    folder: tempfile::TempDir,
}

impl User {
    /// A new one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let below = |name: &str| self.folder.path().join(name).display().to_string();
        vec![
            ("XDG_RUNTIME_DIR", below("run")),
            ("XDG_STATE_HOME", below("state")),
            ("XDG_DATA_HOME", below("data")),
            ("HOME", below("home")),
            // The local target ignores it.
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
        ]
    }

    /// A command of this user.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
        command.args(arguments).envs(self.variables()).env_remove("TAILWATER_TARGET");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs the terminal app on a screen of this size.
    pub fn app(&self, arguments: &[&str], columns: u16, rows: u16) -> Screen {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tailwater"));
        command.args(arguments);
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.cwd(self.folder.path());
        Screen::start(command, columns, rows)
    }

    /// The user's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The last line of standard output as JSON.
pub fn last_json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_else(|| panic!("no output; {}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Gives the embedded cloud an order of its own service, `PutFault` or the like, and its answer.
pub async fn order(config: &aws_config::SdkConfig, operation: &str, body: &str) -> String {
    use aws_credential_types::provider::ProvideCredentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};

    let url = config.endpoint_url().expect("an endpoint");
    let target = format!("Tailwater.{operation}");
    let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
    let provider = config.credentials_provider().expect("credentials");
    let identity = provider.provide_credentials().await.expect("credentials").into();
    let parameters = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region(config.region().expect("a region").as_ref())
        .name("tailwater")
        .time(std::time::SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("whole")
        .into();
    let request = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
    let (instructions, _) = sign(request.expect("signable"), &parameters).expect("signed").into_parts();
    let mut post = reqwest::Client::new().post(url).body(body.to_owned());
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        post = post.header(name, value);
    }
    let answer = post.send().await.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.expect("its text");
    assert!(status.is_success(), "{operation} {body}: {status} {text}");
    text
}
