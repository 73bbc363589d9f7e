//! The objects as files for people: `DATA_DIR/BUCKET/KEY` shows the current version of each object.
//!
//! These files are a view: nothing is ever read back from them. A key that is no safe path is
//! shown under a name near to it, and a key that is also the folder of other keys has no file.

use std::{
    fmt::Write as _,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// What file systems allow a name to be.
const LONGEST_NAME_BYTES: usize = 255;

/// The folder that people look into.
#[derive(Debug)]
pub(super) struct Mirror {
    data_dir: PathBuf,
}

impl Mirror {
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    /// Shows the file at `body` as this key's.
    pub fn show(&self, bucket: &str, key: &str, body: &Path) {
        let path = self.path(bucket, key);
        if let Err(error) = place(&path, body) {
            tracing::debug!(bucket, key, %error, "this object has no file of its own");
        }
    }

    /// Takes a key's file away, and the folders that it leaves empty.
    pub fn hide(&self, bucket: &str, key: &str) {
        let path = self.path(bucket, key);
        if std::fs::remove_file(&path).is_err() {
            return;
        }
        let bucket = self.data_dir.join(bucket);
        for folder in path.ancestors().skip(1).take_while(|folder| **folder != bucket) {
            if std::fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }

    /// Takes the folder of a deleted bucket away, if nothing of anyone else's is in it.
    pub fn hide_bucket(&self, bucket: &str) {
        let _ = std::fs::remove_dir(self.data_dir.join(bucket));
    }

    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        let mut path = self.data_dir.join(bucket);
        path.extend(key.split('/').map(file_name));
        path
    }
}

/// Links instead of copying, and renames over what is there, so that a reader sees a whole body.
fn place(path: &Path, body: &Path) -> std::io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let new = body.with_extension("shown");
    // Not every file system has links.
    std::fs::hard_link(body, &new).or_else(|_| std::fs::copy(body, &new).map(drop))?;
    let mut moved = std::fs::rename(&new, path);
    if moved.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        moved = std::fs::create_dir_all(folder).and_then(|()| std::fs::rename(&new, path));
    }
    // Renaming one link over another to the same file leaves both.
    let _ = std::fs::remove_file(&new);
    moved
}

/// A name that stays within its folder and that every file system takes.
fn file_name(segment: &str) -> String {
    let mut name = match segment {
        "" => "%".to_owned(),
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        segment => segment.chars().fold(String::new(), |mut name, letter| {
            if letter.is_control() || "%\\:*?\"<>|".contains(letter) {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(name, "%{byte:02X}");
                }
            } else {
                name.push(letter);
            }
            name
        }),
    };
    if name.len() > LONGEST_NAME_BYTES {
        let digest = hex::encode(&Sha256::digest(segment)[..8]);
        let mut end = LONGEST_NAME_BYTES - digest.len() - 1;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name.extend(["%", &digest]);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_leaves_its_bucket() {
        let mirror = Mirror::new(Path::new("/data"));
        for key in ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", "a\0b", "./.", "..\\x"] {
            let path = mirror.path("bucket", key);
            assert!(path.starts_with("/data/bucket"), "{key:?} is shown at {path:?}");
            assert!(!path.components().any(|part| part == std::path::Component::ParentDir), "{key:?}: {path:?}");
            assert!(!path.to_string_lossy().contains('\0'));
        }
        assert_eq!(mirror.path("bucket", "2026/11/24/a-b.gz"), Path::new("/data/bucket/2026/11/24/a-b.gz"));
    }

    #[test]
    fn different_keys_have_different_files() {
        let long = "é".repeat(500);
        let longer = format!("{long}é");
        assert_ne!(file_name(&long), file_name(&longer));
        assert!(file_name(&long).len() <= LONGEST_NAME_BYTES);
        assert_ne!(file_name("%2E"), file_name("."));
    }

    #[test]
    fn a_folder_goes_with_its_last_file() {
        let data = tempfile::tempdir().unwrap();
        let mirror = Mirror::new(data.path());
        for name in ["one", "two"] {
            std::fs::write(data.path().join(name), name).unwrap();
        }
        mirror.show("bucket", "a/b", &data.path().join("one"));
        mirror.show("bucket", "a/b", &data.path().join("two"));
        assert_eq!(std::fs::read_to_string(data.path().join("bucket/a/b")).unwrap(), "two");
        mirror.hide("bucket", "a/b");
        assert!(!data.path().join("bucket/a").exists());
        mirror.hide_bucket("bucket");
        assert!(!data.path().join("bucket").exists());
        assert!(data.path().join("one").exists());
    }
}
