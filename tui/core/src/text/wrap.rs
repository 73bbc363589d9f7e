//! Our own words in lines: texts whose letters take a cell each.

/// The text in lines of at most so many letters, broken between words; a longer word is broken.
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut taken = 0;
        for word in paragraph.split(' ') {
            let letters = word.chars().count();
            if taken > 0 && taken + 1 + letters > width {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            if taken > 0 {
                line.push(' ');
                taken += 1;
            }
            for letter in word.chars() {
                if taken == width {
                    lines.push(std::mem::take(&mut line));
                    taken = 0;
                }
                line.push(letter);
                taken += 1;
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_between_words_and_only_long_words_within() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("a bcdefgh i", 4), ["a", "bcde", "fgh", "i"]);
        assert_eq!(lines("a\n\nb", 4), ["a", "", "b"]);
        assert!(lines("", 4).is_empty());
    }
}
