//! Starts the app as the command line says.

use std::path::Path;

use futures::FutureExt;
use tailwater_core::{
    app::{self, Begin, CloudInfo, Options},
    events::StackName,
};

use super::{RuntimeError, Work, run};
#[cfg(feature = "local")]
use crate::target::{OrderError, Orders};
use crate::{
    cli::{Global, Switch, Where},
    deploy::Request,
    target::{AwsOptions, Extras, Target, TargetError},
};

/// The sample events, in the order in which they are offered.
const TEMPLATES: [(&str, &str); 5] = [
    ("signup.json", include_str!("../../../assets/events/signup.json")),
    ("order.json", include_str!("../../../assets/events/order.json")),
    ("page-view.json", include_str!("../../../assets/events/page-view.json")),
    ("sensor-reading.json", include_str!("../../../assets/events/sensor-reading.json")),
    ("exact.json", include_str!("../../../assets/events/exact.json")),
];

/// Runs the app until it is quit.
pub async fn start(global: &Global, record: Option<&Path>) -> Result<(), RuntimeError> {
    let options = Options {
        target: shown_target(global),
        stack_name: StackName::from(global.shown_name().as_str()),
        colours: colours(),
        template: crate::deploy::template_resources(),
        templates: templates(),
        offset: local_offset(),
        now: crate::target::now(),
        seed: rand::random(),
    };
    let request = Request {
        stack_name: global.stack_name.clone(),
        parameters: global.param.clone(),
        handler_zip: global.handler_zip.clone(),
        role_arn: global.role_arn.clone(),
        watch: global.watch(),
        ..Request::default()
    };
    let wanted = global.clone();
    let reached = move || {
        let wanted = wanted.clone();
        async move { reach(&wanted).await.map_err(|error| error.to_string()) }.boxed()
    };
    run(options, begin(global), Work::new(reached, request), record).await
}

/// What the command line and the surroundings say of how it is to look.
fn begin(global: &Global) -> Begin {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let names = [std::env::var("HOSTNAME").ok(), std::fs::read_to_string("/etc/hostname").ok()];
    Begin {
        settings: None,
        theme: global.theme,
        motion: global.motion.map(|motion| motion == Switch::On),
        over_ssh: set("SSH_CONNECTION") || set("SSH_TTY"),
        present: global.present,
        hosts: names.into_iter().flatten().map(|name| name.trim().to_owned()).collect(),
    }
}

/// The sample events, each a name and a text.
pub(super) fn templates() -> Vec<(String, String)> {
    TEMPLATES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Whether colours may be used. <https://no-color.org>: set and not empty.
pub(super) fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What the header says before the target has been reached.
fn shown_target(global: &Global) -> app::Target {
    match global.target {
        #[cfg(feature = "local")]
        Where::Local => app::Target::Local,
        Where::Aws => app::Target::Aws {
            account_id: String::new(),
            region: global.region.clone().unwrap_or_default(),
            profile: global.profile.clone(),
            endpoint_url: global.endpoint_url.clone(),
            elsewhere: Vec::new(),
            who: String::new(),
        },
    }
}

/// Reaches the target; of the embedded cloud it says where it is.
async fn reach(global: &Global) -> Result<(Target, Option<CloudInfo>), TargetError> {
    match global.target {
        #[cfg(feature = "local")]
        Where::Local => {
            let target = Target::join_or_start(global.region.as_deref()).await?;
            order_faults(global, &target).await.map_err(|error| TargetError::Cloud(error.to_string()))?;
            let info = match target.embedded() {
                Some(embedded) => CloudInfo {
                    endpoint_url: embedded.registration().endpoint_url.clone(),
                    gateway_url: embedded.registration().gateway_url.clone(),
                    own: true,
                    note: embedded.note(),
                },
                None => CloudInfo {
                    endpoint_url: target.endpoint_url().unwrap_or_default().to_owned(),
                    gateway_url: String::new(),
                    own: false,
                    note: Some("Joined the embedded cloud that runs already: it outlives this app.".to_owned()),
                },
            };
            Ok((target, Some(info)))
        }
        Where::Aws => {
            let target = Target::aws(&AwsOptions {
                endpoint_url: global.endpoint_url.clone(),
                profile: global.profile.clone(),
                region: global.region.clone(),
                extras: Extras { fan_out: global.fan_out, live_tail: global.live_tail },
            })
            .await?;
            Ok((target, None))
        }
    }
}

/// Orders what `--fault` says.
#[cfg(feature = "local")]
async fn order_faults(global: &Global, target: &Target) -> Result<(), OrderError> {
    if let Some(orders) = Orders::to(target)? {
        for order in global.fault.iter().flat_map(|faults| &faults.0) {
            orders.put(order).await?;
        }
    }
    Ok(())
}

/// This machine's offset from UTC, now.
fn local_offset() -> tailwater_core::text::time::UtcOffset {
    let seconds = jiff::ZonedDateTime::now().offset().seconds();
    tailwater_core::text::time::UtcOffset(seconds)
}
