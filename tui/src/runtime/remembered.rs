//! What is remembered from session to session: a small file in the user's state folder, readable by
//! its user alone.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use tailwater_core::app::Settings;

use crate::{session::create, target::state_folder};

/// The file, and what stands in it.
pub struct Remembered {
    file: Option<PathBuf>,
    written: Option<Settings>,
}

impl Remembered {
    /// What is there; where it is broken, why.
    pub fn open() -> (Self, Option<Result<Settings, String>>) {
        Self::at(state_folder().ok().map(|folder| folder.join("settings.json")))
    }

    fn at(file: Option<PathBuf>) -> (Self, Option<Result<Settings, String>>) {
        let read = file.as_ref().map(fs::read_to_string);
        let settings = match read {
            Some(Ok(text)) => Some(Settings::parse(&text)),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Some(Err(error.to_string())),
            _ => None,
        };
        let settings = settings.map(|read| {
            read.map_err(|why| format!("{}: {why}", file.as_deref().map_or("", |file| file.to_str().unwrap_or(""))))
        });
        let written = settings.as_ref().and_then(|read| read.as_ref().ok()).cloned();
        (Self { file, written }, settings)
    }

    /// Writes what is not written yet.
    pub fn write(&mut self, settings: &Settings) -> io::Result<()> {
        if self.written.as_ref() == Some(settings) {
            return Ok(());
        }
        let Some(file) = &self.file else { return Ok(()) };
        let draft = file.with_extension("json.new");
        let _ = fs::remove_file(&draft);
        create(&draft)?.write_all(settings.text().as_bytes())?;
        fs::rename(&draft, file)?;
        self.written = Some(settings.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_again_and_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("settings.json");
        let (mut remembered, settings) = Remembered::at(Some(file.clone()));
        assert!(settings.is_none());
        let settings = Settings::parse(r#"{"motion":false,"newer":1}"#).expect("settings");
        remembered.write(&settings).expect("written");
        let mut changed = settings.clone();
        changed.utc = true;
        remembered.write(&changed).expect("written again");
        let (_, read) = Remembered::at(Some(file.clone()));
        assert_eq!(read, Some(Ok(changed)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_broken_file_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("settings.json");
        fs::write(&file, "{\"theme\":").expect("written");
        let (_, settings) = Remembered::at(Some(file));
        let Some(Err(why)) = settings else { panic!("{settings:?}") };
        assert!(why.contains("settings.json"), "{why}");
    }
}
