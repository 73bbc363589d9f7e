//! What every rendering shares: making hostile text safe, numbers and times for people, the
//! placeholders of a body, JSON and numbers as they were written, log lines in brief.

pub mod curl;
pub mod decimal;
pub mod difference;
pub mod find;
pub mod hex_dump;
pub mod json;
pub mod json_lines;
pub mod json_tree;
pub mod log_line;
pub mod mask;
pub mod number;
pub mod placeholders;
pub mod safe;
pub mod time;
pub mod wrap;
