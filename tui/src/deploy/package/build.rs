//! Builds the function from this program's own sources, with plain `cargo` where this machine is
//! like Lambda's, else with `cargo lambda`. Cargo itself knows what is built already.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
    sync::mpsc::Sender,
};

use super::{
    super::{Progress, note},
    PackageError,
    check::{self, Architecture},
};

/// The function's package in the workspace.
const PACKAGE: &str = "tailwater-handler";
/// The profile that builds it for AWS.
const PROFILE: &str = "lambda";
/// Between two words about how far a build is, while cargo has something to say.
const WORD_PACE: Duration = Duration::from_secs(2);
/// Between two words while cargo is silent: the last step takes a minute and says nothing.
const SILENT_PACE: Duration = Duration::from_secs(15);
/// How much of what cargo said last an error repeats.
const REPEATED_LINES: usize = 25;
/// What cargo tells the program that it runs of that program's own package. A build script that
/// watches one of them would be run again, and everything that depends on it built again.
const OF_OUR_PACKAGE: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "OUT_DIR",
];

/// What a build has at hand.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The workspace with the function's sources.
    pub sources: Option<PathBuf>,
    /// Cargo.
    pub cargo: Option<PathBuf>,
    /// `cargo lambda`.
    pub cargo_lambda: bool,
    /// `linux`, `macos`, …
    pub system: &'static str,
    /// This machine's architecture, where Lambda has one like it.
    pub architecture: Option<Architecture>,
}

/// How the function is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Plain cargo, for this machine.
    Cargo,
    /// `cargo lambda`, for any.
    CargoLambda,
}

impl Workshop {
    /// This machine's.
    pub fn here() -> Self {
        Self {
            sources: sources(),
            cargo: env::var_os("CARGO").map(PathBuf::from).filter(|path| path.is_file()).or_else(|| program("cargo")),
            cargo_lambda: program("cargo-lambda").is_some(),
            system: env::consts::OS,
            architecture: Architecture::of_host(),
        }
    }

    /// What is built where nothing else is asked for: what this machine is, so that plain cargo can.
    pub fn usual(&self) -> Architecture {
        self.architecture.unwrap_or(Architecture::X86_64)
    }

    /// Which tool builds for an architecture; the error says what to install. Plain cargo goes first:
    /// it needs nothing more, and what it has built for this workspace is used again.
    pub fn tool(&self, wanted: Architecture) -> Result<Tool, String> {
        if self.sources.is_none() {
            return Err("the sources it could be built from are not here. Run it in Tailwater's workspace".to_owned());
        }
        if self.cargo.is_none() {
            return Err("Rust's cargo, which could build it, is not installed: see https://rustup.rs".to_owned());
        }
        if self.fits(wanted) {
            return Ok(Tool::Cargo);
        }
        if self.cargo_lambda {
            return Ok(Tool::CargoLambda);
        }
        Err(format!(
            "this machine ({} on {}) is not like Lambda's {wanted}, so `cargo lambda` has to build it: {}",
            self.system,
            env::consts::ARCH,
            install_cargo_lambda(self.system)
        ))
    }

    /// The command that makes this machine able to build for an architecture.
    pub fn install(&self, wanted: Architecture) -> String {
        if self.cargo.is_none() {
            "curl https://sh.rustup.rs -sSf | sh  # see https://rustup.rs".to_owned()
        } else if self.sources.is_none() {
            format!("tailwater deploy --handler-zip FILE  # a zip with a `bootstrap` for {wanted}")
        } else {
            install_cargo_lambda(self.system).to_owned()
        }
    }

    /// Whether a program for this machine can run on Lambda's.
    fn fits(&self, wanted: Architecture) -> bool {
        self.system == "linux" && self.architecture == Some(wanted)
    }

    /// Builds the function and gives its program.
    pub async fn build(&self, wanted: Architecture, progress: &Sender<Progress>) -> Result<Vec<u8>, PackageError> {
        let missing = |reason: String| PackageError::Missing { architecture: wanted, reason };
        let tool = self.tool(wanted).map_err(missing)?;
        let (Some(sources), Some(cargo)) = (&self.sources, &self.cargo) else {
            return Err(missing("there is nothing to build it with".to_owned()));
        };
        let built = run(tool, cargo, sources, wanted, progress).await?;
        let read =
            |path: &Path| std::fs::read(path).map_err(|source| PackageError::Read { path: path.to_owned(), source });
        let program = read(&built)?;
        if tool == Tool::Cargo && needs_newer_glibc(&program) {
            // Built here it would not start there: `cargo lambda` links against an older glibc.
            if !self.cargo_lambda {
                return Err(missing(format!(
                    "built on this machine it needs a newer glibc than provided.al2023 has, {}, so `cargo lambda` has \
                     to build it: {}",
                    check::NEWEST_GLIBC,
                    install_cargo_lambda(self.system)
                )));
            }
            return read(&run(Tool::CargoLambda, cargo, sources, wanted, progress).await?);
        }
        Ok(program)
    }
}

fn needs_newer_glibc(program: &[u8]) -> bool {
    check::program(program, &std::collections::BTreeSet::new())
        .is_ok_and(|program| program.glibc.is_some_and(|needed| needed > check::NEWEST_GLIBC))
}

/// What installs `cargo lambda` (its documentation, "Installation"), with Zig, which it links with.
pub fn install_cargo_lambda(system: &str) -> &'static str {
    match system {
        "macos" => "brew install cargo-lambda/tap/cargo-lambda",
        "windows" => {
            "scoop bucket add cargo-lambda https://github.com/cargo-lambda/scoop-cargo-lambda && scoop install cargo-lambda/cargo-lambda"
        }
        _ => "pipx install cargo-lambda",
    }
}

/// The workspace that this program was built from, where it is still there, else the one that
/// someone stands in.
fn sources() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
    let here = env::current_dir().ok();
    let around = here.iter().flat_map(|folder| folder.ancestors().map(Path::to_owned));
    own.into_iter().chain(around).find(|folder| has_sources(folder))
}

fn has_sources(folder: &Path) -> bool {
    let named = |path: PathBuf, text: &str| std::fs::read_to_string(path).is_ok_and(|found| found.contains(text));
    named(folder.join("Cargo.toml"), "[workspace]")
        && named(folder.join("handler/Cargo.toml"), &format!("name = \"{PACKAGE}\""))
}

/// A program on the user's path, or where cargo puts what it installs.
fn program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let of_cargo = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
        .map(|home| home.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(of_cargo).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// The command line of a build.
fn arguments(tool: Tool, wanted: Architecture, lambda_dir: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = match tool {
        Tool::Cargo => vec!["build".into(), "--message-format".into(), "json-render-diagnostics".into()],
        Tool::CargoLambda => vec![
            "lambda".into(),
            "build".into(),
            match wanted {
                Architecture::X86_64 => "--x86-64".into(),
                Architecture::Arm64 => "--arm64".into(),
            },
            // Its usual folder is where plain cargo puts what this profile builds.
            "--lambda-dir".into(),
            lambda_dir.into(),
        ],
    };
    for argument in ["--package", PACKAGE, "--profile", PROFILE, "--locked"] {
        arguments.push(argument.into());
    }
    arguments
}

/// A cargo of its own, which knows nothing of the one that may have started this program.
fn command(cargo: &Path, sources: &Path, tool: Tool) -> Command {
    let mut command = Command::new(cargo);
    command.current_dir(sources).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_BIN_EXE_") || OF_OUR_PACKAGE.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    if tool == Tool::Cargo {
        // What is built runs elsewhere: `-C target-cpu=native` would end it there. Empty stands above
        // RUSTFLAGS and cargo's settings. `cargo lambda` sets flags of its own.
        command.env("CARGO_ENCODED_RUSTFLAGS", "");
    }
    command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

/// Runs a build; gives the file of the program.
async fn run(
    tool: Tool,
    cargo: &Path,
    sources: &Path,
    wanted: Architecture,
    progress: &Sender<Progress>,
) -> Result<PathBuf, PackageError> {
    let lambda_dir = target_folder(cargo, sources).await?.join("cargo-lambda").join(wanted.as_str());
    let arguments = arguments(tool, wanted, &lambda_dir);
    let words: Vec<String> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let line = format!("cargo {}", words.join(" "));
    let failed = |answer: String| PackageError::Build { command: line.clone(), folder: sources.to_owned(), answer };
    let mut child = command(cargo, sources, tool)
        .args(&arguments)
        .spawn()
        .map_err(|error| failed(format!("it did not start: {error}")))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed("it could not be listened to".to_owned()));
    };
    let (executable, last) = tokio::join!(executable(stdout), follow(stderr, wanted, progress));
    let status = child.wait().await.map_err(|error| failed(format!("it could not be waited for: {error}")))?;
    if !status.success() {
        return Err(failed(format!("it ended with {status}\n{}", last.join("\n"))));
    }
    match tool {
        Tool::Cargo => executable.ok_or_else(|| failed("it did not say where the program is".to_owned())),
        Tool::CargoLambda => Ok(lambda_dir.join("bootstrap").join("bootstrap")),
    }
}

/// Where cargo builds this workspace.
async fn target_folder(cargo: &Path, sources: &Path) -> Result<PathBuf, PackageError> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let failed = |answer: String| PackageError::Build {
        command: format!("cargo {}", arguments.join(" ")),
        folder: sources.to_owned(),
        answer,
    };
    let output = command(cargo, sources, Tool::Cargo)
        .args(arguments)
        .output()
        .await
        .map_err(|error| failed(format!("it did not start: {error}")))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    serde_json::from_slice::<Value>(&output.stdout)
        .ok()
        .and_then(|metadata| Some(PathBuf::from(metadata.get("target_directory")?.as_str()?)))
        .ok_or_else(|| failed("it did not say where it builds".to_owned()))
}

/// The program's file, as cargo's messages for programs name it.
async fn executable(stdout: impl AsyncRead + Unpin) -> Option<PathBuf> {
    let mut found = None;
    let mut lines = BufReader::new(stdout);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        if let Some(path) = executable_of(&line) {
            found = Some(path);
        }
        line.clear();
    }
    found
}

fn executable_of(line: &[u8]) -> Option<PathBuf> {
    let message: Value = serde_json::from_slice(line).ok()?;
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "bootstrap";
    ours.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
}

/// Says how far a build is; gives the last lines of what cargo said. A build that has nothing to do
/// is not worth a word.
async fn follow(stderr: impl AsyncRead + Unpin, wanted: Architecture, progress: &Sender<Progress>) -> Vec<String> {
    let began = Instant::now();
    let mut said = began;
    let mut crates: u32 = 0;
    let mut at = String::new();
    let mut blocked = String::new();
    let mut last: Vec<String> = Vec::new();
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        let read = tokio::time::timeout(SILENT_PACE, lines.read_until(b'\n', &mut line)).await;
        let seconds = began.elapsed().as_secs();
        match read {
            Err(_) if crates > 0 => {
                said = Instant::now();
                note(progress, format!("Building the function: {crates} crates, {seconds} s, still at {at}.")).await;
                continue;
            }
            Err(_) => {
                note(progress, format!("Building the function: waiting for cargo, {seconds} s.")).await;
                continue;
            }
            Ok(Err(_) | Ok(0)) => return last,
            Ok(Ok(_)) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        let words = text.trim_start();
        if let Some(compiled) = words.strip_prefix("Compiling ") {
            if crates == 0 {
                note(
                    progress,
                    format!("Building the function for {wanted} with cargo. The first time takes a few minutes."),
                )
                .await;
            }
            crates += 1;
            compiled.split(" (").next().unwrap_or(compiled).clone_into(&mut at);
            if said.elapsed() >= WORD_PACE {
                said = Instant::now();
                note(progress, format!("Building the function: {crates} crates, {seconds} s, at {at}.")).await;
            }
        } else if words.starts_with("Blocking ") && words != blocked {
            words.clone_into(&mut blocked);
            note(progress, format!("Building the function: cargo says: {words}.")).await;
        }
        if last.len() == REPEATED_LINES {
            last.remove(0);
        }
        last.push(text);
    }
}
