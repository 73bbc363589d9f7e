//! Writes rows to a file that only this user can read, and never over another one unasked.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tailwater_core::app::Message;

use crate::session::create;

/// Writes a text; what came of it is said to the app.
pub fn save(file: &str, text: &str, what: &str, over: bool) -> Message {
    let path = expanded(file);
    match write(&path, text, over) {
        Ok(()) => Message::Notice(format!("Saved {what} to {}, for you alone to read.", path.display())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !over => Message::FileExists(file.to_owned()),
        Err(error) => {
            Message::Notice(format!("Saving to {}: {error}. Nothing was written; W asks again.", path.display()))
        }
    }
}

/// `~/` as a shell knows it.
fn expanded(file: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").filter(|home| !home.is_empty());
    match (file.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(file),
    }
}

fn write(path: &Path, text: &str, over: bool) -> io::Result<()> {
    if !over {
        return create(path)?.write_all(text.as_bytes());
    }
    if !fs::metadata(path).is_ok_and(|known| known.is_file()) {
        return Err(io::Error::other("it is no regular file"));
    }
    // The old file stays whole until the new one is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(text.as_bytes())?;
    draft.persist(fs::canonicalize(path)?).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &Message) -> &str {
        match message {
            Message::Notice(words) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_private_and_never_written_over_unasked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.jsonl");
        let file = path.to_str().expect("a name");
        assert!(said(&save(file, "a\n", "1 row", false)).starts_with("Saved 1 row to "));
        assert!(matches!(save(file, "b\n", "1 row", false), Message::FileExists(name) if name == file));
        assert_eq!(fs::read_to_string(&path).expect("the file"), "a\n");
        assert!(said(&save(file, "b\n", "1 row", true)).starts_with("Saved"));
        assert_eq!(fs::read_to_string(&path).expect("the file"), "b\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "no draft is left");
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = folder.path().to_str().expect("a name");
        assert!(said(&save(&format!("{name}/no/such"), "a", "1 row", false)).contains("Nothing was written"));
        assert!(said(&save(name, "a", "1 row", true)).contains("no regular file"));
    }
}
