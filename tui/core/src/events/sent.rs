//! A request that was sent from here.

use std::time::Duration;

use bytes::Bytes;

use super::{ApiRequestId, SequenceNumber, ShardId, Timestamp};

/// A request that was sent from here, with its answer.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its number in this session, from 1: `#42`.
    pub seq: u64,
    /// When it was sent, by this machine's clock.
    pub time: Timestamp,
    /// From the first byte sent to the last received.
    pub latency: Duration,
    /// The body as it was sent.
    pub body: Bytes,
    /// What came back.
    pub answer: Answer,
}

/// What came back.
#[derive(Debug, Clone)]
pub enum Answer {
    /// 202: the function put it to the stream.
    Accepted {
        /// The gateway's id of the request.
        api_request_id: ApiRequestId,
        /// The shard it is in.
        shard_id: ShardId,
        /// Its place in the shard.
        sequence_number: SequenceNumber,
    },
    /// Any other status.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The answer proves that nothing was put; else it may have been, or not.
        nothing_put: bool,
        /// The gateway's id of the request, where the answer carried one.
        api_request_id: Option<ApiRequestId>,
        /// The body's own words.
        message: String,
    },
    /// No answer: the connection failed or timed out, and it may have arrived or not.
    Unanswered {
        /// What happened.
        message: String,
    },
}

impl Sent {
    /// The HTTP status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        match &self.answer {
            Answer::Accepted { .. } => Some(202),
            Answer::Refused { status, .. } => Some(*status),
            Answer::Unanswered { .. } => None,
        }
    }

    /// The gateway's id of the request, where there was one.
    pub fn api_request_id(&self) -> Option<&ApiRequestId> {
        match &self.answer {
            Answer::Accepted { api_request_id, .. } => Some(api_request_id),
            Answer::Refused { api_request_id, .. } => api_request_id.as_ref(),
            Answer::Unanswered { .. } => None,
        }
    }

    /// Whether the function accepted it.
    pub fn accepted(&self) -> bool {
        matches!(self.answer, Answer::Accepted { .. })
    }

    /// Why it was not accepted.
    pub fn error(&self) -> Option<&str> {
        match &self.answer {
            Answer::Accepted { .. } => None,
            Answer::Refused { message, .. } | Answer::Unanswered { message } => Some(message),
        }
    }
}
