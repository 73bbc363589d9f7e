//! `tailwater destroy`

use serde_json::json;
use tailwater_core::text::safe::visible;
use tokio::sync::mpsc;

use super::{CommandError, CommandResult, End, deploy::confirm, leave, print, say, target};
use crate::{
    cli::Global,
    deploy::{self, DestroyOptions, Destroyed, Progress},
};

/// How much progress may wait to be printed.
const PROGRESS_AHEAD: usize = 64;

/// Takes the pipeline down.
pub async fn destroy(global: &Global, now: bool, keep_data: bool) -> CommandResult {
    let options = DestroyOptions { now, keep_data };
    let lost = if options.keep_data { "its bucket is kept" } else { "every object in its bucket is lost" };
    confirm(global, &format!("Delete stack {} ({lost})", global.stack_name))?;
    let target = target(global).await?;
    let output = global.output;
    let (sender, mut receiver) = mpsc::channel(PROGRESS_AHEAD);
    let work = async {
        let ended = deploy::destroy(&target, &global.stack_name, options, &sender).await;
        drop(sender);
        ended
    };
    let showing = async {
        while let Some(progress) = receiver.recv().await {
            match progress {
                Progress::Note(text) => say(&text),
                Progress::Event(event) => {
                    print::line(
                        output,
                        || print::tagged("event", "stack", print::stack_json(&event)),
                        || print::stack_text(&event),
                    )?;
                }
            }
        }
        Ok::<_, CommandError>(())
    };
    let (ended, shown) = tokio::join!(work, showing);
    let end = match (ended, shown) {
        (Err(error), _) => Err(error.into()),
        (_, Err(error)) => Err(error),
        (Ok(Destroyed::Done { kept }), _) => print::line(
            output,
            || json!({"event": "destroyed", "keptBucket": kept}),
            || match &kept {
                Some(bucket) => {
                    format!("Stack {} is deleted. Bucket {bucket} and its objects are left.", global.stack_name)
                }
                None => format!("Stack {} is deleted; nothing of it is left.", global.stack_name),
            },
        ),
        (Ok(Destroyed::Nothing), _) => print::line(
            output,
            || json!({"event": "destroyed", "keptBucket": null}),
            || format!("There is no stack {}: nothing to delete.", global.stack_name),
        ),
        (Ok(Destroyed::Failed { status, cause }), _) => print::line(
            output,
            || json!({"event": "failed", "stackStatus": status.as_str(), "rootCause": cause}),
            || {
                let cause = cause.as_deref().unwrap_or("CloudFormation gave none");
                format!("Failed: {status}\nFirst cause: {}", visible(cause))
            },
        )
        .map(|_| End::Failed),
    };
    leave(&target).await;
    end
}
