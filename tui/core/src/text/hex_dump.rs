//! Bytes that are no text, for people.

/// Lines of sixteen bytes: offset, hexadecimal, and what of it is printable ASCII.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    bytes
        .chunks(16)
        .enumerate()
        .map(|(index, chunk)| {
            let mut hexadecimal = String::with_capacity(50);
            for (place, byte) in chunk.iter().enumerate() {
                hexadecimal.push_str(&format!("{byte:02x} "));
                if place == 7 {
                    hexadecimal.push(' ');
                }
            }
            let ascii: String = chunk
                .iter()
                .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '·' })
                .collect();
            format!("{:06x}  {hexadecimal:<50}{ascii}", index * 16)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_line_is_aligned_with_the_others() {
        let lines = super::lines(b"\x00\xffabc defghijklmnop");
        assert_eq!(lines[0], "000000  00 ff 61 62 63 20 64 65  66 67 68 69 6a 6b 6c 6d  ··abc defghijklm");
        assert_eq!(lines[1], "000010  6e 6f 70                                          nop");
    }
}
