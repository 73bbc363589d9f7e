//! Numbers and sizes for people, each with its unit.

/// `1,204`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its word: `1 event`, `1,204 events`.
pub fn counted(number: u64, word: &str) -> String {
    format!("{} {word}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A size in decimal units, as AWS counts: `34 B`, `12.3 KB`, `8.1 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // In tenths of the unit, rounded, so that 999,950 B is 1.0 MB and never 1000.0 KB.
    let mut scale = 1000_u128;
    for unit in UNITS {
        let tenths = (u128::from(bytes) * 10 + scale / 2) / scale;
        if tenths < 10_000 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        scale *= 1000;
    }
    format!("{} EB", bytes / 1_000_000_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_by_three() {
        assert_eq!([0, 999, 1204, 1_000_000].map(grouped), ["0", "999", "1,204", "1,000,000"]);
        assert_eq!(counted(1, "event"), "1 event");
        assert_eq!(counted(1204, "event"), "1,204 events");
    }

    #[test]
    fn a_size_rounds_into_the_next_unit() {
        assert_eq!([0, 999, 1000, 12_345].map(size), ["0 B", "999 B", "1.0 KB", "12.3 KB"]);
        assert_eq!([999_949, 999_950, 8_100_000].map(size), ["999.9 KB", "1.0 MB", "8.1 MB"]);
        assert_eq!(size(u64::MAX), "18 EB");
    }
}
