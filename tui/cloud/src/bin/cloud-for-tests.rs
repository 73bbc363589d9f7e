//! What the tests need as a process of its own: the supervisor's mode, and a cloud that can be
//! killed.

use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode};

use tailwater_cloud::{LocalCloud, Options, supervisor};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|word| word.to_str()) {
        Some("supervisor") => supervisor::run(arguments.collect()),
        Some("cloud") => cloud(arguments.next()),
        _ => {
            eprintln!("This program is for the tests of tailwater-cloud.");
            ExitCode::from(2)
        }
    }
}

/// Runs a cloud with that data folder until it is killed; one line says where it is and with which
/// keys.
fn cloud(data: Option<OsString>) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    runtime.block_on(async {
        let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
        let supervisor = vec![program.into_os_string(), OsString::from("supervisor")];
        let mut options = Options::new(supervisor);
        options.gateway_port = Some(0);
        options.data_dir = data.map(PathBuf::from);
        let cloud = match LocalCloud::start(options).await {
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
