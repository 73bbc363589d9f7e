//! The terminal app on `--target aws`, as the real binary in a pseudo-terminal, against an embedded cloud
//! of another process that plays AWS.
#![cfg(all(unix, feature = "local"))]

mod common;

use std::{io::Write, path::PathBuf};

use common::{Cloud, User, screen::Screen};

/// A cloud that plays AWS, and a user with its keys.
struct Aws {
    cloud: Cloud,
    user: User,
    /// A package whose function is this program, as on the local target.
    zip: PathBuf,
}

impl Aws {
    fn new() -> Self {
        // The cloud is another user's: nothing joins it by its registration.
        let other = User::new();
        let cloud = Cloud::start(&other);
        let user = User::new();
        let zip = user.folder().join("code.zip");
        let mut writer = zip::ZipWriter::new(std::fs::File::create(&zip).expect("a file"));
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file("bootstrap", options).expect("an entry");
        writeln!(writer, "#!/bin/sh\nexec '{}' __function", env!("CARGO_BIN_EXE_tailwater")).expect("its content");
        writer.finish().expect("a zip");
        Self { cloud, user, zip }
    }

    fn app(&self, more: &[&str]) -> Screen {
        let mut command = portable_pty::CommandBuilder::new(env!("CARGO_BIN_EXE_tailwater"));
        command.args(["--target", "aws", "--endpoint-url", self.cloud.text("endpointUrl")]);
        command.args(["--region", self.cloud.text("region")]);
        command.args(more);
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", self.cloud.text("accessKeyId")),
            ("AWS_SECRET_ACCESS_KEY", self.cloud.text("secretAccessKey")),
            ("TERM", "xterm-256color"),
        ] {
            command.env(name, value);
        }
        for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(name, self.user.folder().join(name));
        }
        for name in ["AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"] {
            command.env_remove(name);
        }
        command.cwd(self.user.folder());
        Screen::start(command, 160, 50)
    }
}

#[test]
fn the_whole_way_of_a_stack_in_the_app() {
    let aws = Aws::new();
    let zip = aws.zip.to_str().expect("a path").to_owned();
    let mut app = aws.app(&["--handler-zip", &zip, "--param", "BufferIntervalSeconds=1"]);

    // Who and where, before anything is changed.
    let found = app.until("that there is no stack", |text| text.contains("none") && text.contains("You: "));
    assert!(found.contains("AWS · 0000…0000 · ap-southeast-2"), "{found}");
    assert!(found.contains("root") && found.contains(aws.cloud.text("endpointUrl")), "{found}");

    app.keys("6d");
    let asked = app.until_shows("resources will be made");
    assert!(asked.contains("Create stack tailwater?") && asked.contains("In account 000000000000"), "{asked}");
    app.keys("y");
    app.until("the chart", |text| text.contains("DeliveryStream") && text.contains('├'));
    app.until_shows("Deployed in");

    app.keys("0");
    app.until_shows("4 Objects");
    app.keys("s");
    let asked = app.until_shows("Send to account 000000000000");
    assert!(!asked.contains("202 in"), "{asked}");
    app.keys("y");
    app.until_shows("202 in");
    app.until_shows("1 in S3");

    app.keys("6D");
    let asked = app.until_shows("What is lost");
    assert!(asked.contains("api-kinesis-firehose-bucket") && asked.contains("DELETED"), "{asked}");
    app.keys("\r");
    // What comes as one burst is a paste, and a paste agrees to nothing: Enter is a key of its own.
    app.until_shows("Type tailwater:");
    app.keys("another");
    app.until_shows("Type tailwater: another");
    app.keys("\r");
    app.until_shows("not the stack's name");
    app.keys("\r");
    app.until_shows("Type tailwater:");
    app.keys("tailwater");
    app.until_shows("Type tailwater: tailwater");
    app.keys("\r");
    app.until_shows("The stack is deleted, left in the account");
    app.keys("0q");
    assert_eq!(app.end(), 0);
}

#[test]
fn what_somebody_else_deploys_shows_by_itself() {
    let aws = Aws::new();
    let app = aws.app(&[]);
    app.until("that there is no stack", |text| text.contains("none") && text.contains("You: "));
    let zip = aws.zip.to_str().expect("a path");
    let mut deploy = aws.user.command(&["deploy", "--target", "aws", "--yes", "--handler-zip", zip]);
    deploy
        .args(["--endpoint-url", aws.cloud.text("endpointUrl"), "--region", aws.cloud.text("region")])
        .env("AWS_ACCESS_KEY_ID", aws.cloud.text("accessKeyId"))
        .env("AWS_SECRET_ACCESS_KEY", aws.cloud.text("secretAccessKey"))
        .env_remove("AWS_PROFILE");
    let deployed = deploy.output().expect("the binary runs");
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    app.until_shows("stack tailwater ✓ CREATE_COMPLETE");
    app.until_shows("4 Objects");
}

#[test]
fn what_is_named_is_only_watched() {
    let aws = Aws::new();
    let mut app = aws.app(&["--watch-stream", "orders", "--watch-log-group", "/aws/lambda/orders"]);
    let found = app.until_shows("4 Objects");
    assert!(found.contains("orders, named one by one: only watched"), "{found}");
    app.keys("s");
    app.until_shows("sends nothing to it");
}
