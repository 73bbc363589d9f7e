//! A function's code: the zip it came in, checked as Lambda checks it and unpacked into a folder
//! that its execution environments share and only read.

use std::{
    io::{Cursor, Read},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use crate::wire::{ServiceError, ServiceResult};

/// Bytes of a zip that comes in a request itself; one in S3 may be larger.
const LARGEST_ZIP_BYTES: usize = 52_428_800;
/// Bytes of code, unpacked.
const LARGEST_UNPACKED_BYTES: u64 = 262_144_000;
/// The longest target of a symbolic link, as on Linux.
const LONGEST_LINK_BYTES: u64 = 4096;

/// Unpacked code. Its folder goes with the last that uses it.
#[derive(Debug)]
pub(super) struct Package {
    directory: PathBuf,
    /// SHA-256 of the zip, in base64.
    pub sha256: String,
    /// Bytes of the zip.
    pub size: u64,
}

impl Package {
    /// Refuses a zip in a request that is too large for one.
    pub fn check_size_in_request(zip: &[u8]) -> ServiceResult<()> {
        if zip.len() > LARGEST_ZIP_BYTES {
            return Err(ServiceError::new(
                413,
                "RequestEntityTooLargeException",
                format!("Zipped size must be smaller than {LARGEST_ZIP_BYTES} bytes"),
            ));
        }
        Ok(())
    }

    /// Unpacks a zip into `directory`, which must not be there yet.
    pub fn unpack(zip: &Bytes, directory: PathBuf) -> ServiceResult<Self> {
        let package = Self { directory, sha256: BASE64_STANDARD.encode(Sha256::digest(zip)), size: zip.len() as u64 };
        package.unpack_all(zip)?;
        Ok(package)
    }

    /// Where the code is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn unpack_all(&self, zip: &Bytes) -> ServiceResult<()> {
        let mut archive = ZipArchive::new(Cursor::new(zip.as_ref())).map_err(|_| not_a_zip())?;
        std::fs::create_dir_all(&self.directory).map_err(ServiceError::internal)?;
        let mut left = LARGEST_UNPACKED_BYTES;
        let mut links = Vec::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|_| not_a_zip())?;
            let inside = entry.enclosed_name().filter(|path| stays_inside(path)).ok_or_else(not_a_zip)?;
            let path = self.directory.join(inside);
            if entry.is_dir() {
                std::fs::create_dir_all(&path).map_err(ServiceError::internal)?;
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(ServiceError::internal)?;
            }
            if entry.is_symlink() {
                let mut target = String::new();
                (&mut entry).take(LONGEST_LINK_BYTES).read_to_string(&mut target).map_err(|_| not_a_zip())?;
                links.push((target, path));
                continue;
            }
            let mode = entry.unix_mode();
            let mut file = std::fs::File::create(&path).map_err(ServiceError::internal)?;
            // What the entry claims of its size is not believed.
            let written = std::io::copy(&mut (&mut entry).take(left + 1), &mut file).map_err(|_| not_a_zip())?;
            left = left.checked_sub(written).ok_or_else(too_large)?;
            // A zip made where there are no permissions has none: Lambda makes such files readable.
            let mode = mode.map_or(0o644, |mode| mode & 0o777);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode((mode | 0o400) & 0o555))
                .map_err(ServiceError::internal)?;
        }
        // Links come last: nothing is ever written through one.
        for (target, path) in links {
            symlink(&target, &path).map_err(|_| not_a_zip())?;
        }
        Ok(())
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // What cannot be removed now goes with the cloud's folder.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_))) && path.components().next().is_some()
}

fn not_a_zip() -> ServiceError {
    ServiceError::bad_request(
        "InvalidParameterValueException",
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    )
}

fn too_large() -> ServiceError {
    ServiceError::bad_request(
        "InvalidParameterValueException",
        format!("Unzipped size must be smaller than {LARGEST_UNPACKED_BYTES} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn zip_of(entries: &[(&str, &str, u32)]) -> Bytes {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in entries {
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner().into()
    }

    #[test]
    fn files_keep_their_execute_bits_and_the_folder_goes_with_the_package() {
        let folder = tempfile::tempdir().unwrap();
        let zip = zip_of(&[("bootstrap", "#!/bin/sh", 0o755), ("lib/data.txt", "x", 0o644)]);
        let package = Package::unpack(&zip, folder.path().join("code")).unwrap();
        let mode = |name: &str| std::fs::metadata(package.directory().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("bootstrap"), 0o555);
        assert_eq!(mode("lib/data.txt"), 0o444);
        let directory = package.directory().to_owned();
        drop(package);
        assert!(!directory.exists());
    }

    #[test]
    fn an_entry_that_would_leave_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // The writer refuses such names, so a harmless one of the same length is replaced.
        let zip = zip_of(&[("aa/evil.txt", "x", 0o644)]);
        let bytes: Vec<u8> = zip.to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains("aa/evil.txt"));
        let evil = replace(&bytes, b"aa/evil.txt", b"../evil.txt");
        let error = Package::unpack(&evil.into(), folder.path().join("code")).unwrap_err();
        assert_eq!(error.code, "InvalidParameterValueException");
        assert!(!folder.path().join("evil.txt").exists());
    }

    fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        for start in 0..=bytes.len() - from.len() {
            if bytes[start..].starts_with(from) {
                changed[start..start + from.len()].copy_from_slice(to);
            }
        }
        changed
    }

    #[test]
    fn a_link_is_made_after_every_file_so_that_none_is_written_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        writer.add_symlink("way", outside.to_str().unwrap(), SimpleFileOptions::default()).unwrap();
        writer.start_file("way/file", SimpleFileOptions::default()).unwrap();
        writer.write_all(b"x").unwrap();
        let zip: Bytes = writer.finish().unwrap().into_inner().into();
        // The folder `way` is there by then, so the link cannot be made.
        assert!(Package::unpack(&zip, folder.path().join("code")).is_err());
        assert!(!outside.join("file").exists());
    }

    #[test]
    fn bytes_that_are_no_zip_are_refused_in_lambdas_words() {
        let folder = tempfile::tempdir().unwrap();
        let error = Package::unpack(&Bytes::from_static(b"no zip"), folder.path().join("code")).unwrap_err();
        assert_eq!(error.message, "Could not unzip uploaded file. Please check your file, then try to upload again.");
    }
}
