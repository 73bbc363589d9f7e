//! What was seen, one file a source. Every source, command and pane speaks in these types; text,
//! JSON lines and screen are renderings of them.

mod access;
mod call;
mod ids;
mod log;
mod object;
mod record;
mod sent;
mod stack;
mod time;

pub use access::Access;
pub use call::{Call, CallOutcome};
pub use ids::{ApiRequestId, LambdaRequestId, ObjectKey, RecordHash, SequenceNumber, ShardId, StackName};
pub use log::{FunctionLine, FunctionLog, Level, LogLine, LogSource, PlatformReport, ReportStatus};
pub use object::{Object, ObjectLines};
pub use record::Record;
pub use sent::{Answer, Sent};
pub use stack::{StackEvent, StackStatus};
pub use time::Timestamp;

/// Anything that was seen, whatever its source.
#[derive(Debug, Clone)]
pub enum Event {
    /// A request that was sent from here, with its answer.
    Sent(Sent),
    /// A line of the function's, the gateway's or the delivery's log.
    Log(LogLine),
    /// A record of the stream.
    Record(Record),
    /// An object of the bucket.
    Object(Object),
    /// A step of a stack operation.
    Stack(StackEvent),
    /// A call that this program made.
    Call(Call),
}
