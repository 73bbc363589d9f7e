//! Writes the diagnostics file: what the app knows, below what only this room can know.

use std::{
    env,
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::session::create;

/// Variables that say what the terminal can do; none holds a secret.
const TERMINAL: [&str; 7] = ["TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TMUX", "LANG", "NO_COLOR"];
/// Variables that change how AWS is reached: only whether they are set is told.
const AWS: [&str; 6] = [
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// Writes the file; what is then said.
pub fn write(path: &str, app: &str) -> String {
    let path = expanded(path);
    let text = format!("{}\n{app}", outside());
    let written = create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => format!("Wrote {}. Secrets are masked; read it before you give it away.", path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            format!("{} is there already and stays as it is: choose another name.", path.display())
        }
        Err(error) => format!("Writing {}: {error}. Nothing was written.", path.display()),
    }
}

/// `~/x` in the user's folder.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn outside() -> String {
    let mut text = String::from("Tailwater diagnostics\n\n[program]\n");
    let mut line = |words: String| {
        // Writing into a String does not fail.
        let _ = writeln!(text, "{words}");
    };
    line(format!("version: {}", env!("CARGO_PKG_VERSION")));
    line(format!("embedded cloud: {}", cfg!(feature = "local")));
    line(format!("system: {} {}", env::consts::OS, env::consts::ARCH));
    for name in TERMINAL {
        line(format!("{name}: {}", env::var(name).unwrap_or_else(|_| "not set".to_owned())));
    }
    for name in AWS {
        line(format!("{name}: {}", if env::var_os(name).is_some() { "set" } else { "not set" }));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("d.txt");
        let path = path.to_str().expect("a path");
        assert!(write(path, "[app]\n").starts_with("Wrote"));
        let text = std::fs::read_to_string(path).expect("a file");
        assert!(text.contains("version: ") && text.contains("[app]"), "{text}");
        assert!(write(path, "").contains("is there already"));
        assert!(write("/nowhere/at/all", "").contains("Nothing was written"));
    }
}
