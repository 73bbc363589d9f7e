//! The function's code: found, given, or (on the embedded cloud) this very program; checked before
//! any call, and put into the artifact bucket under a key by its content.

use std::{
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{
        BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, PublicAccessBlockConfiguration,
        VersioningConfiguration,
    },
};
use sha2::{Digest, Sha256};

use super::DeployError;
use crate::target::Target;

/// What Lambda takes as a zip put through S3, unzipped.
const LARGEST_UNZIPPED_BYTES: u64 = 262_144_000;
/// Where code is put that this program made itself, and where code that was given.
pub const BUNDLED_PREFIX: &str = "functions/bundled/";
const GIVEN_PREFIX: &str = "functions/";
/// `e_machine` of an ELF file for `x86_64` and arm64.
const ELF_MACHINES: [(u16, &str); 2] = [(62, "x86_64"), (183, "arm64")];

/// Why the function's code cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The file cannot be read.
    #[error("read {path} as the function's code: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// It is no function's zip.
    #[error("{path} cannot be the function's code: {reason}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why, and what is wanted.
        reason: String,
    },
    /// There is none.
    #[error(
        "there is no function package: give --handler-zip FILE (a zip with a `bootstrap` for provided.al2023). \
         Build one with `cargo build -p tailwater-handler --profile lambda` and zip target/lambda/bootstrap"
    )]
    Missing,
}

/// The function's code.
#[derive(Debug, Clone)]
pub struct Package {
    zip: Vec<u8>,
    /// `x86_64`, `arm64`.
    pub architecture: &'static str,
    /// This program made it itself.
    bundled: bool,
}

/// Where the code was put.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// `x86_64`, `arm64`.
    pub architecture: &'static str,
}

/// Finds the code: the zip that was given, the one beside this program, or on the embedded cloud a
/// tiny zip that runs this program as the function.
pub fn find(target: &Target, given: Option<&Path>) -> Result<Package, PackageError> {
    if let Some(path) = given {
        return check_handler_zip(path);
    }
    #[cfg(feature = "local")]
    if target.is_local() {
        return this_program();
    }
    let _ = target;
    let beside = std::env::current_exe().ok().and_then(|binary| Some(binary.parent()?.join("tailwater-handler.zip")));
    match beside.filter(|path| path.exists()) {
        Some(path) => check_handler_zip(&path),
        None => Err(PackageError::Missing),
    }
}

/// Reads a zip and checks that it can be the function: a zip, with a `bootstrap` at its top, that
/// is a script or an ELF program for an architecture that Lambda has.
pub fn check_handler_zip(path: &Path) -> Result<Package, PackageError> {
    let unfit = |reason: String| PackageError::Unfit { path: path.to_owned(), reason };
    let zip = std::fs::read(path).map_err(|source| PackageError::Read { path: path.to_owned(), source })?;
    let mut archive =
        zip::ZipArchive::new(Cursor::new(&zip)).map_err(|error| unfit(format!("it is not a zip ({error})")))?;
    let mut unzipped: u64 = 0;
    for index in 0..archive.len() {
        let file =
            archive.by_index_raw(index).map_err(|error| unfit(format!("its entry {index} is damaged ({error})")))?;
        unzipped = unzipped.saturating_add(file.size());
    }
    if unzipped >= LARGEST_UNZIPPED_BYTES {
        return Err(unfit(format!(
            "unzipped it has {unzipped} bytes; Lambda takes less than {LARGEST_UNZIPPED_BYTES}"
        )));
    }
    let mut bootstrap = archive.by_name("bootstrap").map_err(|_| {
        unfit("it has no `bootstrap` at its top, the program that provided.al2023 starts. Zip the file itself, not its folder".to_owned())
    })?;
    if bootstrap.unix_mode().is_some_and(|mode| mode & 0o111 == 0) {
        return Err(unfit("its `bootstrap` is not executable: run `chmod +x bootstrap` before zipping".to_owned()));
    }
    let mut head = Vec::new();
    bootstrap
        .by_ref()
        .take(64)
        .read_to_end(&mut head)
        .map_err(|error| unfit(format!("its `bootstrap` is damaged ({error})")))?;
    drop(bootstrap);
    let architecture = architecture_of(&head).map_err(unfit)?;
    Ok(Package { zip, architecture, bundled: false })
}

/// The architecture that a program's first bytes name; a script runs on the host's own.
fn architecture_of(head: &[u8]) -> Result<&'static str, String> {
    if head.starts_with(b"#!") {
        return Ok(host_architecture());
    }
    if !head.starts_with(b"\x7fELF") {
        return Err("its `bootstrap` is neither a script (`#!`) nor a Linux program (ELF)".to_owned());
    }
    let machine = head.get(18..20).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])).unwrap_or_default();
    ELF_MACHINES.into_iter().find(|(known, _)| *known == machine).map(|(_, name)| name).ok_or_else(|| {
        format!("its `bootstrap` is built for ELF machine {machine}; Lambda has x86_64 (62) and arm64 (183)")
    })
}

fn host_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// A zip whose `bootstrap` runs this program in its function mode. It names the build, so that a
/// rebuilt program is a changed function.
#[cfg(feature = "local")]
fn this_program() -> Result<Package, PackageError> {
    let binary =
        std::env::current_exe().map_err(|source| PackageError::Read { path: "this program".into(), source })?;
    let read = |source| PackageError::Read { path: binary.clone(), source };
    let metadata = std::fs::metadata(&binary).map_err(read)?;
    let built = metadata.modified().map_err(read)?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let quoted = binary.display().to_string().replace('\'', r"'\''");
    let script =
        format!("#!/bin/sh\n# build {}-{}\nexec '{quoted}' {}\n", built.as_nanos(), metadata.len(), crate::FUNCTION);
    let zip = zip_of(script.as_bytes()).map_err(|error| read(std::io::Error::other(error)))?;
    Ok(Package { zip, architecture: host_architecture(), bundled: true })
}

/// A zip with one executable `bootstrap`; the same bytes for the same program.
#[cfg(feature = "local")]
fn zip_of(bootstrap: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o755);
    writer.start_file("bootstrap", options)?;
    std::io::Write::write_all(&mut writer, bootstrap)?;
    Ok(writer.finish()?.into_inner())
}

/// The artifact bucket of this account and region.
pub fn bucket_name(target: &Target) -> String {
    format!("tailwater-artifacts-{}-{}", target.account_id(), target.region())
}

/// Puts the code into the artifact bucket, which is made on first use, under a key by its content.
pub async fn upload(target: &Target, package: &Package) -> Result<Artifact, DeployError> {
    let client = target.s3();
    let bucket = bucket_name(target);
    let origin = if package.bundled { BUNDLED_PREFIX } else { GIVEN_PREFIX };
    let key = format!("{origin}{}.zip", hex::encode(Sha256::digest(&package.zip)));
    let there = client.head_object().bucket(&bucket).key(&key).expected_bucket_owner(target.account_id()).send().await;
    if there.is_err() {
        ensure_bucket(target, &client, &bucket).await?;
        client
            .put_object()
            .bucket(&bucket)
            .key(&key)
            .expected_bucket_owner(target.account_id())
            .content_type("application/zip")
            .body(ByteStream::from(package.zip.clone()))
            .send()
            .await
            .map_err(|error| DeployError::call(format!("put the function's code to s3://{bucket}/{key}"), &error))?;
    }
    Ok(Artifact { bucket, key, architecture: package.architecture })
}

/// Makes the artifact bucket where it is not there: versioned, closed to the public.
async fn ensure_bucket(target: &Target, client: &aws_sdk_s3::Client, bucket: &str) -> Result<(), DeployError> {
    if client.head_bucket().bucket(bucket).expected_bucket_owner(target.account_id()).send().await.is_ok() {
        return Ok(());
    }
    let region = target.region();
    // us-east-1 is the one region that must not be named.
    let location = (region != "us-east-1").then(|| {
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region)).build()
    });
    let made = client.create_bucket().bucket(bucket).set_create_bucket_configuration(location).send().await;
    if let Err(error) = made {
        let owned = error
            .as_service_error()
            .is_some_and(aws_sdk_s3::operation::create_bucket::CreateBucketError::is_bucket_already_owned_by_you);
        if !owned {
            return Err(DeployError::call(format!("made the bucket {bucket} for the function's code"), &error));
        }
    }
    client
        .put_public_access_block()
        .bucket(bucket)
        .public_access_block_configuration(
            PublicAccessBlockConfiguration::builder()
                .block_public_acls(true)
                .ignore_public_acls(true)
                .block_public_policy(true)
                .restrict_public_buckets(true)
                .build(),
        )
        .send()
        .await
        .map_err(|error| DeployError::call(format!("closed the bucket {bucket} to the public"), &error))?;
    client
        .put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build())
        .send()
        .await
        .map_err(|error| DeployError::call(format!("made the bucket {bucket} keep versions"), &error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn written(files: &[(&str, &[u8], u32)]) -> tempfile::NamedTempFile {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in files {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(*mode);
            writer.start_file(*name, options).expect("an entry");
            writer.write_all(content).expect("its content");
        }
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&writer.finish().expect("a zip").into_inner()).expect("written");
        file
    }

    fn reason(file: &tempfile::NamedTempFile) -> String {
        check_handler_zip(file.path()).expect_err("refused").to_string()
    }

    #[test]
    fn a_script_and_elf_programs_can_be_the_function() {
        assert!(check_handler_zip(written(&[("bootstrap", b"#!/bin/sh\n", 0o755)]).path()).is_ok());
        let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 183, 0];
        let arm = check_handler_zip(written(&[("bootstrap", &elf, 0o755)]).path()).expect("arm64");
        assert_eq!(arm.architecture, "arm64");
        elf[18] = 243;
        assert!(reason(&written(&[("bootstrap", &elf, 0o755)])).contains("machine 243"));
    }

    #[test]
    fn what_cannot_run_is_refused_with_its_reason() {
        let mut text = tempfile::NamedTempFile::new().expect("a file");
        text.write_all(b"hello").expect("written");
        assert!(reason(&text).contains("not a zip"));
        assert!(reason(&written(&[("folder/bootstrap", b"#!/bin/sh\n", 0o755)])).contains("no `bootstrap`"));
        assert!(reason(&written(&[("bootstrap", b"#!/bin/sh\n", 0o644)])).contains("chmod +x"));
        assert!(reason(&written(&[("bootstrap", b"MZ", 0o755)])).contains("neither a script"));
        let gone = check_handler_zip(Path::new("/nowhere.zip")).expect_err("refused");
        assert!(gone.to_string().contains("/nowhere.zip"));
    }
}
