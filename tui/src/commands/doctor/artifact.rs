//! The function's package: whether there is one, or one can be built, and whether Lambda can start it.

use std::path::Path;

use super::report::Check;
use crate::{
    deploy::{Architecture, Package, Request, System, Tool, Workshop, beside, check_handler_zip},
    target::Kind,
};

/// Looks for the package as a deployment would.
pub fn checks(request: &Request, kind: Kind, place: &str) -> Vec<Check> {
    let asked = request.parameters.iter().find(|(key, _)| key == "Architecture").map(|(_, value)| value.as_str());
    let asked = asked.and_then(Architecture::from_parameter);
    if let Some((_, key)) = request.parameters.iter().find(|(key, _)| key == "ArtifactKey") {
        return vec![Check::good("artifact", format!("{key}, as given: it is not looked at"))];
    }
    let workshop = Workshop::here();
    let found = request
        .handler_zip
        .clone()
        .or_else(|| if kind == Kind::Local { None } else { beside(asked.unwrap_or_else(|| workshop.usual())) });
    match found {
        Some(path) => of_zip(&path, asked, kind, request.handler_zip.is_some(), place),
        None if kind == Kind::Local => vec![Check::good("artifact", "this program stands in as the function")],
        None => vec![of_build(&workshop, asked.unwrap_or_else(|| workshop.usual()))],
    }
}

fn of_zip(path: &Path, asked: Option<Architecture>, kind: Kind, given: bool, place: &str) -> Vec<Check> {
    // What only Lambda's own system decides has a line of its own.
    let package = match check_handler_zip(path, System::Emulator) {
        Ok(package) => package,
        Err(error) => {
            let fix = if given { rebuild(asked) } else { format!("rm {}", quoted(path)) };
            return vec![Check::bad("artifact", error.to_string(), fix)];
        }
    };
    let mut checks = vec![Check::good("artifact", path.display().to_string())];
    checks.push(architecture(&package, asked, path, place));
    if kind == Kind::Aws || !package.doubts.is_empty() {
        checks.push(system(&package, kind, asked));
    }
    checks
}

fn architecture(package: &Package, asked: Option<Architecture>, path: &Path, place: &str) -> Check {
    match asked.filter(|asked| *asked != package.architecture) {
        Some(asked) => Check::bad(
            "architecture",
            format!("the package is built for {}, asked for is {asked}", package.architecture),
            format!(
                "tailwater deploy{place} --handler-zip {} --param Architecture={}",
                quoted(path),
                package.architecture
            ),
        ),
        None => Check::good("architecture", package.architecture.as_str()),
    }
}

fn system(package: &Package, kind: Kind, asked: Option<Architecture>) -> Check {
    match (package.doubts.is_empty(), kind) {
        (true, _) => {
            let needs =
                package.glibc.map_or_else(|| "needs none of it".to_owned(), |version| format!("needs {version}"));
            Check::good("glibc", format!("{needs}; provided.al2023 has 2.34"))
        }
        (false, Kind::Aws) => Check::bad("glibc", package.doubts.join("; "), rebuild(asked)),
        (false, _) => Check::good("glibc", format!("on AWS it could not run: {}", package.doubts.join("; "))),
    }
}

fn of_build(workshop: &Workshop, wanted: Architecture) -> Check {
    match workshop.tool(wanted) {
        Ok(tool) => {
            let sources = workshop.sources.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
            let how = match tool {
                Tool::Cargo => "cargo",
                Tool::CargoLambda => "cargo lambda",
            };
            Check::good("artifact", format!("a deployment builds it for {wanted} with {how}, in {sources}"))
        }
        Err(reason) => Check::bad("artifact", format!("none for {wanted}: {reason}"), workshop.install(wanted)),
    }
}

fn rebuild(asked: Option<Architecture>) -> String {
    let flag = match asked.or_else(Architecture::of_host) {
        Some(Architecture::Arm64) => "--arm64",
        _ => "--x86-64",
    };
    format!("cargo lambda build --package tailwater-handler --profile lambda {flag} --output-format zip")
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::{io::Write, path::PathBuf};

    use super::*;

    fn request(zip: Option<&Path>, architecture: Option<&str>) -> Request {
        Request {
            stack_name: "demo".to_owned(),
            handler_zip: zip.map(Path::to_owned),
            parameters: architecture.iter().map(|value| ("Architecture".to_owned(), (*value).to_owned())).collect(),
            ..Request::default()
        }
    }

    #[test]
    fn what_is_no_package_fails() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"no zip").expect("written");
        for kind in [Kind::Aws, Kind::Custom] {
            let checks = checks(&request(Some(file.path()), None), kind, "");
            assert_eq!((checks.len(), checks[0].ok), (1, Some(false)));
            assert!(checks[0].fix.as_deref().is_some_and(|fix| fix.starts_with("cargo lambda build")));
        }
    }

    #[test]
    fn a_machine_without_cargo_or_like_no_lambda_fails_with_what_to_install() {
        let here = Workshop {
            sources: Some(PathBuf::from("/sources")),
            cargo: Some(PathBuf::from("/bin/cargo")),
            cargo_lambda: false,
            system: "linux",
            architecture: Some(Architecture::X86_64),
        };
        assert_eq!(of_build(&here, Architecture::X86_64).ok, Some(true));
        let arm = of_build(&here, Architecture::Arm64);
        assert_eq!((arm.ok, arm.fix.as_deref()), (Some(false), Some("pipx install cargo-lambda")));
        let mac = Workshop { system: "macos", architecture: Some(Architecture::Arm64), ..here.clone() };
        let on_mac = of_build(&mac, Architecture::Arm64);
        assert_eq!(
            (on_mac.ok, on_mac.fix.as_deref()),
            (Some(false), Some("brew install cargo-lambda/tap/cargo-lambda"))
        );
        assert_eq!(of_build(&Workshop { cargo_lambda: true, ..mac }, Architecture::Arm64).ok, Some(true));
        let without = of_build(&Workshop { cargo: None, ..here.clone() }, Architecture::X86_64);
        assert!(without.fix.is_some_and(|fix| fix.contains("rustup.rs")));
        assert_eq!(of_build(&Workshop { sources: None, ..here }, Architecture::X86_64).ok, Some(false));
    }

    #[test]
    fn a_package_for_another_architecture_or_system_fails() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        let mut writer = zip::ZipWriter::new(file.as_file_mut());
        writer.start_file("bootstrap", options).expect("an entry");
        writer.write_all(b"#!/bin/sh\n").expect("written");
        writer.finish().expect("a zip");
        let other = match Architecture::of_host() {
            Some(Architecture::X86_64) => "arm64",
            _ => "x86_64",
        };
        let well = checks(&request(Some(file.path()), None), Kind::Aws, "");
        assert!(well.iter().all(|check| check.ok == Some(true)), "{well:?}");
        let checks = checks(&request(Some(file.path()), Some(other)), Kind::Aws, " --target aws");
        let check = checks.iter().find(|check| check.name == "architecture").expect("a line");
        assert_eq!(check.ok, Some(false));
        assert!(
            check.fix.as_deref().is_some_and(|fix| fix.starts_with("tailwater deploy --target aws --handler-zip "))
        );
        let mut package = check_handler_zip(file.path(), System::Lambda).expect("a package");
        package.doubts.push("its `bootstrap` needs glibc 2.39".to_owned());
        assert_eq!(system(&package, Kind::Aws, None).ok, Some(false));
        assert_eq!(system(&package, Kind::Custom, None).ok, Some(true));
    }
}
