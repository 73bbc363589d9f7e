//! What every rendering shares: making hostile text safe, numbers and times for people, the
//! placeholders of a body, JSON as it was written, log lines in brief.

pub mod curl;
pub mod difference;
pub mod hex_dump;
pub mod json;
pub mod log_line;
pub mod mask;
pub mod number;
pub mod placeholders;
pub mod safe;
pub mod time;
pub mod wrap;
