//! The process between the cloud and a function's processes: it ends them when the cloud goes,
//! however that happens.

use std::{ffi::OsString, process::ExitCode};

/// Runs as the supervisor until its standard input ends. `arguments` are those that the cloud
/// appended to [`crate::Options::supervisor`].
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let _ = arguments;
    ExitCode::FAILURE
}
