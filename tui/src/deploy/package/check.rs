//! Whether a program can be the function: a script, or a Linux program that Lambda's
//! `provided.al2023` can start. All of it is read from the file as the system's loader reads it,
//! nothing is run.

use std::{collections::BTreeSet, fmt};

use object::{
    LittleEndian,
    elf::{self, FileHeader64},
    read::elf::{Dyn, FileHeader, ProgramHeader},
};

/// The newest glibc that `provided.al2023` has (Amazon Linux 2023 User Guide, "glibc, gcc, and
/// binutils").
pub const NEWEST_GLIBC: Version = Version(2, 34);
/// The folders of a zip in which Lambda's loader looks for libraries: its `LD_LIBRARY_PATH` names
/// `/var/task` and `/var/task/lib` (Lambda Developer Guide, "Defined runtime environment variables").
pub const LIBRARY_FOLDERS: [&str; 2] = ["", "lib/"];
/// Libraries of the packages in the Amazon Linux 2023 minimal container image, which
/// `provided.al2023` is based on (Amazon Linux 2023 User Guide, "Using AL2023 in AWS Lambda"): of
/// glibc, libgcc, libstdc++, zlib, openssl-libs and libcurl-minimal.
const LIBRARIES: [&str; 17] = [
    "libc.so.6",
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libresolv.so.2",
    "libutil.so.1",
    "libanl.so.1",
    "libnsl.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libz.so.1",
    "libcrypto.so.3",
    "libssl.so.3",
    "libcurl.so.4",
];
/// The size of an entry in the table of version needs, of both kinds (Linux Standard Base, "Symbol
/// Versioning").
const ENTRY_BYTES: usize = 16;
/// Far more entries than any program has: a table that claims more is not read on.
const MOST_ENTRIES: usize = 10_000;

/// A processor architecture that Lambda has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Intel and AMD.
    X86_64,
    /// AWS Graviton.
    Arm64,
}

impl Architecture {
    /// Both.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// As the template's parameter `Architecture` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The architecture that a parameter's value names.
    pub fn from_parameter(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == value)
    }

    /// This machine's; `None` where Lambda has none like it.
    pub fn of_host() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }

    /// `e_machine` of an ELF file.
    fn machine(self) -> u16 {
        match self {
            Self::X86_64 => elf::EM_X86_64,
            Self::Arm64 => elf::EM_AARCH64,
        }
    }

    /// The loader that a dynamically linked program names.
    fn interpreter(self) -> &'static str {
        match self {
            Self::X86_64 => "/lib64/ld-linux-x86-64.so.2",
            Self::Arm64 => "/lib/ld-linux-aarch64.so.1",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16);

impl Version {
    /// Of a symbol version such as `GLIBC_2.34` or `GLIBC_2.2.5`.
    fn of_symbol(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
        Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

/// What a `bootstrap` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What it is built for; `None`: a script, which runs on both.
    pub architecture: Option<Architecture>,
    /// The newest glibc it needs; `None`: it needs none.
    pub glibc: Option<Version>,
    /// Why `provided.al2023` could not start it, each reason with its way out.
    pub unfit: Vec<String>,
}

/// Reads a `bootstrap`; `beside` has the names of the zip's files. An error is what no cloud could
/// start.
pub fn program(bytes: &[u8], beside: &BTreeSet<String>) -> Result<Program, String> {
    if bytes.starts_with(b"#!") {
        let unfit = if bytes.iter().take_while(|byte| **byte != b'\n').any(|byte| *byte == b'\r') {
            vec!["its `bootstrap` is a script with Windows line ends: convert it with `dos2unix bootstrap`".to_owned()]
        } else {
            Vec::new()
        };
        return Ok(Program { architecture: None, glibc: None, unfit });
    }
    if !bytes.starts_with(b"\x7fELF") {
        let kind = match bytes {
            [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
                "a macOS program. Build it for Linux with `cargo lambda build`"
            }
            [b'M', b'Z', ..] => "a Windows program. Build it for Linux with `cargo lambda build`",
            [] => "an empty file",
            _ => "neither a script (`#!`) nor a Linux program (ELF)",
        };
        return Err(format!("its `bootstrap` is {kind}"));
    }
    // Class and byte order stand in the fifth and sixth byte.
    match bytes.get(4..6) {
        Some([elf::ELFCLASS64, elf::ELFDATA2LSB]) => {}
        Some([elf::ELFCLASS32, _]) => {
            return Err("its `bootstrap` is a 32-bit program; Lambda has 64-bit systems only".to_owned());
        }
        _ => return Err("its `bootstrap` is no little-endian program, as Lambda's processors are".to_owned()),
    }
    let damaged = |error: object::Error| format!("its `bootstrap` is a damaged program ({error}): build it again");
    let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(damaged)?;
    let machine = header.e_machine(LittleEndian);
    let architecture = Architecture::ALL.into_iter().find(|known| known.machine() == machine).ok_or_else(|| {
        format!(
            "its `bootstrap` is built for ELF machine {machine}; Lambda has x86_64 ({}) and arm64 ({})",
            elf::EM_X86_64,
            elf::EM_AARCH64
        )
    })?;
    let kind = header.e_type(LittleEndian);
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        return Err("its `bootstrap` is an object file, not a linked program: give the program itself".to_owned());
    }
    let linked = Linked::read(header, bytes).map_err(damaged)?;
    let mut unfit = Vec::new();
    if let Some(interpreter) = linked.interpreter.as_deref().filter(|found| *found != architecture.interpreter()) {
        let advice = if interpreter.contains("musl") {
            "link it statically (Rust does for the musl targets), or build it for glibc"
        } else {
            "build it for an ordinary Linux (gnu) target"
        };
        unfit.push(format!(
            "its `bootstrap` wants the loader {interpreter}; provided.al2023 has {}: {advice}",
            architecture.interpreter()
        ));
    }
    let missing: Vec<&str> = linked
        .libraries
        .iter()
        .map(String::as_str)
        .filter(|name| !LIBRARIES.contains(name))
        .filter(|name| !LIBRARY_FOLDERS.iter().any(|folder| beside.contains(&format!("{folder}{name}"))))
        .collect();
    if !missing.is_empty() && linked.interpreter.as_deref() == Some(architecture.interpreter()) {
        unfit.push(format!(
            "its `bootstrap` needs {}, which provided.al2023 does not have: link it statically, or put it into the \
             zip's `lib` folder",
            missing.join(", ")
        ));
    }
    if let Some(glibc) = linked.glibc.filter(|needed| *needed > NEWEST_GLIBC) {
        unfit.push(format!(
            "its `bootstrap` needs glibc {glibc}; provided.al2023 has {NEWEST_GLIBC}: build it with `cargo lambda \
             build`, or on a system with glibc {NEWEST_GLIBC} or older"
        ));
    }
    Ok(Program { architecture: Some(architecture), glibc: linked.glibc, unfit })
}

/// What a program wants of the system that loads it.
#[derive(Debug, Default)]
struct Linked {
    interpreter: Option<String>,
    libraries: Vec<String>,
    glibc: Option<Version>,
}

impl Linked {
    /// Goes by the program headers, as the loader does: the section headers may have been stripped.
    fn read(header: &FileHeader64<LittleEndian>, bytes: &[u8]) -> object::Result<Self> {
        let endian = LittleEndian;
        let segments = header.program_headers(endian, bytes)?;
        let at = |address: u64| {
            segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
                let offset = usize::try_from(address.checked_sub(segment.p_vaddr(endian))?).ok()?;
                segment.data(endian, bytes).ok()?.get(offset..)
            })
        };
        let mut linked = Self::default();
        let mut dynamic = Vec::new();
        for segment in segments {
            if let Some(name) = segment.interpreter(endian, bytes)? {
                linked.interpreter = Some(String::from_utf8_lossy(name).into_owned());
            }
            for entry in segment.dynamic(endian, bytes)?.unwrap_or_default() {
                match entry.d_tag(endian) {
                    elf::DT_NULL => break,
                    tag => dynamic.push((tag, entry.d_val(endian))),
                }
            }
        }
        let value = |wanted: i64| dynamic.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
        let strings = value(elf::DT_STRTAB).and_then(at).unwrap_or_default();
        let string = |offset: u64| {
            let rest = strings.get(usize::try_from(offset).ok()?..)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            Some(String::from_utf8_lossy(&rest[..end]).into_owned())
        };
        linked.libraries =
            dynamic.iter().filter(|(tag, _)| *tag == elf::DT_NEEDED).filter_map(|(_, name)| string(*name)).collect();
        linked.glibc = value(elf::DT_VERNEED)
            .and_then(at)
            .map(needed_versions)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|name| Version::of_symbol(&string(name)?))
            .max();
        Ok(linked)
    }
}

/// The names, as places among the strings, of the symbol versions that the loader insists on: it
/// lets one pass that only weak symbols ask for, as newer functions that a program can do without.
fn needed_versions(table: &[u8]) -> Vec<u64> {
    let half = |at: usize| table.get(at..at + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let word = |at: usize| {
        let bytes = table.get(at..at + 4)?;
        usize::try_from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).ok()
    };
    let mut names = Vec::new();
    let mut entries = 0;
    let mut need = 0;
    // Each step goes on by at least an entry, so a table that points back at itself ends too.
    while let (Some(count), Some(first), Some(next)) = (half(need + 2), word(need + 8), word(need + 12)) {
        let mut version = need + first;
        for _ in 0..count {
            entries += 1;
            let (Some(flags), Some(name), Some(further)) = (half(version + 4), word(version + 8), word(version + 12))
            else {
                break;
            };
            if flags & elf::VER_FLG_WEAK == 0 {
                names.push(name as u64);
            }
            if further < ENTRY_BYTES {
                break;
            }
            version += further;
        }
        if next < ENTRY_BYTES || entries > MOST_ENTRIES {
            break;
        }
        need += next;
    }
    names
}
