//! The variables that a function's process starts with.

use std::{collections::BTreeMap, path::Path};

use super::{Site, UNASSUMABLE, environment::Version, settings::LogFormat};
use crate::wire::{ServiceError, ServiceResult};

/// Where programs are looked for before the `PATH` that the cloud itself was started with: a
/// bootstrap that is a script finds the interpreters of this machine.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/bin";

/// The variables of the process: those that Lambda sets, and the function's own.
pub(super) fn variables(
    site: &Site,
    version: &Version,
    folder: &Path,
    log_stream: &str,
) -> ServiceResult<BTreeMap<String, String>> {
    let Version { name, settings, package, .. } = version;
    let place = &site.place;
    let keys = site.iam.assume_for_service(&settings.role, "lambda.amazonaws.com", name);
    let keys = keys.map_err(|_| ServiceError::new(403, "AccessDeniedException", UNASSUMABLE))?;
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).map_err(ServiceError::internal)?;
    let code = package.directory().to_string_lossy().into_owned();
    let path = match std::env::var("PATH") {
        Ok(own) => format!("{PATH}:{own}"),
        Err(_) => PATH.to_owned(),
    };
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    set("AWS_ENDPOINT_URL", &place.endpoint_url);
    set("HOME", &temporary.to_string_lossy());
    set("TMPDIR", &temporary.to_string_lossy());
    set("PATH", &path);
    set("LD_LIBRARY_PATH", &format!("{code}:{code}/lib"));
    set("LANG", "en_US.UTF-8");
    set("TZ", ":UTC");
    for (name, value) in &settings.environment {
        set(name, value);
    }
    set("_HANDLER", &settings.handler);
    set("AWS_REGION", &place.region);
    set("AWS_DEFAULT_REGION", &place.region);
    set("AWS_ACCESS_KEY_ID", &keys.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
    set("AWS_SESSION_TOKEN", keys.session_token.as_deref().unwrap_or_default());
    set("AWS_LAMBDA_FUNCTION_NAME", name);
    set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &settings.memory_mb.to_string());
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    set("AWS_LAMBDA_LOG_GROUP_NAME", &settings.logging.group);
    set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    if settings.logging.format == LogFormat::Json {
        set("AWS_LAMBDA_LOG_FORMAT", "JSON");
        set("AWS_LAMBDA_LOG_LEVEL", settings.logging.application_level.word());
    }
    set("LAMBDA_TASK_ROOT", &code);
    set("LAMBDA_RUNTIME_DIR", "/var/runtime");
    Ok(variables)
}
