//! What of a function's code is executed, and whether it can be.

use std::{
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::failure::Failure;

/// What Lambda looks for in the function's folder.
pub(super) const NAME: &str = "bootstrap";

/// The function's executable. One built for another machine than the function's fails as on AWS,
/// even where this machine could run it.
pub(super) fn find(directory: &Path, architecture: &str) -> Result<PathBuf, Failure> {
    let program = directory.join(NAME);
    let invalid = |message: String| Failure::new("Runtime.InvalidEntrypoint", message);
    let mut head = Vec::new();
    let file = std::fs::File::open(&program);
    let Ok(metadata) =
        program.metadata().map_err(drop).and_then(|found| if found.is_file() { Ok(found) } else { Err(()) })
    else {
        let missing = format!("Couldn't find valid bootstrap(s): [{} /opt/bootstrap]", program.display());
        return Err(invalid(missing));
    };
    // Without its execute bit the system refuses it, whatever it is.
    let executable = metadata.permissions().mode() & 0o111 != 0;
    if executable
        && file.is_ok_and(|file| file.take(20).read_to_end(&mut head).is_ok())
        && !can_run(&head, architecture)
    {
        return Err(invalid(format!("fork/exec {}: exec format error", program.display())));
    }
    Ok(program)
}

/// Whether a file that begins so can run as a function for `architecture`. Asked here because the
/// standard library's exec hands what the system does not know to a shell, which Lambda does not.
fn can_run(head: &[u8], architecture: &str) -> bool {
    if head.starts_with(b"#!") {
        return true;
    }
    if cfg!(target_os = "macos") && (head.starts_with(&[0xcf, 0xfa, 0xed, 0xfe]) || head.starts_with(&[0xca, 0xfe])) {
        return true;
    }
    let here = if cfg!(target_arch = "aarch64") { "arm64" } else { std::env::consts::ARCH };
    cfg!(target_os = "linux") && architecture == here && elf_machine(head) == Some(architecture)
}

/// The machine that an ELF file's first bytes name, in Lambda's words; `None`: no such file.
fn elf_machine(head: &[u8]) -> Option<&'static str> {
    let machine = head.strip_prefix(b"\x7fELF")?.get(14..16)?;
    Some(match (machine[0], machine[1]) {
        (62, 0) => "x86_64",
        (183, 0) => "arm64",
        _ => "another",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u8) -> Vec<u8> {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(20, 0);
        head[18] = machine;
        head
    }

    #[test]
    fn a_binary_runs_only_where_it_function_and_machine_agree() {
        assert_eq!(elf_machine(&elf(62)), Some("x86_64"));
        assert_eq!(elf_machine(&elf(183)), Some("arm64"));
        assert_eq!(elf_machine(b"#!/bin/sh\n"), None);
        assert!(!can_run(&elf(62), "arm64") && !can_run(&elf(183), "x86_64"));
        assert!(!can_run(&elf(3), "x86_64") && !can_run(b"echo", "x86_64") && !can_run(b"", "x86_64"));
        assert!(can_run(b"#!/bin/sh\n", "arm64"), "a script is for every machine");
    }
}
