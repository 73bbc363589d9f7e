//! What a deployment is about to do: shown, and agreed to, before it is done.

use std::borrow::Cow;

/// What a deployment is about to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The stack.
    pub stack_name: String,
    /// The change set that holds the changes, until it is executed or dropped.
    pub change_set: String,
    /// There is no stack yet.
    pub creates: bool,
    /// The stack failed with rollback disabled: it can go back instead.
    pub can_roll_back: bool,
    /// What is made, changed and removed.
    pub changes: Vec<Change>,
    /// Parameters whose value is another than the template's default.
    pub parameters: Vec<ParameterDifference>,
    /// What is lost if it is executed, a line each, which wants a yes of its own. Empty: nothing.
    pub losses: Vec<String>,
    /// What the pipeline will cost; `None` where nothing is billed.
    pub estimate: Option<Estimate>,
}

/// One resource that is made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `Add`, `Modify`, `Remove`, `Import`.
    pub action: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Its id in its service, where it is there.
    pub physical_id: Option<String>,
    /// `AWS::Kinesis::Stream`.
    pub resource_type: String,
    /// Whether a new one takes its place: what the old one holds goes.
    pub replacement: Replacement,
    /// What of it changes; empty for what is made or removed whole.
    pub properties: Vec<PropertyChange>,
}

/// Whether a change puts a new resource in the place of the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// It stays the same one.
    No,
    /// That depends on values that are known only then.
    Maybe,
    /// A new one is made.
    Yes,
}

/// A property before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyChange {
    /// Where in the resource: `/Properties/ShardCount`.
    pub path: String,
    /// The value it has; `None` where it has none or CloudFormation does not say.
    pub before: Option<String>,
    /// The value it gets; `None` where it is removed or known only later.
    pub after: Option<String>,
    /// What causes it beside the template itself: `Stream.Arn`, `ShardCount`.
    pub cause: Option<String>,
}

/// A parameter that is set to another value than the template's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterDifference {
    /// Its name.
    pub name: String,
    /// The template's default; `None` where it has none.
    pub default: Option<String>,
    /// The value that it has or gets.
    pub value: String,
}

/// What the pipeline will roughly cost, at list prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// US dollars a day while no event comes.
    pub idle_usd_per_day: f64,
    /// US dollars for a million events of [`Self::EVENT_BYTES`].
    pub usd_per_million_events: f64,
    /// The region that the prices are of; another than the pipeline's where that one's are not known.
    pub priced_region: Cow<'static, str>,
    /// When the prices were looked up, `2026-11`.
    pub as_of: Cow<'static, str>,
    /// Where they stand.
    pub source: Cow<'static, str>,
}

impl Estimate {
    /// The size of an event that the estimate is for, in bytes.
    pub const EVENT_BYTES: u64 = 1_000;
}
