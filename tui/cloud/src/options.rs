//! How an embedded cloud is started.

use std::{ffi::OsString, path::PathBuf};

/// Whether the per-shard limits of Kinesis hold, as on AWS, or are lifted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Limits {
    /// 5 reads a second and 2 MB/s out, 1,000 records and 1 MB a second in, each per shard.
    #[default]
    Aws,
    /// None of them.
    Off,
}

/// How an embedded cloud is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port of the endpoint that serves every service; `None`: a free one.
    pub port: Option<u16>,
    /// The port of the HTTP API gateway; `None`: 3000, or the next free one.
    pub gateway_port: Option<u16>,
    /// Where objects are kept; `None`: a temporary folder that goes with the cloud.
    pub data_dir: Option<PathBuf>,
    /// Whether the limits of Kinesis hold.
    pub limits: Limits,
    /// Bytes of Kinesis records kept in memory; the oldest go first.
    pub retained_bytes: u64,
    /// The command, program and arguments, that runs [`crate::supervisor::run`] in a process of
    /// its own. It is followed by what the supervisor needs to know.
    pub supervisor: Vec<OsString>,
    /// The region to be in.
    pub region: String,
}

impl Options {
    /// The defaults, with the command that supervises functions.
    pub fn new(supervisor: Vec<OsString>) -> Self {
        Self {
            port: None,
            gateway_port: None,
            data_dir: None,
            limits: Limits::Aws,
            retained_bytes: 64 * 1024 * 1024,
            supervisor,
            region: "ap-southeast-2".to_owned(),
        }
    }
}
