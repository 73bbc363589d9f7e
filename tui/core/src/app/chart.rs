//! An operation of the stack as a chart: what was done when, how long it took, what waits for what.

use std::time::Duration;

use super::{App, Deployment, Phase, Sign, Work, deployment::ResourceState, is_done};
use crate::{
    events::Timestamp,
    text::{number, safe::visible, time},
};

/// How many letters of a change set's name are shown.
const CHANGE_SET_LETTERS: usize = 18;

/// A resource as the bundled template, or a change set, has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateResource {
    /// Its name in the template.
    pub logical_id: String,
    /// `AWS::Kinesis::Stream`.
    pub resource_type: String,
    /// Whether a condition decides if it is made.
    pub conditional: bool,
    /// The resources that have to be there before it.
    pub needs: Vec<String>,
}

/// An operation as a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// How it stands, in one line: `UPDATE_IN_PROGRESS · 0:14 · 3 of 12 changed`.
    pub head: String,
    /// The state.
    pub sign: Sign,
    /// The first cause of a failure, in AWS's words.
    pub cause: Option<String>,
    /// From the beginning to now, or to the end.
    pub span: Duration,
    /// The rows, in the order in which things began; then what still waits.
    pub rows: Vec<ChartRow>,
}

/// A row of the chart.
#[derive(Debug, Clone, PartialEq)]
pub enum ChartRow {
    /// A resource.
    Resource(ChartResource),
    /// What failed because of the first cause, folded into one line.
    Fold {
        /// How many.
        count: usize,
        /// Whether they are shown below.
        open: bool,
    },
}

/// A resource's row.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartResource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its type without `AWS::`.
    pub kind: String,
    /// The state.
    pub sign: Sign,
    /// From when to when, since the beginning of the operation; `None`: it has not begun.
    pub bar: Option<(Duration, Duration)>,
    /// The bar goes on.
    pub open: bool,
    /// What it waits for, or how long it took.
    pub words: String,
    /// Under the row while it is selected or at it: the current event in AWS's words.
    pub detail: String,
}

impl ChartRow {
    /// The resource's name, where it is one.
    pub fn logical_id(&self) -> Option<&str> {
        match self {
            Self::Resource(resource) => Some(&resource.logical_id),
            Self::Fold { .. } => None,
        }
    }
}

/// The operation as a chart; `template` says what needs what.
pub fn chart(deployment: &Deployment, template: &[TemplateResource], unfolded: bool, now: Timestamp) -> Chart {
    let operation = deployment.operation();
    let resources = deployment.resources();
    let started = operation.map_or(deployment.since, |operation| operation.started);
    let now = operation.and_then(|operation| operation.ended).unwrap_or(now);
    let last_change = resources.iter().map(|resource| resource.changed).max().unwrap_or(started);
    let span = now.max(last_change).since(started);
    let rolling_back = operation.is_some_and(|operation| operation.status.as_str().contains("ROLLBACK"));
    let first = deployment.first_failure().map(|first| first.logical_id.as_str());
    let row = |resource: &ResourceState| {
        let done = !resource.status.in_progress();
        let end = if done { resource.changed } else { now };
        let sign = if resource.has_failed {
            Sign::Failed
        } else if done {
            if rolling_back && resource.status.as_str() != "CREATE_COMPLETE" { Sign::Attention } else { Sign::Done }
        } else {
            Sign::Moving
        };
        let took = time::duration(end.since(resource.started));
        let words = if resource.has_failed && resource.is_consequence() {
            "cancelled".to_owned()
        } else if resource.has_failed {
            "failed".to_owned()
        } else if done && rolling_back {
            resource.status.as_str().to_owned()
        } else {
            took.clone()
        };
        let reason = resource.failure.as_ref().or(resource.reason.as_ref());
        let reason = reason.map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
        let id = resource.physical_id.as_ref().filter(|id| !id.is_empty());
        let id = id.map(|id| format!(" · {}", visible(id))).unwrap_or_default();
        ChartResource {
            logical_id: resource.logical_id.clone(),
            kind: kind(&resource.resource_type).to_owned(),
            sign,
            bar: Some((resource.started.since(started), end.since(started))),
            open: !done,
            words: visible(&words).into_owned(),
            detail: format!("{} for {took}{reason}{id}", visible(resource.status.as_str())),
        }
    };
    let folded = |resource: &&ResourceState| {
        first.is_some_and(|first| first != resource.logical_id) && resource.is_consequence() && resource.has_failed
    };
    let mut rows: Vec<ChartRow> = Vec::new();
    rows.extend(
        resources.iter().filter(|resource| !folded(resource)).map(|resource| ChartRow::Resource(row(resource))),
    );
    // The first cause stands above what it did not prevent.
    if let Some(place) = rows.iter().position(|row| row.logical_id().is_some() && row.logical_id() == first) {
        let cause = rows.remove(place);
        rows.insert(0, cause);
    }
    let consequences: Vec<&ResourceState> = resources.iter().filter(folded).collect();
    if !consequences.is_empty() {
        let at = usize::from(first.is_some());
        rows.insert(at, ChartRow::Fold { count: consequences.len(), open: unfolded });
        if unfolded {
            let below = consequences.into_iter().map(|resource| ChartRow::Resource(row(resource)));
            rows.splice(at + 1..at + 1, below);
        }
    }
    if operation.is_none_or(|operation| operation.ended.is_none() && !rolling_back) {
        rows.extend(waiting(deployment, template).into_iter().map(ChartRow::Resource));
    }
    Chart { head: head(deployment, span), sign: sign(deployment), cause: cause(deployment), span, rows }
}

/// What has not begun, and what it waits for.
fn waiting(deployment: &Deployment, template: &[TemplateResource]) -> Vec<ChartResource> {
    let creating = deployment.operation().is_some_and(|operation| operation.status.as_str() == "CREATE_IN_PROGRESS");
    let expected =
        if deployment.planned.is_empty() && creating && deployment.own { template } else { &deployment.planned };
    let begun = |id: &str| deployment.resources().iter().find(|resource| resource.logical_id == id);
    let is_expected = |id: &str| expected.iter().any(|resource| resource.logical_id == id && !resource.conditional);
    expected
        .iter()
        .filter(|resource| !resource.conditional && begun(&resource.logical_id).is_none())
        .map(|resource| {
            let missing: Vec<&str> = resource
                .needs
                .iter()
                .filter(|need| match begun(need) {
                    Some(state) => !is_done(&state.status),
                    None => is_expected(need),
                })
                .map(String::as_str)
                .collect();
            ChartResource {
                logical_id: resource.logical_id.clone(),
                kind: kind(&resource.resource_type).to_owned(),
                sign: Sign::Waiting,
                bar: None,
                open: false,
                words: if missing.is_empty() {
                    "waits for its turn".to_owned()
                } else {
                    format!("waits for {}", missing.join(", "))
                },
                detail: String::new(),
            }
        })
        .collect()
}

/// `Kinesis::Stream`.
fn kind(resource_type: &str) -> &str {
    resource_type.strip_prefix("AWS::").unwrap_or(resource_type)
}

fn sign(deployment: &Deployment) -> Sign {
    match (deployment.operation(), &deployment.work) {
        (_, Some(Work::Previewed(_) | Work::First(_))) => Sign::Attention,
        (_, Some(_)) => Sign::Moving,
        (Some(operation), _) if operation.status.failed() => Sign::Failed,
        (Some(operation), _) if operation.ended.is_none() => Sign::Moving,
        (Some(_), _) => Sign::Done,
        (None, _) => Sign::Waiting,
    }
}

fn head(deployment: &Deployment, span: Duration) -> String {
    let Some(operation) = deployment.operation() else {
        return match (&deployment.work, &deployment.phase) {
            (Some(Work::Preparing), _) => "Finding out what would change".to_owned(),
            (Some(Work::Destroying(_)), _) => format!("Taking the stack down · {}", clock(span)),
            (Some(_), _) => "Beginning".to_owned(),
            (None, Phase::Absent) => "There is no stack".to_owned(),
            (None, _) => "No operation was seen yet".to_owned(),
        };
    };
    let mut parts = vec![visible(operation.status.as_str()).into_owned()];
    parts.push(if operation.ended.is_none() { clock(span) } else { format!("took {}", time::duration(span)) });
    if let Some(change_set) = &deployment.change_set {
        // Enough of a generated name to know it again.
        let start: String = change_set.chars().take(CHANGE_SET_LETTERS).collect();
        let cut = if start.len() < change_set.len() { "…" } else { "" };
        parts.push(format!("change set {}{cut}", visible(&start)));
    }
    let done = deployment.done();
    parts.push(match deployment.resources_to_change {
        Some(all) if operation.status.as_str().starts_with("DELETE") => format!("{done} of {} deleted", all.max(done)),
        Some(all) => format!("{} of {all} changed", done.min(all)),
        None => number::counted(done as u64, "resource") + " done",
    });
    parts.join(" · ")
}

/// `0:14`, `12:03`.
fn clock(span: Duration) -> String {
    format!("{}:{:02}", span.as_secs() / 60, span.as_secs() % 60)
}

fn cause(deployment: &Deployment) -> Option<String> {
    let first = deployment.first_failure()?;
    let reason = first.failure.as_deref().unwrap_or("CloudFormation gave no reason");
    Some(format!("{} ({}): {}", visible(&first.logical_id), visible(kind(&first.resource_type)), visible(reason)))
}

/// Marks on the axis that leave room for their words: `step` apart, for a span on so many cells.
pub fn axis_step(span: Duration, cells: u16, cells_apart: u16) -> Duration {
    const STEPS_MILLIS: [u64; 20] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
        600_000, 1_800_000,
    ];
    let marks = u64::from((cells / cells_apart.max(1)).max(1));
    let least = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).div_ceil(marks).max(1);
    Duration::from_millis(STEPS_MILLIS.into_iter().find(|step| *step >= least).unwrap_or(least))
}

impl App {
    /// The stack's operation as a chart.
    pub fn chart(&self) -> Chart {
        chart(&self.deployment, &self.template, self.unfolded, self.now)
    }

    /// The index of the chart's selected row: unless one was chosen, the one that changed last.
    pub fn chart_selected(&self, chart: &Chart) -> Option<usize> {
        let last = chart.rows.len().checked_sub(1)?;
        if let Some(chosen) = self.chart_row {
            return Some(chosen.min(last));
        }
        if self.deployment.first_failure().is_some() {
            return Some(0);
        }
        let newest = self.deployment.resources().iter().max_by_key(|resource| resource.changed)?;
        chart.rows.iter().position(|row| row.logical_id() == Some(newest.logical_id.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::StackEvent;

    fn event(second: i64, id: &str, status: &str, reason: Option<&str>) -> StackEvent {
        let of_stack = id == "demo";
        StackEvent {
            event_id: format!("{id}-{status}-{second}"),
            time: Timestamp::from_millis(second * 1000),
            logical_id: id.to_owned(),
            physical_id: None,
            resource_type: if of_stack { "AWS::CloudFormation::Stack" } else { "AWS::Kinesis::Stream" }.to_owned(),
            status: status.into(),
            reason: reason.map(str::to_owned),
        }
    }

    fn template() -> Vec<TemplateResource> {
        [
            ("Stream", vec![], false),
            ("Role", vec!["Stream"], false),
            ("Maybe", vec![], true),
            ("End", vec!["Role", "Stream", "Maybe"], false),
        ]
        .into_iter()
        .map(|(id, needs, conditional)| TemplateResource {
            logical_id: id.to_owned(),
            resource_type: "AWS::IAM::Role".to_owned(),
            conditional,
            needs: needs.into_iter().map(str::to_owned).collect(),
        })
        .collect()
    }

    fn seen(events: &[StackEvent]) -> Deployment {
        let mut deployment = Deployment::new(Phase::Looking, Timestamp::default());
        for event in events {
            assert!(deployment.event(event));
            assert!(!deployment.event(event), "known");
        }
        deployment
    }

    fn rows(chart: &Chart) -> Vec<String> {
        chart
            .rows
            .iter()
            .map(|row| match row {
                ChartRow::Resource(row) => format!("{} {} {}", row.logical_id, row.sign.text(), row.words),
                ChartRow::Fold { count, open } => format!("fold {count} {open}"),
            })
            .collect()
    }

    #[test]
    fn what_has_not_begun_says_what_it_waits_for() {
        let deployment = seen(&[
            event(0, "demo", "CREATE_IN_PROGRESS", None),
            event(1, "Stream", "CREATE_IN_PROGRESS", None),
            event(3, "Stream", "CREATE_COMPLETE", None),
            event(4, "Role", "CREATE_IN_PROGRESS", Some("Resource creation Initiated")),
        ]);
        let chart = chart(&deployment, &template(), false, Timestamp::from_millis(6_000));
        assert_eq!(rows(&chart), ["Stream ✓ 2 s", "Role ● 2 s", "End … waits for Role"]);
        assert_eq!(chart.head, "CREATE_IN_PROGRESS · 0:06 · 1 resource done");
        let ChartRow::Resource(role) = &chart.rows[1] else { panic!("a resource") };
        assert_eq!(role.bar, Some((Duration::from_secs(4), Duration::from_secs(6))));
        assert_eq!(role.detail, "CREATE_IN_PROGRESS for 2 s: Resource creation Initiated");
    }

    #[test]
    fn the_first_cause_comes_first_and_what_it_took_along_is_folded() {
        let deployment = seen(&[
            event(0, "demo", "CREATE_IN_PROGRESS", None),
            event(1, "Role", "CREATE_IN_PROGRESS", None),
            event(1, "Stream", "CREATE_IN_PROGRESS", None),
            event(2, "Role", "CREATE_FAILED", Some("Resource creation cancelled")),
            event(2, "Stream", "CREATE_FAILED", Some("Limit\u{1b} exceeded")),
            event(3, "demo", "ROLLBACK_IN_PROGRESS", Some("failed")),
            event(4, "Role", "DELETE_COMPLETE", None),
            event(5, "demo", "ROLLBACK_COMPLETE", None),
        ]);
        let closed = chart(&deployment, &template(), false, Timestamp::from_millis(60_000));
        assert_eq!(rows(&closed), ["Stream ✗ failed", "fold 1 false"]);
        assert_eq!(closed.cause.as_deref(), Some("Stream (Kinesis::Stream): Limit␛ exceeded"));
        assert_eq!(closed.span, Duration::from_secs(5), "it has ended");
        let open = chart(&deployment, &template(), true, Timestamp::from_millis(60_000));
        assert_eq!(rows(&open), ["Stream ✗ failed", "fold 1 true", "Role ✗ cancelled"]);
    }

    #[test]
    fn the_next_operation_begins_anew() {
        let deployment = seen(&[
            event(0, "demo", "CREATE_IN_PROGRESS", None),
            event(1, "Stream", "CREATE_COMPLETE", None),
            event(5, "demo", "CREATE_COMPLETE", None),
            event(60, "demo", "UPDATE_IN_PROGRESS", None),
            event(61, "Role", "UPDATE_IN_PROGRESS", None),
        ]);
        let chart = chart(&deployment, &template(), false, Timestamp::from_millis(62_000));
        assert_eq!(rows(&chart), ["Role ● 1 s"]);
        assert!(deployment.operating());
    }

    #[test]
    fn what_comes_late_changes_nothing() {
        let deployment = seen(&[
            event(1, "demo", "CREATE_IN_PROGRESS", None),
            event(2, "Stream", "CREATE_COMPLETE", None),
            event(3, "demo", "CREATE_COMPLETE", None),
            event(0, "demo", "REVIEW_IN_PROGRESS", None),
            event(0, "Role", "CREATE_FAILED", Some("of an older operation")),
        ]);
        assert_eq!(deployment.operation().map(|operation| operation.status.as_str()), Some("CREATE_COMPLETE"));
        assert_eq!(rows(&chart(&deployment, &[], false, Timestamp::from_millis(9_000))), ["Stream ✓ 0 ms"]);
    }

    #[test]
    fn the_axis_has_round_steps() {
        let step = |millis, cells| axis_step(Duration::from_millis(millis), cells, 10).as_millis();
        assert_eq!([step(0, 40), step(900, 40), step(14_000, 40), step(180_000, 80)], [1, 500, 5_000, 30_000]);
    }
}
