//! The user's own folders.

use std::{
    io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

/// The file in the runtime folder that holds address and keys of the embedded cloud.
#[cfg(feature = "local")]
pub(super) const REGISTRATION_FILE: &str = "local.json";

/// `$XDG_RUNTIME_DIR/tailwater`, or the state folder where there is no runtime folder.
#[cfg(feature = "local")]
pub(super) fn runtime_folder() -> io::Result<PathBuf> {
    let strategy = strategy()?;
    let base = strategy.runtime_dir().or_else(|| strategy.state_dir()).unwrap_or_else(|| strategy.data_dir());
    Ok(base.join("tailwater"))
}

/// A folder of the user's own for what outlives a session.
pub fn state_folder() -> io::Result<PathBuf> {
    let strategy = strategy()?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("tailwater");
    make_private(&folder)?;
    Ok(folder)
}

/// Makes a folder that only its user can look into.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn strategy() -> io::Result<impl BaseStrategy> {
    etcetera::choose_base_strategy().map_err(|error| io::Error::other(error.to_string()))
}
