//! `tailwater doctor`: everything that a deployment and its live side need, looked at without changing
//! anything. One trouble never hides the next: without a region or credentials the rest is still said,
//! as far as it can be known.

mod actions;
mod artifact;
mod environment;
mod identity;
mod names;
mod permissions;
mod place;
mod quotas;
mod reach;
mod report;
mod terminal;
#[cfg(test)]
mod tests;

use std::time::Duration;

use report::Check;

use super::{CommandResult, End, leave, print, request};
use crate::{
    cli::{Global, Where},
    deploy::Stack,
    target::{AwsOptions, Target},
};

/// How long to wait for an address that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where an identity is asked for when the region's own answer does not tell: a region that every
/// account of the partition `aws` has.
const USUAL_REGION: &str = "us-east-1";

/// Looks at everything; fails where anything does.
pub async fn doctor(global: &Global) -> CommandResult {
    let (mut checks, target) = match global.target {
        #[cfg(feature = "local")]
        Where::Local => local(global).await,
        Where::Aws => aws(global).await,
    };
    match &target {
        Some(target) => checks.extend(of_target(global, target).await),
        None => {
            for name in ["permissions", "names", "quotas"] {
                checks.push(Check::unknown(name, "not asked: there is no identity to ask with in a region"));
            }
        }
    }
    let kind = target.as_ref().map_or_else(|| kind(global), Target::kind);
    let place = target.as_ref().map_or_else(|| " --target aws".to_owned(), report::same_place);
    checks.extend(artifact::checks(&request(global), kind, &place));
    checks.extend(environment::checks(&environment::Settings::here()));
    checks.extend(terminal::checks(&terminal::Terminal::here()));
    if let Some(target) = &target {
        leave(target).await;
    }
    print::line(global.output, || report::json(&checks), || report::text(&checks))?;
    Ok(if checks.iter().any(|check| check.ok == Some(false)) { End::Failed } else { End::Done })
}

/// What the options alone say of the target.
fn kind(global: &Global) -> crate::target::Kind {
    use crate::target::Kind;
    match global.target {
        #[cfg(feature = "local")]
        Where::Local => Kind::Local,
        Where::Aws if global.endpoint_url.is_some() => Kind::Custom,
        Where::Aws => Kind::Aws,
    }
}

/// The embedded cloud: the one that runs for this user, or one that is started for this.
#[cfg(feature = "local")]
async fn local(global: &Global) -> (Vec<Check>, Option<Target>) {
    let started = super::target(global).await;
    let (check, target) = match started {
        Ok(target) => (place::embedded(&target), Some(target)),
        Err(error) => (place::no_embedded(&error.to_string()), None),
    };
    let mut checks = vec![check];
    if let Some(target) = &target {
        checks.push(identity::check(target));
        let answer = reach::ask(target.endpoint_url().unwrap_or_default(), None).await;
        checks.extend(reach::checks(&answer));
    }
    (checks, target)
}

/// AWS, or an endpoint that speaks like it.
async fn aws(global: &Global) -> (Vec<Check>, Option<Target>) {
    let place = place::Place::find(global).await;
    let mut checks = vec![place::region(&place)];
    let options = AwsOptions {
        endpoint_url: global.endpoint_url.clone(),
        profile: global.profile.clone(),
        region: global.region.clone(),
        ..AwsOptions::default()
    };
    let in_usual_region = AwsOptions { region: Some(USUAL_REGION.to_owned()), ..options.clone() };
    let target = match &place.region {
        None => {
            let asked = Target::aws(&in_usual_region).await;
            checks.push(identity::of(&asked, &place));
            None
        }
        Some(_) => match Target::aws(&options).await {
            Ok(target) => {
                checks.push(identity::check(&target));
                Some(target)
            }
            Err(error) => {
                // Keys that are good elsewhere tell that it is the region which does not know them.
                let elsewhere = if place.may_be_disabled() { Target::aws(&in_usual_region).await.ok() } else { None };
                match elsewhere {
                    Some(elsewhere) => {
                        checks[0] = place::disabled(&place);
                        checks.push(identity::check(&elsewhere));
                    }
                    None => checks.push(identity::of(&Err(error), &place)),
                }
                None
            }
        },
    };
    let bundle = target.as_ref().and_then(Target::ca_bundle);
    let answer = reach::ask(&place.address(), bundle).await;
    checks.extend(reach::checks(&answer));
    (checks, target)
}

/// What there is to ask once there is someone to ask as.
async fn of_target(global: &Global, target: &Target) -> Vec<Check> {
    let request = request(global);
    let stack = Stack::find(&target.cloudformation(), &global.stack_name).await;
    let (permissions, names, quotas) = tokio::join!(
        permissions::checks(target, &request),
        names::checks(target, &request, &stack),
        quotas::checks(target, &request, matches!(stack, Ok(Some(_)))),
    );
    [permissions, names, quotas].concat()
}
