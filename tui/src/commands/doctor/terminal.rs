//! Whether this terminal can show the app.

use std::io::IsTerminal;

use tailwater_core::app::SMALLEST;

use super::report::Check;

/// What is known of the terminal.
#[derive(Debug, Clone, Default)]
pub struct Terminal {
    /// Standard input and output are one.
    pub present: bool,
    /// Columns and rows.
    pub size: Option<(u16, u16)>,
    /// `TERM`.
    pub term: String,
    /// `COLORTERM`.
    pub colorterm: String,
    /// The first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set.
    pub locale: String,
    /// `NO_COLOR` is set.
    pub no_color: bool,
}

impl Terminal {
    /// This process's.
    pub fn here() -> Self {
        let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            present: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
            size: crossterm::terminal::size().ok(),
            term: value("TERM").unwrap_or_default(),
            colorterm: value("COLORTERM").unwrap_or_default(),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default(),
            no_color: value("NO_COLOR").is_some(),
        }
    }
}

/// Size, colours and letters.
pub fn checks(terminal: &Terminal) -> Vec<Check> {
    if !terminal.present {
        return vec![Check::unknown(
            "terminal",
            "input or output is not a terminal: the app needs one, commands do not",
        )];
    }
    vec![kind(terminal), size(terminal), colours(terminal), letters(terminal)]
}

fn kind(terminal: &Terminal) -> Check {
    match terminal.term.as_str() {
        "" | "dumb" | "unknown" => {
            let shown = if terminal.term.is_empty() { "not set" } else { &terminal.term };
            Check::bad("terminal", format!("TERM is {shown}: nothing can be drawn"), "export TERM=xterm-256color")
        }
        term => Check::good("terminal", term),
    }
}

fn size(terminal: &Terminal) -> Check {
    let (columns, rows) = SMALLEST;
    match terminal.size {
        None => Check::unknown("size", "the terminal does not say its size"),
        Some((width, height)) if width < columns || height < rows => Check::bad(
            "size",
            format!("{width} columns and {height} rows; the app needs {columns} and {rows}"),
            format!("printf '\\033[8;{};{}t'", rows.max(24), columns.max(80)),
        ),
        Some((width, height)) => Check::good("size", format!("{width} columns, {height} rows")),
    }
}

fn colours(terminal: &Terminal) -> Check {
    let many = matches!(terminal.colorterm.as_str(), "truecolor" | "24bit");
    if terminal.no_color {
        Check::good("colours", "none, as NO_COLOR asks")
    } else if many || terminal.term.contains("direct") {
        Check::good("colours", "16 million")
    } else if terminal.term.contains("256color") {
        Check::good("colours", "256")
    } else if ["mono", "vt100", "vt220"].iter().any(|plain| terminal.term.contains(plain)) {
        Check::bad("colours", format!("TERM={} has none", terminal.term), "export TERM=xterm-256color")
    } else {
        Check::good("colours", "16")
    }
}

fn letters(terminal: &Terminal) -> Check {
    let locale = &terminal.locale;
    let plain = locale.to_ascii_lowercase().replace('-', "");
    if plain.contains("utf8") {
        Check::good("letters", locale)
    } else {
        let shown = if locale.is_empty() { "no locale is set" } else { locale };
        Check::bad("letters", format!("{shown}: lines and signs need UTF-8"), "export LC_ALL=C.UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Terminal {
        Terminal {
            present: true,
            size: Some((120, 40)),
            term: "xterm-256color".to_owned(),
            colorterm: String::new(),
            locale: "en_GB.UTF-8".to_owned(),
            no_color: false,
        }
    }

    #[test]
    fn each_thing_a_terminal_lacks_fails_alone() {
        assert!(checks(&good()).iter().all(|check| check.ok == Some(true)));
        let wrong: [(&str, Terminal); 5] = [
            ("terminal", Terminal { term: "dumb".to_owned(), ..good() }),
            ("terminal", Terminal { term: String::new(), ..good() }),
            ("size", Terminal { size: Some((39, 10)), ..good() }),
            ("colours", Terminal { term: "vt100".to_owned(), ..good() }),
            ("letters", Terminal { locale: "C".to_owned(), ..good() }),
        ];
        for (name, terminal) in wrong {
            let failed: Vec<Check> = checks(&terminal).into_iter().filter(|check| check.ok == Some(false)).collect();
            let names: Vec<&str> = failed.iter().map(|check| check.name.as_str()).collect();
            assert_eq!(names, [name], "{terminal:?}");
            assert!(failed[0].fix.is_some());
        }
    }

    #[test]
    fn what_is_no_terminal_is_not_judged() {
        let checks = checks(&Terminal::default());
        assert_eq!((checks.len(), checks[0].ok), (1, None));
    }
}
