//! The headless commands, one file each. Only they print: events for programs on stdout, words for
//! people on stderr where stdout is for programs.

mod deploy;
mod destroy;
mod doctor;
#[cfg(feature = "local")]
mod fault;
mod keyboard;
#[cfg(feature = "local")]
mod local;
mod preview;
mod print;
mod send;
mod smoke;
mod sources;
mod status;
mod tail;
mod trace;

use std::process::ExitCode;

use tailwater_core::text::safe::visible;

use crate::{
    cli::{Global, Where},
    deploy::{DeployError, Deployed, PackageError, Request, Stack, System},
    target::{AwsOptions, Extras, Target, TargetError},
};

pub use crate::deploy::{DestroyOptions, Watch};
pub use deploy::deploy;
pub use destroy::destroy;
pub use doctor::doctor;
#[cfg(feature = "local")]
pub use fault::fault;
#[cfg(feature = "local")]
pub use local::local;
pub use print::print;
pub use send::send;
pub use smoke::smoke;
pub use status::status;
pub use tail::tail;
pub use trace::trace;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It did what it was asked for.
    Done,
    /// The operation failed.
    Failed,
    /// It was asked for something that cannot be meant.
    WrongUsage,
    /// Its time was up.
    TimeLimit,
    /// Someone stopped it.
    Interrupted,
}

impl End {
    /// 0 done, 1 failed, 2 wrong usage, 3 time limit, 130 interrupted.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::WrongUsage => 2,
            Self::TimeLimit => 3,
            Self::Interrupted => 130,
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The target cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A deployment could not be carried out.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// Something to send is not right.
    #[error(transparent)]
    Send(#[from] crate::send::SendError),
    /// The embedded cloud did not take an order.
    #[cfg(feature = "local")]
    #[error(transparent)]
    Order(#[from] crate::target::OrderError),
    /// It was asked for something that cannot be meant.
    #[error("{0}")]
    Usage(String),
    /// Anything else that failed.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// The exit code's meaning.
    pub fn end(&self) -> End {
        match self {
            // Everything needed was at hand: the build itself failed.
            Self::Deploy(DeployError::Package(PackageError::Build { .. })) => End::Failed,
            Self::Usage(_)
            | Self::Target(TargetError::NoRegion { .. } | TargetError::CaBundle { .. })
            | Self::Deploy(DeployError::Package(_) | DeployError::Parameters(_))
            | Self::Send(crate::send::SendError::Header(_) | crate::send::SendError::NoToken) => End::WrongUsage,
            _ => End::Failed,
        }
    }
}

/// Checks before any call what the options say of the template's parameters.
pub fn check_parameters(global: &Global) -> Result<(), CommandError> {
    #[cfg(feature = "local")]
    if !global.fault.is_empty() {
        fault::check(global)?;
    }
    crate::deploy::check_parameters(&global.param).map_err(|error| CommandError::Usage(error.to_string()))
}

/// Checks before any call that what is only watched is only watched.
pub fn check_watch(global: &Global, watches: bool) -> Result<(), CommandError> {
    let Some(watch) = global.watch() else { return Ok(()) };
    if !watches {
        return Err(CommandError::Usage(
            "what --watch-stream, --watch-log-group and --watch-bucket name is only watched, by the app, \
             `tailwater tail` and `tailwater trace`: nothing is sent to it or changed"
                .to_owned(),
        ));
    }
    if watch.prefix.is_some() && watch.bucket.is_none() {
        return Err(CommandError::Usage("--watch-prefix goes with --watch-bucket".to_owned()));
    }
    Ok(())
}

/// Checks before any call what the options say of the deployment.
pub fn check(global: &Global) -> Result<(), CommandError> {
    check_parameters(global)?;
    if let Some(path) = &global.handler_zip {
        crate::deploy::check_handler_zip(path, system(global)).map_err(DeployError::Package)?;
    }
    Ok(())
}

/// What the function's code is to run on, as far as it is known before any call: an endpoint in a
/// profile's settings shows later.
fn system(global: &Global) -> System {
    let elsewhere = global.endpoint_url.is_some() || std::env::var_os("AWS_ENDPOINT_URL").is_some();
    if global.target == Where::Aws && !elsewhere { System::Lambda } else { System::Emulator }
}

/// Prints the bundled template.
pub fn template() -> CommandResult {
    print(crate::deploy::TEMPLATE.as_bytes())
}

/// What every command gives back.
pub type CommandResult = Result<End, CommandError>;

/// The target that the options name. On `local` it joins the embedded cloud that runs, or starts
/// one that ends with the command, and says so.
async fn target(global: &Global) -> Result<Target, CommandError> {
    let target = reach(global).await?;
    let mut notices = target.notices();
    tokio::spawn(async move {
        while let Some(notice) = notices.recv().await {
            say(&visible(&notice));
        }
    });
    Ok(target)
}

async fn reach(global: &Global) -> Result<Target, CommandError> {
    match global.target {
        #[cfg(feature = "local")]
        Where::Local => {
            if global.endpoint_url.is_some() {
                return Err(CommandError::Usage(
                    "--endpoint-url goes with --target aws: the local target is its own endpoint".to_owned(),
                ));
            }
            let target = Target::join_or_start(global.region.as_deref()).await?;
            if let Some(embedded) = target.embedded() {
                say("No embedded cloud runs: this command starts its own, and stack and data end with it.");
                if let Some(note) = embedded.note() {
                    say(&note);
                }
            }
            fault::give(global, &target).await?;
            Ok(target)
        }
        Where::Aws => Ok(Target::aws(&AwsOptions {
            endpoint_url: global.endpoint_url.clone(),
            profile: global.profile.clone(),
            region: global.region.clone(),
            extras: Extras { fan_out: global.fan_out, live_tail: global.live_tail },
        })
        .await?),
    }
}

/// Ends what the target started, delivering what is still buffered.
async fn leave(target: &Target) {
    #[cfg(feature = "local")]
    if let Some(embedded) = target.embedded() {
        let undelivered = embedded.shutdown().await;
        if undelivered > 0 {
            say(&format!("{undelivered} records could not be delivered before the embedded cloud ended."));
        }
    }
    #[cfg(not(feature = "local"))]
    let _ = target;
}

/// What the options say of a deployment.
fn request(global: &Global) -> Request {
    Request {
        stack_name: global.stack_name.clone(),
        parameters: global.param.clone(),
        handler_zip: global.handler_zip.clone(),
        tags: Vec::new(),
        role_arn: global.role_arn.clone(),
        roll_back: false,
        dry_run: false,
        watch: None,
    }
}

/// What `tail` follows: what is named, a stack that others made, or the deployed pipeline.
async fn watched(target: &Target, global: &Global) -> Result<Deployed, CommandError> {
    if let Some(watch) = global.watch() {
        return Ok(watch.pipeline());
    }
    let found = Stack::find(&target.cloudformation(), &global.stack_name).await?;
    match found {
        Some(stack) if !stack.own => Ok(crate::deploy::pipeline_of(target, &global.stack_name, &stack).await?),
        _ => pipeline(target, global).await,
    }
}

/// The deployed pipeline. On `local` it is deployed first where it is not there; on AWS that is an
/// error that says how to deploy.
async fn pipeline(target: &Target, global: &Global) -> Result<Deployed, CommandError> {
    let client = target.cloudformation();
    if let Some(stack) = Stack::find(&client, &global.stack_name).await?
        && (stack.status.usable() || !target.is_local())
    {
        if !stack.own {
            return Err(DeployError::Foreign(global.stack_name.clone()).into());
        }
        if !target.is_local() || global.param.is_empty() && global.handler_zip.is_none() {
            return Ok(stack.deployed(&global.stack_name)?);
        }
    } else if !target.is_local() {
        return Err(CommandError::Failed(format!(
            "there is no stack {} in account {}, {}: run `tailwater deploy --target aws` first",
            global.stack_name,
            target.account_id(),
            target.region()
        )));
    }
    say(&format!("Deploying stack {} first.", global.stack_name));
    deploy::quietly(target, &request(global)).await
}

/// What is said when the embedded cloud of another process ends under a command.
const CLOUD_ENDED: &str = "the embedded cloud that this command joined has ended, and stack and data with it";
/// How long the live sources may take to end in order: they deregister what costs.
const END_IN_ORDER: std::time::Duration = std::time::Duration::from_secs(10);
/// Between two looks whether anyone still reads and the cloud is still there.
const LOOK_ROUND: std::time::Duration = std::time::Duration::from_millis(500);

/// Waits until the embedded cloud of another process has ended.
async fn gone(target: &Target) {
    #[cfg(feature = "local")]
    while !target.is_gone() {
        tokio::time::sleep(LOOK_ROUND).await;
    }
    #[cfg(not(feature = "local"))]
    {
        let _ = target;
        std::future::pending::<()>().await;
    }
}

/// Waits until whoever read standard output has gone away: without a further row nobody would notice.
async fn unread() {
    #[cfg(unix)]
    loop {
        let output = std::io::stdout();
        let mut events = [rustix::event::PollFd::new(&output, rustix::event::PollFlags::empty())];
        let polled = rustix::event::poll(&mut events, Some(&rustix::event::Timespec::default()));
        if polled.is_ok() && events[0].revents().intersects(rustix::event::PollFlags::ERR) {
            return;
        }
        tokio::time::sleep(LOOK_ROUND).await;
    }
    #[cfg(not(unix))]
    std::future::pending::<()>().await;
}

/// A word to people: never on stdout, where programs read, and nothing in it raw, wherever it is from.
pub fn say(text: &str) {
    for line in text.lines() {
        eprintln!("{}", tailwater_core::text::safe::visible(line));
    }
}

/// Waits until someone asks the program to stop: Ctrl-C, SIGTERM or SIGHUP.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}
