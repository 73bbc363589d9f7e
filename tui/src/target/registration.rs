//! Every embedded cloud registers itself for its user, so that a second terminal joins it.
//!
//! The file holds address and keys and is readable by its user alone. Beside it stands a lock that
//! its cloud holds as long as it lives: the system frees it however the cloud ends, so a file
//! without a held lock is a cloud that is gone.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use tailwater_cloud::LocalCloud;

use super::folders::{REGISTRATION_FILE, make_private, runtime_folder};

/// What a second terminal needs to join an embedded cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// Where every service answers.
    pub endpoint_url: String,
    /// Where the HTTP API answers.
    pub gateway_url: String,
    /// The region it is in.
    pub region: String,
    /// The account it plays.
    pub account_id: String,
    /// The account's key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The process that runs it.
    pub pid: u32,
}

impl Registration {
    /// Of a cloud that this process runs.
    pub fn of(cloud: &LocalCloud) -> Self {
        let credentials = cloud.credentials();
        Self {
            endpoint_url: cloud.endpoint_url().to_owned(),
            gateway_url: cloud.gateway_url().to_owned(),
            region: cloud.region().to_owned(),
            account_id: cloud.account_id().to_owned(),
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            pid: std::process::id(),
        }
    }
}

/// The right to run this user's embedded cloud: whoever holds it is the one that runs.
pub struct Claim {
    _lock: File,
    file: PathBuf,
}

impl Claim {
    /// Claims it; `None` where a cloud runs already.
    pub fn take() -> io::Result<Option<Self>> {
        let folder = runtime_folder()?;
        make_private(&folder)?;
        let lock = private_file(&folder.join("local.lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { _lock: lock, file: folder.join(REGISTRATION_FILE) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Lets others find the cloud. The file appears whole or not at all.
    pub fn publish(&self, registration: &Registration) -> io::Result<()> {
        let draft = self.file.with_extension("json.new");
        let mut file = private_file(&draft)?;
        file.set_len(0)?;
        file.write_all(&serde_json::to_vec(registration)?)?;
        file.sync_all()?;
        std::fs::rename(draft, &self.file)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The lock goes with the file that holds it; what is left says nothing without it.
        let _ = std::fs::remove_file(&self.file);
    }
}

impl Registration {
    /// The embedded cloud that runs for this user, if one does.
    pub fn find() -> io::Result<Option<Self>> {
        let folder = runtime_folder()?;
        let Ok(lock) = OpenOptions::new().read(true).write(true).open(folder.join("local.lock")) else {
            return Ok(None);
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
            Err(TryLockError::WouldBlock) => match std::fs::read(folder.join(REGISTRATION_FILE)) {
                Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

fn private_file(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
