//! Bytes that are no text, for people.

/// Lines of sixteen bytes: offset, hexadecimal, and what of it is printable ASCII.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    bytes
        .chunks(16)
        .enumerate()
        .map(|(index, chunk)| {
            let halves: Vec<String> = chunk.chunks(8).map(hex_of).collect();
            let hexadecimal = halves.join("  ");
            let ascii: String = chunk
                .iter()
                .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '·' })
                .collect();
            format!("{:06x}  {hexadecimal:<50}{ascii}", index * 16)
        })
        .collect()
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
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
