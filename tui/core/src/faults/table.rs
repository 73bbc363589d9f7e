//! The table as the command line's help and as Markdown for the README.

use std::fmt::Write;

use super::Kind;

/// The lines of the table for `--help`: name, what can be written behind it, what it does.
pub fn help() -> String {
    let mut text = "Faults, in the order of the data:\n".to_owned();
    for kind in Kind::ALL {
        // Writing into memory does not fail.
        let _ = writeln!(text, "  {:<18}{}", written(kind), kind.does());
    }
    text.push_str(
        "Each takes =20% (of what comes by), =5x (so many), for=2m (then it ends), of=NAME (only there), \
         combined by commas: crash=20%,for=2m,slow=1s,50%\n",
    );
    text
}

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    let mut text = "| fault | where | what happens |\n| --- | --- | --- |\n".to_owned();
    for kind in Kind::ALL {
        let _ = writeln!(text, "| `{}` | {} | {} |", written(kind), kind.hop().name(), kind.does());
    }
    text
}

fn written(kind: Kind) -> String {
    if kind.amount().is_some() { super::Order::new(kind).to_string() } else { kind.name().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_readme_name_every_fault() {
        for kind in Kind::ALL {
            assert!(help().contains(kind.name()) && markdown().contains(kind.name()), "{}", kind.name());
            assert!(kind.name().len() < 18, "{} fits its column", kind.name());
        }
    }
}
