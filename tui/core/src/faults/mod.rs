//! What can be broken on purpose in the local cloud: one table of faults by plain name, which the
//! command line's help, the app's panel and the README are made of; orders as people write them
//! (`crash=20%,for=2m`) and as the cloud takes and lists them (`Tailwater.PutFault`).

mod exercise;
mod kind;
mod order;
mod table;
mod wire;

pub use exercise::{Exercise, fill};
pub use kind::{Adjustment, Kind};
pub use order::{Order, WrongOrder, parse, read_duration};
pub use table::{help, markdown};
pub use wire::Standing;
