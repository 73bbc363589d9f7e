//! The function's zip: reads and checks one, and makes one, the same bytes for the same program.

use std::{
    collections::BTreeSet,
    io::{Cursor, Read, Write},
};

use super::check::{self, Program};

/// What a function's code may have unzipped, layers included (Lambda Developer Guide, "Lambda
/// quotas": 250 MB). A zip that comes through S3 has no limit of its own.
const LARGEST_UNZIPPED_BYTES: u64 = 250 * 1024 * 1024;

/// The program that `provided.al2023` starts.
const BOOTSTRAP: &str = "bootstrap";

/// Reads a zip to its end: every entry, its checksum too, and what its `bootstrap` is.
pub fn read(zip: &[u8]) -> Result<Program, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).map_err(|error| format!("it is not a zip ({error})"))?;
    let names: BTreeSet<String> = archive
        .file_names()
        .map(|name| name.map(std::borrow::Cow::into_owned))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("its entries cannot be named ({error})"))?;
    if !names.contains(BOOTSTRAP) {
        let inside = names.iter().find(|name| name.ends_with("/bootstrap"));
        let found = inside.map(|name| format!(" (there is {name:?})")).unwrap_or_default();
        return Err(format!(
            "it has no `bootstrap` at its top, the program that provided.al2023 starts{found}. Zip the file itself, \
             not its folder: `(cd FOLDER && zip ../function.zip bootstrap)`"
        ));
    }
    let mut unzipped: u64 = 0;
    let mut program = None;
    for index in 0..archive.len() {
        let mut entry =
            archive.by_index(index).map_err(|error| format!("its entry {index} cannot be read ({error})"))?;
        let name = entry.name().map_err(|error| format!("its entry {index} has no name ({error})"))?.into_owned();
        if entry.enclosed_name().is_none() {
            return Err(format!("its entry {name:?} leads out of the function's folder"));
        }
        // What the entry says of its size may be wrong: what comes out counts.
        let left = LARGEST_UNZIPPED_BYTES.saturating_sub(unzipped);
        let mut content = Vec::new();
        entry
            .by_ref()
            .take(left)
            .read_to_end(&mut content)
            .map_err(|error| format!("its {name:?} is damaged ({error}): zip it again"))?;
        unzipped += content.len() as u64;
        if unzipped >= LARGEST_UNZIPPED_BYTES {
            return Err(format!("unzipped it has more than Lambda takes, {LARGEST_UNZIPPED_BYTES} bytes"));
        }
        if name == BOOTSTRAP {
            if entry.unix_mode().is_some_and(|mode| mode & 0o111 == 0) {
                return Err("its `bootstrap` is not executable: run `chmod +x bootstrap` before zipping".to_owned());
            }
            program = Some(check::program(&content, &names)?);
        }
    }
    program.ok_or_else(|| "its `bootstrap` cannot be read".to_owned())
}

/// A zip with one executable `bootstrap`; the same bytes for the same program.
pub fn of(bootstrap: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o755);
    writer.start_file(BOOTSTRAP, options)?;
    writer.write_all(bootstrap)?;
    Ok(writer.finish()?.into_inner())
}
