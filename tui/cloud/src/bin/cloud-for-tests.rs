//! What the tests need as a process of its own: the supervisor's mode, and a cloud that can be
//! killed.

use std::{ffi::OsString, io::Write, process::ExitCode};

use tailwater_cloud::{LocalCloud, Options, supervisor};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|word| word.to_str()) {
        Some("supervisor") => supervisor::run(arguments.collect()),
        Some("cloud") => cloud(),
        _ => {
            eprintln!("This program is for the tests of tailwater-cloud.");
            ExitCode::from(2)
        }
    }
}

/// Runs a cloud until it is killed; one line says where it is and with which keys.
fn cloud() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    runtime.block_on(async {
        let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
        let supervisor = vec![program.into_os_string(), OsString::from("supervisor")];
        let cloud = match LocalCloud::start(Options::new(supervisor)).await {
            Ok(cloud) => cloud,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        let keys = cloud.credentials();
        println!("{} {} {}", cloud.endpoint_url(), keys.access_key_id, keys.secret_access_key);
        let _ = std::io::stdout().flush();
        std::future::pending().await
    })
}
