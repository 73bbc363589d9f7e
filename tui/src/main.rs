//! The command line's entry.

#[allow(dead_code)]
mod ui;

fn main() {}
