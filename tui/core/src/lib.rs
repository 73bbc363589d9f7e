//! The pure part of Tailwater: no I/O, no clock, no async, no AWS, no terminal.
//!
//! [`events`] are what was seen, [`pipeline`] what is deployed, [`trace`] joins the two into the
//! way of single events, [`guide`] explains what is looked at, [`faults`] are what can be broken on
//! purpose, [`app`] is the terminal app's state and its update, [`text`] what every rendering shares.

pub mod app;
pub mod events;
pub mod faults;
pub mod guide;
pub mod pipeline;
pub mod text;
pub mod trace;
