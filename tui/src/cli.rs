//! The command line: arguments, exit codes.

use std::{num::NonZeroUsize, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use tailwater_core::app::{Speed, ThemeName};
#[cfg(feature = "local")]
use tailwater_core::faults::Order;

use crate::{
    commands::{self, End, Watch},
    runtime,
};

/// Deploys a streaming pipeline and lets you watch one event travel through it, live.
///
/// client -POST /submit-> API Gateway -> Lambda -> Kinesis -> Firehose -> S3
///
/// Without a command it is the terminal app. On the target `local` everything runs on this machine,
/// in this program: no AWS account, no Docker, no network.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = "Example: tailwater send --data '{\"event\":\"signup\"}'")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    /// Record the session to a new file, secrets masked: `tailwater replay FILE` plays it
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that stand before or after the command.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Global {
    /// Where the pipeline lives
    #[arg(long, global = true, value_enum, env = "TAILWATER_TARGET", default_value_t = Where::DEFAULT)]
    pub target: Where,
    /// With --target aws: an AWS-compatible endpoint for every service
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The AWS profile
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The AWS region [local: ap-southeast-2]
    #[arg(long, global = true, value_name = "NAME")]
    pub region: Option<String>,
    /// The CloudFormation stack
    #[arg(long, global = true, value_name = "NAME", default_value = "tailwater", value_parser = stack_name)]
    pub stack_name: String,
    /// A template parameter; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub param: Vec<(String, String)>,
    /// The function's code: a zip with a `bootstrap` for provided.al2023
    #[arg(long, global = true, value_name = "FILE")]
    pub handler_zip: Option<PathBuf>,
    /// The role that CloudFormation works with, in place of your own rights [default: the stack's]
    #[arg(long, global = true, value_name = "ARN", value_parser = role_arn)]
    pub role_arn: Option<String>,
    /// Watch this Kinesis stream instead of a stack; nothing is sent or changed (the app and `tail`)
    #[arg(long, global = true, value_name = "NAME")]
    pub watch_stream: Option<String>,
    /// Watch this log group instead of a stack's; may be repeated
    #[arg(long, global = true, value_name = "NAME")]
    pub watch_log_group: Vec<String>,
    /// Watch this bucket, where Firehose delivers, instead of a stack's
    #[arg(long, global = true, value_name = "NAME")]
    pub watch_bucket: Option<String>,
    /// What the keys in that bucket begin with, as Firehose's setting has it, before `YYYY/MM/dd/HH/`
    #[arg(long, global = true, value_name = "PREFIX")]
    pub watch_prefix: Option<String>,
    /// json: one JSON object, or one per line for streams, on stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Records by enhanced fan-out, as they are put; on aws 0.015 USD per shard-hour and 0.013 per GB
    #[arg(long, global = true)]
    pub fan_out: bool,
    /// Logs by Live Tail, once a second; on aws 0.01 USD per minute
    #[arg(long, global = true, alias = "live")]
    pub live_tail: bool,
    /// Do not ask (only ever asked on aws)
    #[arg(long, global = true)]
    pub yes: bool,
    /// Break something in the local cloud, as crash=20%; `tailwater fault --help` lists the faults. May
    /// be repeated
    #[cfg(feature = "local")]
    #[arg(long, global = true, value_name = "NAME[=VALUE][,…]", value_parser = faults)]
    pub fault: Vec<Faults>,
    /// Colours of the terminal app: auto, dark, light, contrast, mono
    #[arg(long, value_name = "NAME", value_parser = theme)]
    pub theme: Option<ThemeName>,
    /// Whether events move along the terminal app's strip
    #[arg(long, value_enum)]
    pub motion: Option<Switch>,
    /// The terminal app for a projector, from 60x18 on: large, slow, secrets masked
    #[arg(long)]
    pub present: bool,
}

/// One of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is so
    On,
    /// It is not so
    Off,
}

/// The orders of one `--fault`.
#[cfg(feature = "local")]
#[derive(Debug, Clone)]
pub struct Faults(pub Vec<Order>);

impl Global {
    /// What is only watched, in place of a stack.
    pub fn watch(&self) -> Option<Watch> {
        let watch = Watch {
            stream: self.watch_stream.clone(),
            log_groups: self.watch_log_group.clone(),
            bucket: self.watch_bucket.clone(),
            prefix: self.watch_prefix.clone(),
        };
        (watch != Watch::default()).then_some(watch)
    }

    /// What the screen calls what it shows: the stack's name, or that of what is watched instead.
    pub fn shown_name(&self) -> String {
        let watched = self.watch_stream.as_ref().or(self.watch_bucket.as_ref()).or(self.watch_log_group.first());
        watched.unwrap_or(&self.stack_name).clone()
    }
}

/// Where the pipeline lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// The embedded cloud, on this machine
    #[cfg(feature = "local")]
    Local,
    /// AWS, or the endpoint given
    Aws,
}

impl Where {
    #[cfg(feature = "local")]
    const DEFAULT: Self = Self::Local;
    #[cfg(not(feature = "local"))]
    const DEFAULT: Self = Self::Aws;
}

/// For whom the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// People
    Text,
    /// Programs
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the embedded cloud, empty, in the foreground, for the AWS CLI, SDKs and curl
    #[cfg(feature = "local")]
    #[command(
        after_help = "Example: tailwater local --output json",
        after_long_help = format!("{}\nExample: tailwater local --fault crash=20%", tailwater_core::faults::help())
    )]
    Local(LocalArgs),
    /// Break something in the local cloud that runs, or mend it: from a second terminal
    #[cfg(feature = "local")]
    #[command(
        after_help = format!("{}\nExample: tailwater fault crash=20%,for=2m", tailwater_core::faults::help())
    )]
    Fault(FaultArgs),
    /// Deploy the pipeline, or update it
    #[command(after_help = "Example: tailwater deploy --param ThrottleRate=200")]
    Deploy(DeployArgs),
    /// Say how the stack is and what its outputs are
    #[command(after_help = "Example: tailwater status --output json")]
    Status,
    /// Post events to the pipeline
    #[command(after_help = "Placeholders in the body: {{uuid}} {{now}} {{seq}} {{int A B}} {{pick a b c}}\n\n\
                      Example: tailwater send --data '{\"event\":\"signup\",\"user_id\":{{int 1 999}}}' --count 10 --rate 2")]
    Send(SendArgs),
    /// Follow what arrives: records, logs, objects, stack events, or all
    #[command(after_help = "Example: tailwater tail records --from-start --limit 10")]
    Tail(TailArgs),
    /// Send distinct events and wait until each was seen at every hop
    #[command(after_help = "Example: tailwater smoke --events 20 --timeout 50s")]
    Smoke(SmokeArgs),
    /// Find one event and show its way through the hops: when it was where, and why no further
    #[command(
        after_help = "The id is the API's request id, Lambda's, or the record's sequence number, as `send`, answers and\n\
                      log lines name it; a part of the body is found too, by reading.\n\n\
                      Example: tailwater trace Yx3kAbCdSwMEJZw= --since 2h"
    )]
    Trace(TraceArgs),
    /// Take the pipeline down, its data included
    #[command(after_help = "Example: tailwater destroy")]
    Destroy {
        /// Leave the bucket and its objects
        #[arg(long)]
        keep_data: bool,
        /// Do not wait for Firehose to deliver what it buffers: that is lost
        #[arg(long)]
        now: bool,
        /// Delete the function's code too, and the artifact bucket where no other stack uses it
        #[arg(long)]
        artifacts: bool,
        /// Let the stack go without what CloudFormation cannot delete: that stays in the account
        #[arg(long)]
        retain_stuck: bool,
    },
    /// Replay a recorded session without any cloud, or draw it to a file
    #[command(after_help = "Keys: P pause, < > five seconds back and on, { } speed, ^ from the start, \
                      ~ the recorded view after your own\n\n\
                      Example: tailwater replay session.jsonl --picture overview.svg --at 12s --size 120x40")]
    Replay(ReplayArgs),
    /// Look at all that a deployment needs, without changing anything: identity, region, permissions,
    /// names, quotas, the function's package, clock, terminal
    #[command(after_help = "Example: tailwater doctor --target aws --region ap-southeast-2")]
    Doctor,
    /// Print the bundled CloudFormation template
    #[command(after_help = "Example: tailwater template > template.yaml")]
    Template,
    /// Print completions for a shell
    #[command(
        after_help = "Example: tailwater completions bash > ~/.local/share/bash-completion/completions/tailwater"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `tailwater local`
#[cfg(feature = "local")]
#[derive(Debug, Args)]
pub struct LocalArgs {
    /// The port of the endpoint that serves every service [default: a free one]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// The port of the HTTP API [default: 3000, or the next free one]
    #[arg(long, value_name = "N")]
    pub gateway_port: Option<u16>,
    /// Keep objects in this folder [default: a temporary one that goes with the cloud]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The per-shard limits of Kinesis: as on AWS, or lifted
    #[arg(long, value_enum, default_value_t = Limits::Aws)]
    pub limits: Limits,
}

/// `tailwater fault`
#[cfg(feature = "local")]
#[derive(Debug, Args)]
pub struct FaultArgs {
    /// `list` says what is on, `clear` turns all off, `clear NAME…` those; else faults to turn on
    #[arg(value_name = "list|clear|NAME[=VALUE][,…]", default_value = "list")]
    pub words: Vec<String>,
}

/// The per-shard limits of Kinesis.
#[cfg(feature = "local")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Limits {
    /// As on AWS
    Aws,
    /// Lifted
    Off,
}

/// `tailwater deploy`
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// Stop after the preview of the changes
    #[arg(long)]
    pub dry_run: bool,
    /// A tag of the stack and its resources, kept with those it has; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub tag: Vec<(String, String)>,
    /// A stack whose last operation failed with rollback disabled goes back first, not on from there
    #[arg(long)]
    pub roll_back: bool,
    /// With --yes: agree to what the preview says is lost, such as a stream's records, too
    #[arg(long)]
    pub allow_loss: bool,
}

/// `tailwater send`
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The event's JSON [default: a sign-up event]
    #[arg(long, value_name = "JSON", conflicts_with = "file")]
    pub data: Option<String>,
    /// A file with the event's JSON; `-` reads standard input
    #[arg(long, value_name = "FILE|-")]
    pub file: Option<PathBuf>,
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: u64,
    /// Events a second [default: as fast as answers come]
    #[arg(long, value_name = "R", value_parser = rate)]
    pub rate: Option<f64>,
    /// Requests under way at once
    #[arg(long, value_name = "C")]
    pub concurrency: Option<NonZeroUsize>,
    /// A further header; may be repeated
    #[arg(long, value_name = "NAME:VALUE")]
    pub header: Vec<String>,
    /// A token for `AuthMode` JWT
    #[arg(long, value_name = "TOKEN", env = "TAILWATER_BEARER", hide_env_values = true)]
    pub bearer: Option<String>,
    /// Follow each event until it is in S3, and show its trace
    #[arg(long)]
    pub wait: bool,
    /// With --wait: give up after this long
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration, requires = "wait")]
    pub timeout: Duration,
}

/// `tailwater trace`
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// The API's request id, the record's sequence number, or a part of the body
    #[arg(value_name = "API_REQUEST_ID|SEQUENCE_NUMBER")]
    pub id: String,
    /// Look back this far [default: as far as the logs are kept]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// Follow it this long at most, where it is not in S3 yet
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub timeout: Duration,
}

/// `tailwater smoke`
#[derive(Debug, Clone, Args)]
pub struct SmokeArgs {
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub events: u64,
    /// Events a second [default: as fast as answers come]
    #[arg(long, value_name = "R", value_parser = rate)]
    pub rate: Option<f64>,
    /// Give up after this long
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub timeout: Duration,
    /// Write what was found as one HTML page that needs nothing else, however it ends
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// `tailwater tail`
#[derive(Debug, Clone, Args)]
pub struct TailArgs {
    /// What to follow
    #[arg(value_enum, default_value_t = TailWhat::All)]
    pub what: TailWhat,
    /// Begin with what came this long ago
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "from_start")]
    pub since: Option<Duration>,
    /// Begin with the oldest there is
    #[arg(long)]
    pub from_start: bool,
    /// End after this many rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// End after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Only rows that contain this text
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
}

/// `tailwater replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording, as `--record` makes one [default: the sample that comes with the program]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How fast, as a multiple of the recording's own pace
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = rate)]
    pub speed: f64,
    /// Write it as an asciicast, in place of showing it
    #[arg(long, value_name = "OUT.cast")]
    pub asciicast: Option<PathBuf>,
    /// Draw one moment of it as SVG, in place of showing it
    #[arg(long, value_name = "OUT.svg")]
    pub picture: Option<PathBuf>,
    /// The moment of the picture, from the start [default: the end]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "picture")]
    pub at: Option<Duration>,
    /// The screen's size in what is written [default: as it was recorded]
    #[arg(long, value_name = "COLUMNSxROWS", value_parser = size)]
    pub size: Option<(u16, u16)>,
}

/// What to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TailWhat {
    /// Records of the stream
    Records,
    /// Log lines of the function, the API and the delivery
    Logs,
    /// Objects of the bucket
    Objects,
    /// Events of the stack
    Stack,
    /// All of them
    All,
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Help and version are no mistakes.
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    if let Err(error) =
        commands::check_watch(&cli.global, matches!(cli.command, None | Some(Command::Tail(_) | Command::Trace(_))))
    {
        commands::say(&format!("tailwater: {error}"));
        return error.end().exit_code();
    }
    // For the doctor a package that does not fit is a line among others.
    let checked = match cli.command {
        Some(Command::Doctor) => commands::check_parameters(&cli.global),
        _ => commands::check(&cli.global),
    };
    if let Err(error) = checked {
        commands::say(&format!("tailwater: {error}"));
        return error.end().exit_code();
    }
    let threads = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(threads) => threads,
        Err(error) => {
            eprintln!("tailwater: started its threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let end = threads.block_on(dispatch(cli));
    threads.shutdown_timeout(Duration::from_secs(2));
    end.exit_code()
}

async fn dispatch(cli: Cli) -> End {
    let Cli { global, record, command } = cli;
    let result = match command {
        Some(_) if record.is_some() => Err(commands::CommandError::Usage(
            "--record FILE records the terminal app: it goes with no command".to_owned(),
        )),
        None => ended(runtime::start(&global, record.as_deref()).await),
        Some(Command::Replay(args)) => replay(&global, args).await,
        #[cfg(feature = "local")]
        Some(Command::Local(args)) => commands::local(&global, args).await,
        #[cfg(feature = "local")]
        Some(Command::Fault(args)) => commands::fault(&global, &args.words).await,
        Some(Command::Deploy(args)) => commands::deploy(&global, args).await,
        Some(Command::Status) => commands::status(&global).await,
        Some(Command::Send(args)) => commands::send(&global, args).await,
        Some(Command::Tail(args)) => commands::tail(&global, args).await,
        Some(Command::Smoke(args)) => commands::smoke(&global, args).await,
        Some(Command::Trace(args)) => commands::trace(&global, args).await,
        Some(Command::Destroy { keep_data, now, artifacts, retain_stuck }) => {
            let role_arn = global.role_arn.as_deref();
            let options = commands::DestroyOptions { now, keep_data, artifacts, retain_stuck, role_arn };
            commands::destroy(&global, options).await
        }
        Some(Command::Doctor) => commands::doctor(&global).await,
        Some(Command::Template) => commands::template(),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tailwater", &mut script);
            commands::print(&script)
        }
    };
    result.unwrap_or_else(|error| {
        commands::say(&format!("tailwater: {error}"));
        error.end()
    })
}

fn ended(result: Result<(), runtime::RuntimeError>) -> commands::CommandResult {
    match result {
        Ok(()) => Ok(End::Done),
        Err(error @ runtime::RuntimeError::NoTerminal) => Err(commands::CommandError::Usage(error.to_string())),
        Err(error) => Err(commands::CommandError::Failed(error.to_string())),
    }
}

/// Shows a recording, or draws it to files.
async fn replay(global: &Global, args: ReplayArgs) -> commands::CommandResult {
    let ReplayArgs { file, speed, asciicast, picture, at, size } = args;
    let speed = Speed::times(speed);
    if asciicast.is_none() && picture.is_none() {
        let motion = global.motion.map(|motion| motion == Switch::On);
        return ended(runtime::replay(file.as_deref(), speed, global.theme, motion).await);
    }
    let wanted = runtime::Export { asciicast, picture, at, size, theme: global.theme };
    let made = runtime::export(file.as_deref(), &wanted, speed);
    ended(made.map(|remarks| {
        if let Some(words) = remarks {
            commands::say(&words);
        }
    }))
}

/// The smallest and the largest screen that is drawn to a file, columns and rows.
const SIZES: [(u16, u16); 2] = [(20, 5), (500, 200)];

/// A screen's size, `120x40`.
fn size(text: &str) -> Result<(u16, u16), String> {
    let [least, most] = SIZES;
    let sizes = text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    sizes
        .filter(|(columns, rows)| (least.0..=most.0).contains(columns) && (least.1..=most.1).contains(rows))
        .ok_or_else(|| format!("write COLUMNSxROWS, from {}x{} to {}x{}", least.0, least.1, most.0, most.1))
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The longest key and value of a tag.
const LONGEST_TAG: (usize, usize) = (128, 256);

/// A tag as AWS takes it.
fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = key_value(text)?;
    if key.is_empty() || key.chars().count() > LONGEST_TAG.0 || value.chars().count() > LONGEST_TAG.1 {
        let (key, value) = LONGEST_TAG;
        return Err(format!("a tag's key has 1 to {key} characters, its value at most {value}"));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err("keys that begin with aws: are AWS's own".to_owned());
    }
    if key == "tailwater" {
        return Err("the tag `tailwater` says that the stack is this program's: it sets it itself".to_owned());
    }
    Ok((key, value))
}

/// A role's ARN.
fn role_arn(text: &str) -> Result<String, String> {
    let is_role = text.starts_with("arn:aws") && text.split(':').count() >= 6 && text.contains(":role/");
    if is_role { Ok(text.to_owned()) } else { Err("write arn:aws:iam::ACCOUNT:role/NAME".to_owned()) }
}

/// The longest stack name: the function's name is made of it and has at most 64 characters.
const LONGEST_STACK_NAME: usize = 64 - "-submit".len();

/// A theme, by its name.
fn theme(name: &str) -> Result<ThemeName, String> {
    ThemeName::parse(name).ok_or_else(|| format!("there are {}", ThemeName::ALL.map(ThemeName::name).join(", ")))
}

/// A stack's name as CloudFormation takes it.
fn stack_name(text: &str) -> Result<String, String> {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let fits = text.len() <= LONGEST_STACK_NAME
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(letters);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a stack's name has at most {LONGEST_STACK_NAME} letters, digits and hyphens, and begins with a letter"
        ))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write 500ms, 10s or 5m"))
}

/// Faults as people order them.
#[cfg(feature = "local")]
fn faults(text: &str) -> Result<Faults, String> {
    tailwater_core::faults::parse(text).map(Faults).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number of events a second above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        let before = Cli::try_parse_from(["tailwater", "--stack-name", "demo", "status"]).expect("parsed");
        let after = Cli::try_parse_from(["tailwater", "status", "--stack-name", "demo"]).expect("parsed");
        assert_eq!(before.global.stack_name, "demo");
        assert_eq!(after.global.stack_name, "demo");
    }

    #[test]
    fn wrong_values_are_refused() {
        for wrong in [
            ["tailwater", "tail", "--for=soon"],
            ["tailwater", "send", "--rate=0"],
            ["tailwater", "send", "--count=0"],
            ["tailwater", "--stack-name=1st", "status"],
            ["tailwater", "--param=NoValue", "status"],
            #[cfg(feature = "local")]
            ["tailwater", "--fault=crsh", "status"],
        ] {
            assert!(Cli::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
