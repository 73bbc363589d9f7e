//! Starts the app as the command line says.

use std::path::Path;

use futures::FutureExt;
use tailwater_core::{
    app::{self, CloudInfo, Options},
    events::StackName,
};

use super::{RuntimeError, Work, run};
use crate::{
    cli::{Global, Where},
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
        stack_name: StackName::from(global.stack_name.as_str()),
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
        ..Request::default()
    };
    let wanted = global.clone();
    let reached = move || {
        let wanted = wanted.clone();
        async move { reach(&wanted).await.map_err(|error| error.to_string()) }.boxed()
    };
    run(options, Work::new(reached, request), record).await
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

/// This machine's offset from UTC, now.
fn local_offset() -> tailwater_core::text::time::UtcOffset {
    let seconds = jiff::ZonedDateTime::now().offset().seconds();
    tailwater_core::text::time::UtcOffset(seconds)
}
