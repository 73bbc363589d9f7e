//! The folder of a cloud whose user named none: it goes with the cloud, and where a cloud was killed,
//! with the start of the next one.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// What such folders' names begin with.
const PREFIX: &str = "tailwater-";
/// The file in it that its cloud holds locked as long as it lives.
const LOCK: &str = "lock";

/// A temporary folder, removed when this is dropped.
pub(crate) struct Temporary {
    folder: tempfile::TempDir,
    _lock: File,
}

impl Temporary {
    /// A new one under `base`; those of clouds that are gone are removed.
    pub fn new(base: &Path) -> io::Result<Self> {
        sweep(base);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base)?;
        // It gets its name once it is locked: a cloud that starts meanwhile must not take it for free.
        let draft = folder.path().join("lock.new");
        let lock = File::create(&draft)?;
        lock.try_lock()?;
        fs::rename(draft, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders whose lock nobody holds. What cannot be removed is someone else's or goes the
/// next time.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let folder = entry.path();
        if let Ok(lock) = File::open(folder.join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_clouds_that_are_gone_are_swept() {
        let base = tempfile::tempdir().expect("a folder");
        let alive = Temporary::new(base.path()).expect("a folder");
        let left = base.path().join("tailwater-left");
        let foreign = base.path().join("tailwater-notes");
        fs::create_dir_all(left.join("deep")).expect("a folder");
        fs::create_dir(&foreign).expect("a folder");
        File::create(left.join(LOCK)).expect("a file");
        let other = Temporary::new(base.path()).expect("a folder");
        assert!(alive.path().exists() && other.path().exists() && foreign.exists());
        assert!(!left.exists());
        let path = alive.path().to_owned();
        drop(alive);
        assert!(!path.exists());
    }
}
