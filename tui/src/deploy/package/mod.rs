//! The function's code: given, found beside this program, built from its sources, or (on the embedded
//! cloud) this very program; checked before it is put into the artifact bucket under a key by its
//! content.

mod bucket;
mod build;
mod check;
mod expire;
#[cfg(test)]
mod tests;
mod zip;

use std::path::{Path, PathBuf};

use tokio::sync::mpsc::Sender;

use super::{DeployError, Progress, Request, Stack, note};
use crate::target::{Kind, Target};

pub use bucket::name as bucket_name;
pub use build::{Tool, Workshop};
pub use check::{Architecture, Version};

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
    /// There is none, and none can be built here.
    #[error(
        "there is no package of the function for {architecture}: {reason}. Or give one with --handler-zip FILE, \
         a zip with a `bootstrap` for provided.al2023"
    )]
    Missing {
        /// What it is wanted for.
        architecture: Architecture,
        /// Why it cannot be built, and what helps.
        reason: String,
    },
    /// It could not be built.
    #[error("built the function with `{command}` in {folder}: {answer}")]
    Build {
        /// The command.
        command: String,
        /// Where it ran.
        folder: PathBuf,
        /// What came back.
        answer: String,
    },
}

/// What the code is to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Lambda's `provided.al2023`.
    Lambda,
    /// A cloud that starts programs on a system of its own.
    Emulator,
}

/// Where the code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// This program stands in as the function.
    ThisProgram,
    /// Built from this program's sources, here or where this program was packed.
    Built,
    /// Someone gave it.
    Given,
}

impl Origin {
    /// Where it is put in the bucket: from the key a later deployment knows whether the code was
    /// someone's choice.
    fn prefix(self) -> &'static str {
        match self {
            Self::ThisProgram => "functions/bundled/",
            Self::Built => "functions/built/",
            Self::Given => "functions/",
        }
    }
}

/// Whether the code under this key was someone's choice, which a deployment does not replace by
/// itself.
pub fn was_given(key: &str) -> bool {
    ![Origin::ThisProgram, Origin::Built].iter().any(|own| key.starts_with(own.prefix()))
}

/// The function's code.
#[derive(Debug, Clone)]
pub struct Package {
    zip: Vec<u8>,
    /// What it is built for.
    pub architecture: Architecture,
    /// The newest glibc it needs; `None`: it needs none.
    pub glibc: Option<Version>,
    origin: Origin,
    /// Why it could not run on Lambda, where that does not matter.
    pub doubts: Vec<String>,
}

/// Where the code was put.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What it is built for.
    pub architecture: Architecture,
}

/// Finds the function's code and puts it where CloudFormation takes it from; `None`: the stack keeps
/// the code that it has, or someone put it there.
pub async fn provide(
    target: &Target,
    request: &Request,
    existing: Option<&Stack>,
    progress: &Sender<Progress>,
) -> Result<Option<Artifact>, DeployError> {
    let value = |name: &str| request.parameter(name).or_else(|| existing?.parameter(name));
    if let Some(key) = request.parameter("ArtifactKey") {
        let Some(bucket) = value("ArtifactBucket") else {
            return Err(DeployError::Parameters(
                "ArtifactKey names an object in a bucket: add --param ArtifactBucket=NAME".to_owned(),
            ));
        };
        note(progress, format!("The function's code is s3://{bucket}/{key}, as given.")).await;
        return Ok(None);
    }
    if let Some(key) = existing.and_then(Stack::given_code).filter(|_| request.handler_zip.is_none()) {
        note(progress, format!("The function keeps its code, {key}; --handler-zip FILE replaces it.")).await;
        return Ok(None);
    }
    let asked = request.parameter("Architecture").and_then(Architecture::from_parameter);
    let has = existing.and_then(|stack| stack.parameter("Architecture")).and_then(Architecture::from_parameter);
    let package = match find(target, request.handler_zip.as_deref(), asked.or(has), progress).await {
        Ok(package) => package,
        // Whoever changes a parameter from a machine without Rust need not build the function anew.
        Err(PackageError::Missing { reason, .. })
            if let Some(key) = existing.and_then(|stack| stack.parameter("ArtifactKey"))
                && (asked.is_none() || asked == has) =>
        {
            note(progress, format!("The function keeps its code, {key}. It is not built anew: {reason}.")).await;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(asked) = asked.filter(|asked| *asked != package.architecture) {
        return Err(DeployError::Parameters(format!(
            "Architecture={asked} does not fit the function's code, which is built for {}: \
             give --handler-zip FILE built for {asked}",
            package.architecture
        )));
    }
    for doubt in &package.doubts {
        note(progress, format!("On AWS this function's code could not run: {doubt}.")).await;
    }
    if request.dry_run {
        return bucket::planned(target, &package, value("ArtifactBucket"), progress).await.map(Some);
    }
    bucket::upload(target, &package, value("ArtifactBucket"), progress).await.map(Some)
}

/// Finds the code: the zip that was given; on the embedded cloud a tiny one that runs this program as
/// the function; the one beside this program; else it is built.
pub async fn find(
    target: &Target,
    given: Option<&Path>,
    architecture: Option<Architecture>,
    progress: &Sender<Progress>,
) -> Result<Package, PackageError> {
    let system = if target.kind() == Kind::Aws { System::Lambda } else { System::Emulator };
    if let Some(path) = given {
        return check_handler_zip(path, system);
    }
    #[cfg(feature = "local")]
    if target.is_local() {
        return this_program();
    }
    let workshop = Workshop::here();
    let wanted = architecture.unwrap_or_else(|| workshop.usual());
    if let Some(path) = beside(wanted) {
        let package = check_handler_zip(&path, system)?;
        if architecture.is_none_or(|wanted| wanted == package.architecture) {
            note(progress, format!("The function's code is {}.", path.display())).await;
            return Ok(Package { origin: Origin::Built, ..package });
        }
    }
    let program = workshop.build(wanted, progress).await?;
    let unfit = |reason: String| PackageError::Unfit { path: "what was built".into(), reason };
    // Megabytes are packed: nothing else would go on meanwhile.
    let packed = tokio::task::spawn_blocking(move || {
        let zip = zip::of(&program).map_err(|error| error.to_string())?;
        checked(zip, Origin::Built, system)
    });
    packed.await.map_err(|error| unfit(error.to_string()))?.map_err(unfit)
}

/// The zip that stands beside this program: one for the architecture before one for any.
pub fn beside(architecture: Architecture) -> Option<PathBuf> {
    let binary = std::env::current_exe().ok()?;
    let folder = binary.parent()?;
    [format!("tailwater-handler-{architecture}.zip"), "tailwater-handler.zip".to_owned()]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.exists())
}

/// Reads a zip and checks that it can be the function on a system.
pub fn check_handler_zip(path: &Path, system: System) -> Result<Package, PackageError> {
    let zip = std::fs::read(path).map_err(|source| PackageError::Read { path: path.to_owned(), source })?;
    checked(zip, Origin::Given, system).map_err(|reason| PackageError::Unfit { path: path.to_owned(), reason })
}

fn checked(zip: Vec<u8>, origin: Origin, system: System) -> Result<Package, String> {
    let program = zip::read(&zip)?;
    if system == System::Lambda && !program.unfit.is_empty() {
        return Err(program.unfit.join("; "));
    }
    // A script runs on both; what it was made on is as good as any.
    let architecture = program.architecture.or_else(Architecture::of_host).unwrap_or(Architecture::X86_64);
    Ok(Package { zip, architecture, glibc: program.glibc, origin, doubts: program.unfit })
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
    let zip = zip::of(script.as_bytes()).map_err(|error| read(std::io::Error::other(error)))?;
    checked(zip, Origin::ThisProgram, System::Emulator).map_err(|reason| PackageError::Unfit { path: binary, reason })
}

#[cfg(test)]
mod zips {
    use std::io::{Cursor, Write};

    use super::*;

    fn written(files: &[(&str, &[u8], u32)]) -> tempfile::NamedTempFile {
        let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in files {
            let options = ::zip::write::SimpleFileOptions::default().unix_permissions(*mode);
            writer.start_file(*name, options).expect("an entry");
            writer.write_all(content).expect("its content");
        }
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&writer.finish().expect("a zip").into_inner()).expect("written");
        file
    }

    fn reason(file: &tempfile::NamedTempFile) -> String {
        check_handler_zip(file.path(), System::Emulator).expect_err("refused").to_string()
    }

    #[test]
    fn a_script_can_be_the_function() {
        let script = written(&[("bootstrap", b"#!/bin/sh\n", 0o755)]);
        assert!(check_handler_zip(script.path(), System::Lambda).is_ok());
    }

    #[test]
    fn what_cannot_run_is_refused_with_its_reason() {
        let mut text = tempfile::NamedTempFile::new().expect("a file");
        text.write_all(b"hello").expect("written");
        assert!(reason(&text).contains("not a zip"));
        assert!(reason(&written(&[("folder/bootstrap", b"#!/bin/sh\n", 0o755)])).contains("no `bootstrap`"));
        assert!(reason(&written(&[("bootstrap", b"#!/bin/sh\n", 0o644)])).contains("chmod +x"));
        assert!(reason(&written(&[("bootstrap", b"MZ", 0o755)])).contains("Windows program"));
        let gone = check_handler_zip(Path::new("/nowhere.zip"), System::Emulator).expect_err("refused");
        assert!(gone.to_string().contains("/nowhere.zip"));
    }

    #[test]
    fn a_damaged_zip_is_refused_even_where_its_directory_is_whole() {
        let script = vec![b'#'; 4096];
        let file = written(&[("bootstrap", &[b"#!", script.as_slice()].concat(), 0o755)]);
        let mut bytes = std::fs::read(file.path()).expect("read");
        bytes[60] ^= 0xff;
        std::fs::write(file.path(), bytes).expect("written");
        assert!(reason(&file).contains("damaged"), "{}", reason(&file));
    }

    #[test]
    fn code_that_someone_gave_is_known_by_its_key() {
        assert!(was_given("functions/0123.zip"));
        assert!(!was_given("functions/built/0123.zip"));
        assert!(!was_given("functions/bundled/0123.zip"));
        assert!(was_given("my/own/key.zip"));
    }

    #[test]
    fn the_same_program_is_the_same_zip() {
        assert_eq!(zip::of(b"#!/bin/sh\n").expect("a zip"), zip::of(b"#!/bin/sh\n").expect("a zip"));
    }
}
