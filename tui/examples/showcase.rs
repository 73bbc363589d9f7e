//! Makes what shows the program without running it: records a real run as the sample session, and draws
//! the README's pictures from that recording.
//!
//! `cargo build && cargo run --example showcase -p tailwater`

#[path = "../tests/common/screen.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod screen;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use portable_pty::CommandBuilder;
use screen::Screen;

const COLUMNS: u16 = 120;
const ROWS: u16 = 34;
/// Whoever watches needs a moment to see what a key did.
const LOOK: Duration = Duration::from_millis(1_500);

fn main() {
    let assets = PathBuf::from("assets");
    assert!(assets.is_dir(), "run it from the repository's own folder");
    // `target/debug/examples/showcase` stands below `target/debug/tailwater`.
    let here = std::env::current_exe().expect("this program's file");
    let binary = here.parent().and_then(Path::parent).expect("a build folder").join("tailwater");
    assert!(binary.exists(), "{} is not there: run `cargo build` first", binary.display());

    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("session.jsonl");
    let moments = record(&binary, folder.path(), &recording);
    let sample = assets.join("session.jsonl");
    let bytes = fs::read(&recording).expect("the recording");
    fs::write(&sample, bytes).expect("the sample is written");
    println!("{}, {} bytes", sample.display(), fs::metadata(&sample).expect("its size").len());
    for (name, at) in moments {
        let picture = assets.join(name).with_extension("svg");
        let at = format!("{}ms", at.as_millis());
        let size = format!("{COLUMNS}x{ROWS}");
        let drawn = Command::new(&binary)
            .args(["replay", "--at", &at, "--size", &size, "--picture"])
            .args([&picture, &sample])
            .status()
            .expect("the binary runs");
        assert!(drawn.success(), "{} was not drawn", picture.display());
        println!("{}, {at} from the start", picture.display());
    }
}

/// Runs the app as people do; gives the moments of which there are pictures.
fn record(binary: &Path, folder: &Path, recording: &Path) -> Vec<(&'static str, Duration)> {
    let mut command = CommandBuilder::new(binary);
    command.args(["--param", "BufferIntervalSeconds=5", "--record"]);
    command.arg(recording);
    command.cwd(folder);
    for variable in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME"] {
        command.env(variable, folder.join(variable));
    }
    command.env("TERM", "xterm-256color");
    command.env("TZ", "UTC");
    command.env_remove("NO_COLOR");
    command.env_remove("TAILWATER_TARGET");
    let mut app = Screen::start(command, COLUMNS, ROWS);
    let mut moments = Vec::new();
    // What stands on the screen was told before it was drawn.
    let mut moment = |name| {
        moments.push((name, since_start(recording)));
        look();
    };

    app.until_shows("Press s to send your first event");
    look();
    app.keys("6");
    app.until_shows("CREATE_COMPLETE");
    look();
    moment("stack");
    app.keys("0");
    look();
    for number in 1..=3 {
        app.keys("s");
        answered(&app, number, "✓ 202");
        look();
    }
    app.until_shows("3 in S3");
    look();
    app.keys("t");
    app.until_shows("Trace #3");
    look();
    moment("trace");
    app.keys("q");
    // What is no JSON: the app warns, the function refuses it.
    app.keys("e");
    app.until_shows("EDITING");
    app.keys("not JSON: ");
    look();
    app.keys("\x1b");
    app.until_shows("edit");
    look();
    app.keys("s");
    app.until_shows("Send again");
    look();
    app.keys("s");
    app.until_shows("400");
    look();
    // The next template is as it was.
    app.keys("l");
    look();
    for number in 5..=6 {
        app.keys("s");
        answered(&app, number, "✓ 202");
        look();
    }
    moment("overview");
    app.until_shows("5 in S3");
    look();
    // The function is made to crash: who sees that, and where?
    app.keys("B");
    app.until_shows("Break something");
    look();
    app.keys("\r");
    app.until_shows("FAULT ");
    look();
    app.keys("qs");
    answered(&app, 7, "✗");
    look();
    app.keys("t");
    app.until_shows("Trace #7");
    look();
    moment("fault");
    app.keys("q");
    app.keys("B");
    look();
    app.keys("x");
    app.until("nothing broken", |screen| screen.contains("nothing is broken"));
    app.keys("q");
    look();
    app.keys("q");
    app.until_shows("y/n");
    app.keys("y");
    app.end();
    moments
}

/// Waits for an event's answer in Send.
fn answered(app: &Screen, number: u64, sign: &str) {
    let (number, what) = (format!("#{number} "), format!("{sign} for #{number}"));
    app.until(&what, |text| text.lines().any(|line| line.contains(&number) && line.contains(sign)));
}

fn look() {
    std::thread::sleep(LOOK);
}

/// How long the recording runs: the time of its last line.
fn since_start(recording: &Path) -> Duration {
    let text = fs::read_to_string(recording).expect("the recording");
    let last = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).next_back();
    let millis = last.and_then(|line| line["ms"].as_u64()).expect("a line");
    Duration::from_millis(millis)
}
