//! The artifact bucket, on an embedded cloud and on answers of AWS.

#[cfg(feature = "local")]
use std::time::Duration;

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use tokio::sync::mpsc;

use super::{Origin, Package, System, bucket, check::Architecture, checked, expire, zip};
use crate::{
    deploy::{DeployError, Progress},
    target::{Target, Time},
};

fn package(script: &str) -> Package {
    let zip = zip::of(format!("#!/bin/sh\n{script}\n").as_bytes()).expect("a zip");
    checked(zip, Origin::Built, System::Lambda).expect("a package")
}

/// What is said while something is done.
async fn saying<T>(work: impl AsyncFnOnce(&mpsc::Sender<Progress>) -> T) -> (T, Vec<String>) {
    let (sender, mut receiver) = mpsc::channel(64);
    let result = work(&sender).await;
    drop(sender);
    let mut said = Vec::new();
    while let Some(progress) = receiver.recv().await {
        if let Progress::Note(text) = progress {
            said.push(text);
        }
    }
    (result, said)
}

async fn upload(target: &Target, package: &Package) -> (Result<super::Artifact, DeployError>, Vec<String>) {
    saying(async |out| bucket::upload(target, package, None, out).await).await
}

/// AWS by one answer for each method and path, as S3's API reference has it.
fn aws(answers: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Target {
    let http = infallible_client_fn(move |request: ::http::Request<SdkBody>| {
        let path = request.uri().path_and_query().map(|path| path.as_str().to_owned()).unwrap_or_default();
        let (status, body) = answers(request.method().as_str(), &path);
        ::http::Response::builder().status(status).body(body).expect("an answer")
    });
    Target::scripted(http, Time::default())
}

fn refusal(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>")
}

#[tokio::test]
async fn a_name_that_another_account_has_is_the_first_cause_and_the_way_out() {
    let target = aws(|method, _| match method {
        "HEAD" => (403, String::new()),
        "PUT" => (409, refusal("BucketAlreadyExists")),
        other => panic!("{other} is not called"),
    });
    let error = upload(&target, &package("one")).await.0.expect_err("taken").to_string();
    assert!(error.contains("tailwater-artifacts-111122223333-eu-west-1"), "{error}");
    assert!(error.contains("BucketAlreadyExists") && error.contains("--param ArtifactBucket=NAME"), "{error}");
}

#[tokio::test]
async fn a_bucket_that_someone_named_is_never_made() {
    let target = aws(|method, path| match method {
        "HEAD" => (404, String::new()),
        "PUT" if path.starts_with("/functions/") => (404, refusal("NoSuchBucket")),
        other => panic!("{other} {path} is not called"),
    });
    let package = package("one");
    let error = saying(async |out| bucket::upload(&target, &package, Some("mine"), out).await).await.0;
    let error = error.expect_err("not there").to_string();
    assert!(error.contains("s3://mine/functions/built/") && error.contains("NoSuchBucket"), "{error}");
}

/// An account with one stack in that status, an old package of it, and another that no stack has.
fn account_with_old_packages(status: &'static str) -> (Target, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let deleted = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
    let kept = deleted.clone();
    let http = infallible_client_fn(move |request: ::http::Request<SdkBody>| {
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let query = request.uri().query().unwrap_or_default();
        // CloudFormation and S3 API references, example responses of the three operations.
        let answer = if body.contains("Action=DescribeStacks") {
            format!(
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>pipe</StackName>\
                 <CreationTime>2020-01-01T00:00:00Z</CreationTime><StackStatus>{status}</StackStatus><Parameters>\
                 <member><ParameterKey>ArtifactBucket</ParameterKey><ParameterValue>b</ParameterValue></member>\
                 <member><ParameterKey>ArtifactKey</ParameterKey><ParameterValue>functions/used.zip</ParameterValue>\
                 </member></Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            )
        } else if query.contains("list-type=2") {
            let object = |key: &str| {
                format!(
                    "<Contents><Key>functions/{key}.zip</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified>\
                     <Size>1</Size></Contents>"
                )
            };
            format!(
                "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>{}{}{}</ListBucketResult>",
                object("used"),
                object("unused"),
                object("new")
            )
        } else {
            kept.lock().expect("requests").push(body);
            "<DeleteResult/>".to_owned()
        };
        ::http::Response::new(answer)
    });
    (Target::scripted(http, Time::default()), deleted)
}

#[tokio::test]
async fn a_package_that_a_stack_was_deployed_from_never_goes() {
    let (target, deleted) = account_with_old_packages("UPDATE_COMPLETE");
    let count = expire::unused(&target, "b", "functions/new.zip", expire::UNUSED_FOR).await.expect("looked");
    assert_eq!(count, 1);
    let requests = deleted.lock().expect("requests");
    assert!(
        requests[0].contains("functions/unused.zip") && !requests[0].contains("functions/used.zip"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn while_a_stack_changes_no_package_goes() {
    let (target, deleted) = account_with_old_packages("UPDATE_IN_PROGRESS");
    let count = expire::unused(&target, "b", "functions/new.zip", expire::UNUSED_FOR).await.expect("looked");
    assert_eq!((count, deleted.lock().expect("requests").len()), (0, 0));
}

#[cfg(feature = "local")]
mod embedded {
    use tailwater_cloud::{
        LocalCloud, Options,
        faults::{CallFault, Order},
    };

    use super::*;
    use crate::target::Registration;

    async fn cloud() -> (LocalCloud, Target) {
        let cloud = LocalCloud::start(Options::new(vec!["/bin/false".into()])).await.expect("a cloud");
        let target = Target::local(&Registration::of(&cloud), None);
        (cloud, target)
    }

    #[tokio::test]
    async fn the_bucket_is_made_on_first_use_closed_and_with_an_end_to_old_versions() {
        let (_cloud, target) = cloud().await;
        let (artifact, said) = upload(&target, &package("one")).await;
        let artifact = artifact.expect("put");
        assert_eq!(artifact.architecture, Architecture::of_host().unwrap_or(Architecture::X86_64));
        assert!(said.iter().any(|text| text.contains(&artifact.bucket)), "{said:?}");
        let client = target.s3();
        let bucket = &artifact.bucket;
        let versions = client.get_bucket_versioning().bucket(bucket).send().await.expect("versioning");
        assert_eq!(versions.status(), Some(&aws_sdk_s3::types::BucketVersioningStatus::Enabled));
        let closed = client.get_public_access_block().bucket(bucket).send().await.expect("closed");
        let closed = closed.public_access_block_configuration().expect("a configuration");
        assert_eq!((closed.block_public_acls(), closed.restrict_public_buckets()), (Some(true), Some(true)));
        client.get_bucket_encryption().bucket(bucket).send().await.expect("encrypted");
        client.get_bucket_ownership_controls().bucket(bucket).send().await.expect("owned");
        let policy = client.get_bucket_policy().bucket(bucket).send().await.expect("a policy");
        assert!(policy.policy().is_some_and(|text| text.contains("aws:SecureTransport")));
        let rules = client.get_bucket_lifecycle_configuration().bucket(bucket).send().await.expect("rules");
        assert!(rules.rules().iter().any(|rule| rule.noncurrent_version_expiration().is_some()));
        // A current package never expires by itself.
        assert!(rules.rules().iter().all(|rule| rule.expiration().is_none_or(|end| end.days().is_none())));
        let tags = client.get_bucket_tagging().bucket(bucket).send().await.expect("tags");
        assert!(tags.tag_set().iter().any(|tag| tag.key() == "tailwater"));
    }

    #[tokio::test]
    async fn the_same_code_is_put_once_and_a_deleted_bucket_is_made_anew() {
        let (_cloud, target) = cloud().await;
        let first = upload(&target, &package("one")).await.0.expect("put");
        let (again, said) = upload(&target, &package("one")).await;
        assert_eq!((again.expect("there").key, said.len()), (first.key.clone(), 0));
        let client = target.s3();
        let versions = client.list_object_versions().bucket(&first.bucket).send().await.expect("versions");
        assert_eq!(versions.versions().len(), 1);
        let version = versions.versions()[0].version_id().expect("an id").to_owned();
        client.delete_object().bucket(&first.bucket).key(&first.key).version_id(version).send().await.expect("deleted");
        client.delete_bucket().bucket(&first.bucket).send().await.expect("deleted");
        let (anew, said) = upload(&target, &package("one")).await;
        assert_eq!(anew.expect("put").key, first.key);
        assert!(!said.is_empty());
    }

    #[tokio::test]
    async fn a_bucket_that_was_left_half_made_is_finished() {
        let (cloud, target) = cloud().await;
        let fault = CallFault::error("s3", "PutBucketPolicy", 403, "AccessDenied", "Access Denied");
        cloud.faults().add(Order::once(fault)).expect("ordered");
        let error = upload(&target, &package("one")).await.0.expect_err("refused").to_string();
        assert!(error.contains("set the policy of the bucket") && error.contains("AccessDenied"), "{error}");
        let artifact = upload(&target, &package("one")).await.0.expect("put");
        target.s3().get_bucket_policy().bucket(&artifact.bucket).send().await.expect("a policy");
    }

    #[tokio::test]
    async fn packages_that_no_stack_uses_go_after_their_time() {
        let (_cloud, target) = cloud().await;
        let old = upload(&target, &package("one")).await.0.expect("put");
        let new = upload(&target, &package("two")).await.0.expect("put");
        let gone = expire::unused(&target, &new.bucket, &new.key, expire::UNUSED_FOR).await.expect("looked");
        assert_eq!(gone, 0);
        let gone = expire::unused(&target, &new.bucket, &new.key, Duration::ZERO).await.expect("looked");
        assert_eq!(gone, 1);
        let left = target.s3().list_objects_v2().bucket(&new.bucket).send().await.expect("objects");
        let keys: Vec<&str> = left.contents().iter().filter_map(|object| object.key()).collect();
        assert_eq!(keys, [new.key.as_str()]);
        assert_ne!(old.key, new.key);
    }
}

/// A program as the loader reads it: header, program headers, and one segment with its strings,
/// libraries and version needs (System V ABI; Linux Standard Base, "Symbol Versioning").
#[derive(Debug, Clone)]
struct Elf {
    machine: u16,
    class: u8,
    interpreter: &'static str,
    libraries: Vec<&'static str>,
    /// Versions of libc, and whether only weak symbols want them.
    versions: Vec<(&'static str, bool)>,
}

impl Elf {
    fn bytes(&self) -> Vec<u8> {
        const HEADER: usize = 64;
        const PROGRAM_HEADER: usize = 56;
        let body_at = HEADER + 3 * PROGRAM_HEADER;
        let mut strings = vec![0];
        let mut string = |text: &str| {
            let at = strings.len() as u64;
            strings.extend(text.bytes().chain([0]));
            at
        };
        let libraries: Vec<u64> = self.libraries.iter().map(|name| string(name)).collect();
        let versions: Vec<(u64, bool)> = self.versions.iter().map(|(name, weak)| (string(name), *weak)).collect();
        let mut needs: Vec<u8> = Vec::new();
        let count = u16::try_from(versions.len()).expect("few");
        needs.extend([1_u16.to_le_bytes(), count.to_le_bytes()].concat());
        needs.extend([0_u32, 16, 0].iter().flat_map(|word| word.to_le_bytes()));
        for (index, (name, weak)) in versions.iter().enumerate() {
            let next: u32 = if index + 1 == versions.len() { 0 } else { 16 };
            needs.extend(0_u32.to_le_bytes());
            needs.extend(if *weak { 2_u16 } else { 0 }.to_le_bytes());
            needs.extend(2_u16.to_le_bytes());
            needs.extend(u32::try_from(*name).expect("small").to_le_bytes());
            needs.extend(next.to_le_bytes());
        }
        let interpreter: Vec<u8> = self.interpreter.bytes().chain([0]).collect();
        let strings_at = body_at as u64;
        let needs_at = strings_at + strings.len() as u64;
        let interpreter_at = needs_at + needs.len() as u64;
        let dynamic_at = (interpreter_at + interpreter.len() as u64).next_multiple_of(8);
        let mut dynamic: Vec<(u64, u64)> = libraries.iter().map(|at| (1, *at)).collect();
        dynamic.extend([(5, strings_at), (10, strings.len() as u64)]);
        if count > 0 {
            dynamic.extend([(0x6fff_fffe, needs_at), (0x6fff_ffff, 1)]);
        }
        dynamic.push((0, 0));
        let end = dynamic_at + dynamic.len() as u64 * 16;

        let mut bytes = vec![0x7f, b'E', b'L', b'F', self.class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([3_u16, self.machine].iter().flat_map(|half| half.to_le_bytes()));
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend([0_u64, HEADER as u64, 0].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend([64_u16, 56, 3, 64, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
        let mut segment = |kind: u32, at: u64, size: u64| {
            bytes.extend([kind, 4].iter().flat_map(|word| word.to_le_bytes()));
            bytes.extend([at, at, at, size, size, 8].iter().flat_map(|word| word.to_le_bytes()));
        };
        segment(1, 0, end);
        let second_kind = if self.interpreter.is_empty() { 0 } else { 3 };
        segment(second_kind, interpreter_at, interpreter.len() as u64);
        segment(2, dynamic_at, dynamic.len() as u64 * 16);
        bytes.extend(strings.iter().chain(&needs).chain(&interpreter));
        bytes.resize(usize::try_from(dynamic_at).expect("small"), 0);
        bytes.extend(dynamic.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat()));
        bytes
    }
}

fn elf() -> Elf {
    Elf {
        machine: 62,
        class: 2,
        interpreter: "/lib64/ld-linux-x86-64.so.2",
        libraries: vec!["libc.so.6", "libgcc_s.so.1"],
        versions: vec![("GLIBC_2.2.5", false), ("GLIBC_2.34", false)],
    }
}

fn read(bytes: &[u8]) -> Result<super::check::Program, String> {
    super::check::program(bytes, &std::collections::BTreeSet::new())
}

#[test]
fn a_program_for_lambda_is_known_with_what_it_needs() {
    let program = read(&elf().bytes()).expect("fits");
    assert_eq!(
        (program.architecture, program.glibc.map(|it| it.to_string())),
        (Some(Architecture::X86_64), Some("2.34".to_owned()))
    );
    assert!(program.unfit.is_empty(), "{:?}", program.unfit);
    let arm = Elf { machine: 183, interpreter: "/lib/ld-linux-aarch64.so.1", ..elf() };
    assert_eq!(read(&arm.bytes()).expect("fits").architecture, Some(Architecture::Arm64));
    let alone = Elf { interpreter: "", libraries: Vec::new(), versions: Vec::new(), ..elf() };
    let alone = read(&alone.bytes()).expect("fits");
    assert_eq!((alone.glibc, alone.unfit.len()), (None, 0));
}

#[test]
fn what_lambda_could_not_start_is_said_with_its_way_out() {
    let reasons = |elf: Elf| read(&elf.bytes()).expect("a program").unfit.join("; ");
    let newer = reasons(Elf { versions: vec![("GLIBC_2.34", false), ("GLIBC_2.39", false)], ..elf() });
    assert!(newer.contains("needs glibc 2.39") && newer.contains("cargo lambda build"), "{newer}");
    // The loader lets what only weak symbols want pass.
    assert_eq!(reasons(Elf { versions: vec![("GLIBC_2.34", false), ("GLIBC_2.39", true)], ..elf() }), "");
    let library = reasons(Elf { libraries: vec!["libc.so.6", "libpq.so.5"], ..elf() });
    assert!(library.contains("libpq.so.5") && !library.contains("libc.so.6"), "{library}");
    let musl = reasons(Elf { interpreter: "/lib/ld-musl-x86_64.so.1", libraries: vec!["libc.so"], ..elf() });
    assert!(musl.contains("/lib/ld-musl-x86_64.so.1") && musl.contains("link it statically"), "{musl}");
}

#[test]
fn a_library_in_the_zip_is_there() {
    let program = Elf { libraries: vec!["libc.so.6", "libpq.so.5"], ..elf() }.bytes();
    let beside = std::iter::once("lib/libpq.so.5".to_owned()).collect();
    assert!(super::check::program(&program, &beside).expect("a program").unfit.is_empty());
}

#[test]
fn what_no_cloud_could_start_is_refused() {
    let refused = |bytes: &[u8]| read(bytes).expect_err("refused");
    assert!(refused(&Elf { machine: 243, ..elf() }.bytes()).contains("machine 243"));
    assert!(refused(&Elf { class: 1, ..elf() }.bytes()).contains("32-bit"));
    let mut big_endian = elf().bytes();
    big_endian[5] = 2;
    assert!(refused(&big_endian).contains("little-endian"));
    assert!(refused(&elf().bytes()[..40]).contains("damaged"));
    assert!(refused(&[0xcf, 0xfa, 0xed, 0xfe, 7]).contains("macOS"));
    assert!(refused(b"").contains("empty"));
    let mut object = elf().bytes();
    object[16] = 1;
    assert!(refused(&object).contains("object file"));
}

#[cfg(target_os = "linux")]
#[test]
fn this_very_program_is_read() {
    let bytes = std::fs::read(std::env::current_exe().expect("a path")).expect("read");
    let program = read(&bytes).expect("a program");
    assert_eq!(program.architecture, Architecture::of_host());
    assert!(program.glibc.is_some() || cfg!(target_env = "musl"));
}

/// A cargo that does as cargo does, and one that fails.
#[cfg(unix)]
mod building {
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    use super::*;
    use crate::deploy::package::{PackageError, Workshop};

    fn workshop(folder: &std::path::Path, build: &str, cargo_lambda: bool) -> Workshop {
        let cargo = folder.join("cargo");
        let target = folder.join("target");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = metadata ]; then echo '{{\"target_directory\":\"{}\"}}'; exit 0; fi\n\
             echo \"$@\" >> {}/asked\n{build}\n",
            target.display(),
            folder.display()
        );
        fs::write(&cargo, script).expect("written");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("executable");
        Workshop {
            sources: Some(folder.to_owned()),
            cargo: Some(cargo),
            cargo_lambda,
            system: "linux",
            architecture: Some(Architecture::X86_64),
        }
    }

    fn program(folder: &std::path::Path, elf: &Elf, to: &str) -> PathBuf {
        let path = folder.join(to);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, elf.bytes()).expect("written");
        path
    }

    fn message(program: &std::path::Path) -> String {
        format!(
            "echo '{{\"reason\":\"compiler-artifact\",\"target\":{{\"name\":\"bootstrap\"}},\"executable\":\"{}\"}}'",
            program.display()
        )
    }

    #[tokio::test]
    async fn plain_cargo_builds_where_the_machine_fits_and_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let built = program(folder.path(), &elf(), "out/bootstrap");
        let script = format!("echo '   Compiling serde v1.0.0' >&2\n{}", message(&built));
        let workshop = workshop(folder.path(), &script, false);
        let (bytes, said) = saying(async |out| workshop.build(Architecture::X86_64, out).await).await;
        assert_eq!(bytes.expect("built"), elf().bytes());
        assert!(said[0].contains("for x86_64 with cargo"), "{said:?}");
        let asked = fs::read_to_string(folder.path().join("asked")).expect("asked");
        assert!(asked.starts_with("build ") && asked.contains("--profile lambda --locked"), "{asked}");
    }

    #[tokio::test]
    async fn cargo_lambda_builds_for_the_other_architecture_and_where_glibc_is_too_new() {
        let folder = tempfile::tempdir().expect("a folder");
        let arm = Elf { machine: 183, interpreter: "/lib/ld-linux-aarch64.so.1", ..elf() };
        program(folder.path(), &arm, "target/cargo-lambda/arm64/bootstrap/bootstrap");
        program(folder.path(), &elf(), "target/cargo-lambda/x86_64/bootstrap/bootstrap");
        let newer = program(folder.path(), &Elf { versions: vec![("GLIBC_2.39", false)], ..elf() }, "out/bootstrap");
        let workshop = workshop(folder.path(), &message(&newer), true);
        let build = async |wanted| saying(async |out| workshop.build(wanted, out).await).await.0;
        assert_eq!(build(Architecture::Arm64).await.expect("built"), arm.bytes());
        assert_eq!(build(Architecture::X86_64).await.expect("built"), elf().bytes());
        let asked = fs::read_to_string(folder.path().join("asked")).expect("asked");
        let commands: Vec<&str> = asked.lines().collect();
        assert!(commands[0].starts_with("lambda build --arm64 --lambda-dir "), "{asked}");
        assert!(commands[1].starts_with("build ") && commands[2].starts_with("lambda build --x86-64 "), "{asked}");
        let without = Workshop { cargo_lambda: false, ..workshop.clone() };
        let missing = saying(async |out| without.build(Architecture::X86_64, out).await).await.0;
        let missing = missing.expect_err("too new").to_string();
        assert!(missing.contains("newer glibc") && missing.contains("pipx install cargo-lambda"), "{missing}");
    }

    #[tokio::test]
    async fn a_build_that_fails_says_what_cargo_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let workshop = workshop(folder.path(), "echo 'error: linker `cc` not found' >&2; exit 101", false);
        let failed = saying(async |out| workshop.build(Architecture::X86_64, out).await).await.0.expect_err("failed");
        assert!(matches!(failed, PackageError::Build { .. }));
        let text = failed.to_string();
        assert!(text.contains("linker `cc` not found") && text.contains("cargo build"), "{text}");
    }
}
