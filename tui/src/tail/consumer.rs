//! Registered consumers of a stream, for enhanced fan-out. They cost by the hour, so one is
//! deregistered at the end, and what a crash left behind at the next start.
//!
//! A consumer's name says which installation made it; a file of its name, locked as long as its
//! process lives, says whether it is in use. The system frees the lock however the process ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_sdk_kinesis::{Client, types::ConsumerStatus};

use crate::target::{Target, error_text};

/// Every consumer of this product begins so.
const NAME_PREFIX: &str = "tailwater-";
/// Letters of an installation's id in a consumer's name.
const INSTALLATION_LETTERS: usize = 8;
/// Between two looks at a consumer that is being registered.
const LOOK_PACE: Duration = Duration::from_millis(500);
/// The same on the embedded cloud.
const LOOK_PACE_LOCAL: Duration = Duration::from_millis(20);
/// How many looks: AWS takes some seconds.
const LOOKS: u32 = 120;

/// Where this installation keeps what it needs to know its own consumers.
#[derive(Debug, Clone)]
pub(super) struct Consumers {
    folder: PathBuf,
}

/// A registered consumer: it is deregistered at the end.
#[derive(Debug)]
pub(super) struct Consumer {
    client: Client,
    /// Its ARN.
    pub(super) arn: String,
    name: String,
    mark: Mark,
}

/// The file that says that a consumer is in use.
#[derive(Debug)]
struct Mark {
    path: PathBuf,
    _lock: File,
}

impl Mark {
    /// There is no such consumer any more. A mark that is merely dropped stays without its lock: what it
    /// stands for is looked for at the next start.
    fn clear(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Consumers {
    /// In the user's own state folder.
    pub(super) fn open() -> io::Result<Self> {
        Self::at(&crate::target::state_folder()?)
    }

    fn at(state: &Path) -> io::Result<Self> {
        let folder = state.join("consumers");
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The installation's id, made at the first use.
    fn installation(&self) -> io::Result<String> {
        let path = self.folder.join("installation");
        if let Ok(id) = std::fs::read_to_string(&path)
            && id.len() == INSTALLATION_LETTERS
        {
            return Ok(id);
        }
        let id = uuid::Uuid::new_v4().simple().to_string()[..INSTALLATION_LETTERS].to_owned();
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => io::Write::write_all(&mut file, id.as_bytes()).map(|()| id),
            // Another process was first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => std::fs::read_to_string(&path),
            Err(error) => Err(error),
        }
    }

    /// Marks a consumer as in use; `None`: another process does.
    fn mark(&self, name: &str) -> io::Result<Option<Mark>> {
        let path = self.folder.join(name);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Mark { path, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a process of this installation ended without deregistering its consumer.
    pub(super) fn any_left(&self) -> bool {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return false };
        entries.flatten().any(|entry| {
            entry.file_name().to_str().is_some_and(|name| name.starts_with(NAME_PREFIX))
                && OpenOptions::new().write(true).open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
        })
    }

    /// Deregisters what this installation left behind at a stream, and names what others have there.
    pub(super) async fn clear(&self, target: &Target, stream: &str) -> Result<(), String> {
        let client = target.kinesis();
        let own = format!("{NAME_PREFIX}{}-", self.installation().map_err(|error| error.to_string())?);
        let mut token = None;
        let stream_arn = stream_arn(&client, stream).await?;
        loop {
            let page = client.list_stream_consumers().stream_arn(&stream_arn).set_next_token(token).send().await;
            let page =
                page.map_err(|error| format!("listed the consumers of stream {stream}: {}", error_text(&error)))?;
            for consumer in page.consumers.unwrap_or_default() {
                if consumer.consumer_status == ConsumerStatus::Deleting {
                    continue;
                }
                let name = &consumer.consumer_name;
                if name.starts_with(&own) {
                    let Ok(Some(mark)) = self.mark(name) else { continue };
                    let gone = client.deregister_stream_consumer().consumer_arn(&consumer.consumer_arn).send().await;
                    gone.map_err(|error| format!("deregistered consumer {name}: {}", error_text(&error)))?;
                    mark.clear();
                    target.notice(format!(
                        "Deregistered consumer {name} of stream {stream}, which a session that broke off had left."
                    ));
                } else if name.starts_with(NAME_PREFIX) && !target.is_local() {
                    target.notice(format!(
                        "Stream {stream} has consumer {name} of another installation, which costs while it is registered. \
                         If nobody uses it: aws kinesis deregister-stream-consumer --consumer-arn {}",
                        consumer.consumer_arn
                    ));
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// Registers a consumer and waits until it can be used.
    pub(super) async fn register(&self, target: &Target, stream: &str) -> Result<Consumer, String> {
        let client = target.kinesis();
        let trouble = |error: io::Error| format!("noted a new consumer: {error}");
        let id = uuid::Uuid::new_v4().simple().to_string();
        let name = format!("{NAME_PREFIX}{}-{}", self.installation().map_err(trouble)?, &id[..INSTALLATION_LETTERS]);
        let mark = self.mark(&name).map_err(trouble)?.ok_or("noted a new consumer: its name is taken")?;
        let stream_arn = match stream_arn(&client, stream).await {
            Ok(arn) => arn,
            Err(error) => {
                mark.clear();
                return Err(error);
            }
        };
        let made = match client.register_stream_consumer().stream_arn(stream_arn).consumer_name(&name).send().await {
            Ok(made) => made,
            Err(error) => {
                // Without an answer there may be one.
                if error.as_service_error().is_some() {
                    mark.clear();
                }
                return Err(target
                    .lacks("kinesis:RegisterStreamConsumer", &error)
                    .unwrap_or_else(|| format!("registered a consumer at stream {stream}: {}", error_text(&error))));
            }
        };
        let arn = made.consumer.map(|consumer| consumer.consumer_arn).unwrap_or_default();
        let consumer = Consumer { client, arn, name, mark };
        let pace = if target.is_local() { LOOK_PACE_LOCAL } else { LOOK_PACE };
        for _ in 0..LOOKS {
            let described = consumer.client.describe_stream_consumer().consumer_arn(&consumer.arn).send().await;
            match described.map(|answer| answer.consumer_description.map(|description| description.consumer_status)) {
                Ok(Some(ConsumerStatus::Active)) => return Ok(consumer),
                Ok(_) => target.time().sleep(pace).await,
                Err(error) => {
                    let text = format!("looked at consumer {}: {}", consumer.name, error_text(&error));
                    consumer.deregister().await;
                    return Err(text);
                }
            }
        }
        let text = format!("consumer {} did not become active", consumer.name);
        consumer.deregister().await;
        Err(text)
    }
}

impl Consumer {
    /// Ends it. What can't be deregistered now keeps its mark without a lock, and is at the next start.
    pub(super) async fn deregister(self) {
        let Self { client, arn, mark, .. } = self;
        let gone = client.deregister_stream_consumer().consumer_arn(arn).send().await;
        // The stream may be gone by now, and its consumers with it.
        let there = gone
            .as_ref()
            .err()
            .and_then(|error| error.as_service_error())
            .is_some_and(|error| !error.is_resource_not_found_exception());
        let unanswered = gone.as_ref().is_err_and(|error| error.as_service_error().is_none());
        if !there && !unanswered {
            mark.clear();
        }
    }
}

async fn stream_arn(client: &Client, stream: &str) -> Result<String, String> {
    let summary = client.describe_stream_summary().stream_name(stream).send().await;
    let summary = summary.map_err(|error| format!("looked at stream {stream}: {}", error_text(&error)))?;
    summary
        .stream_description_summary
        .map(|description| description.stream_arn)
        .ok_or_else(|| format!("looked at stream {stream}: the answer has no description"))
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use tailwater_cloud::{LocalCloud, Options};

    use super::*;
    use crate::target::Registration;

    /// A cloud with a stream, and a target that reaches it.
    async fn cloud() -> (LocalCloud, Target) {
        let cloud = LocalCloud::start(Options::new(vec!["true".into()])).await.expect("a cloud");
        let target = Target::local(&Registration::of(&cloud), None);
        target.kinesis().create_stream().stream_name("s").shard_count(1).send().await.expect("a stream");
        (cloud, target)
    }

    async fn names(target: &Target) -> Vec<String> {
        let arn = stream_arn(&target.kinesis(), "s").await.expect("an ARN");
        let listed = target.kinesis().list_stream_consumers().stream_arn(arn).send().await.expect("listed");
        let there = listed.consumers.unwrap_or_default().into_iter();
        let there = there.filter(|consumer| consumer.consumer_status != ConsumerStatus::Deleting);
        there.map(|consumer| consumer.consumer_name).collect()
    }

    #[tokio::test]
    async fn a_consumer_goes_at_the_end_and_what_a_crash_left_at_the_next_start() {
        let (cloud, target) = cloud().await;
        let state = tempfile::tempdir().expect("a folder");
        let consumers = Consumers::at(state.path()).expect("consumers");
        let crashed = consumers.register(&target, "s").await.expect("registered");
        let running = consumers.register(&target, "s").await.expect("registered");
        let other_state = tempfile::tempdir().expect("a folder");
        let of_another = Consumers::at(other_state.path()).expect("consumers");
        let foreign = of_another.register(&target, "s").await.expect("registered");
        assert_eq!(names(&target).await.len(), 3);
        // The process is gone: its lock with it, the file and the consumer not.
        let Consumer { name, mark, .. } = crashed;
        let path = mark.path.clone();
        drop(mark);
        assert!(consumers.any_left());

        consumers.clear(&target, "s").await.expect("cleared");
        let left = names(&target).await;
        assert!(!left.contains(&name) && left.contains(&running.name) && left.contains(&foreign.name), "{left:?}");
        assert!(!consumers.any_left() && !path.exists());
        running.deregister().await;
        assert_eq!(names(&target).await.as_slice(), std::slice::from_ref(&foreign.name));
        foreign.deregister().await;
        assert!(names(&target).await.is_empty());
        cloud.shutdown().await;
    }
}
