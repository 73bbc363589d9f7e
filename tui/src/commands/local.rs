//! `tailwater local`

use serde_json::json;
use tailwater_cloud::Limits;

use super::{CommandError, CommandResult, End, fault, print, say, stopped};
use crate::{
    cli::{self, Global, LocalArgs},
    target::{Claim, Embedded, Registration, Target, cloud_options},
};

/// Whether a folder holds anything but the cloud's own hidden files.
fn holds_files(folder: &std::path::Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| !entry.file_name().to_string_lossy().starts_with('.') && entry.file_name() != "functions")
    })
}

/// Runs the embedded cloud, empty, until it is told to stop.
pub async fn local(global: &Global, args: LocalArgs) -> CommandResult {
    let trouble = |error: std::io::Error| CommandError::Failed(format!("registered the embedded cloud: {error}"));
    let Some(claim) = Claim::take().map_err(trouble)? else {
        let where_it_is = Registration::find()
            .ok()
            .flatten()
            .map(|known| format!(" at {} (process {})", known.endpoint_url, known.pid))
            .unwrap_or_default();
        return Err(CommandError::Failed(format!(
            "an embedded cloud already runs for you{where_it_is}: every command joins it. End it first to start another"
        )));
    };
    let mut options = cloud_options(global.region.as_deref())?;
    options.port = args.port;
    options.gateway_port = args.gateway_port;
    options.data_dir = args.data_dir;
    options.limits = match args.limits {
        cli::Limits::Aws => Limits::Aws,
        cli::Limits::Off => Limits::Off,
    };
    let earlier = options.data_dir.as_deref().is_some_and(holds_files);
    let embedded = Embedded::start(claim, options).await?;
    if earlier {
        say(
            "The folder holds objects of an earlier run: they stay there as files, and this cloud, which is empty, does not list them.",
        );
    }
    if let Some(note) = embedded.note() {
        say(&note);
    }
    let registration = embedded.registration().clone();
    fault::give(global, &Target::local(&registration, Some(embedded.clone()))).await?;
    print::line(
        global.output,
        || {
            json!({
                "event": "ready",
                "endpointUrl": registration.endpoint_url,
                "gatewayUrl": registration.gateway_url,
                "region": registration.region,
                "accountId": registration.account_id,
                "accessKeyId": registration.access_key_id,
                "secretAccessKey": registration.secret_access_key,
            })
        },
        || {
            format!(
                "The embedded cloud is ready and empty.\n\
                 \n  export AWS_ENDPOINT_URL={}\n  export AWS_REGION={}\n  export AWS_ACCESS_KEY_ID={}\n  \
                 export AWS_SECRET_ACCESS_KEY={}\n\n\
                 The API of a deployed stack answers at {}. Deploy one with `tailwater deploy`. Ctrl-C ends it.",
                registration.endpoint_url,
                registration.region,
                registration.access_key_id,
                registration.secret_access_key,
                registration.gateway_url,
            )
        },
    )?;
    let mut known = 0;
    let mut end = std::pin::pin!(stopped());
    loop {
        tokio::select! {
            () = &mut end => break,
            loss = embedded.next_loss(&mut known) => say(&loss),
        }
    }
    let undelivered = embedded.shutdown().await;
    if undelivered > 0 {
        say(&format!("{undelivered} records could not be delivered before the end."));
    }
    Ok(End::Done)
}
