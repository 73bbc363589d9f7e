//! What is handed on: pictures of the screen.

mod picture;

pub use picture::{Shades, svg};
