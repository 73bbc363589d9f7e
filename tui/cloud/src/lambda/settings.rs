//! A function's settings: taken from an operation's input, checked as AWS checks them, and what the
//! embedded cloud has not is refused by name.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Place,
    wire::{Input, ServiceError, ServiceResult},
};

/// The runtimes offered: those that run any executable named `bootstrap`.
const RUNTIMES: [&str; 2] = ["provided.al2023", "provided.al2"];
/// How the names of AWS's other runtimes begin.
const OTHER_RUNTIMES: [&str; 6] = ["python", "nodejs", "java", "dotnet", "ruby", "go"];
/// Bytes of all environment variables as one JSON text.
const LARGEST_ENVIRONMENT_BYTES: usize = 4096;
/// Variables that Lambda sets and a function's settings may not.
const RESERVED_VARIABLES: [&str; 19] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    super::processes::TAG,
];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// From which level on lines are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogLevel {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_str() {
            "TRACE" => Self::Trace,
            "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARN" => Self::Warn,
            "ERROR" => Self::Error,
            "FATAL" => Self::Fatal,
            _ => return None,
        })
    }

    /// As in the API and in `AWS_LAMBDA_LOG_LEVEL`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// `LoggingConfig`.
#[derive(Debug, Clone)]
pub(super) struct Logging {
    pub format: LogFormat,
    pub application_level: LogLevel,
    pub system_level: LogLevel,
    pub group: String,
}

impl Logging {
    fn default_of(function: &str) -> Self {
        Self {
            format: LogFormat::Text,
            application_level: LogLevel::Info,
            system_level: LogLevel::Info,
            group: format!("/aws/lambda/{function}"),
        }
    }

    /// Whether a line of the function lies below the level that is kept: one in JSON that names its
    /// level, under the format JSON. Everything else is kept.
    pub fn hides(&self, line: &[u8]) -> bool {
        if self.format == LogFormat::Text || line.first() != Some(&b'{') {
            return false;
        }
        let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(line) else { return false };
        let level = members.get("level").and_then(Value::as_str).and_then(LogLevel::parse);
        level.unwrap_or(LogLevel::Info) < self.application_level
    }

    fn take(&mut self, input: &mut Input) -> ServiceResult<()> {
        let Some(mut logging) = input.structure("LoggingConfig")? else { return Ok(()) };
        if let Some(format) = logging.string("LogFormat")? {
            self.format = match format.as_str() {
                "Text" => LogFormat::Text,
                "JSON" => LogFormat::Json,
                other => return Err(not_in_set("loggingConfig.logFormat", other, "[JSON, Text]")),
            };
        }
        let levels = [
            ("ApplicationLogLevel", "[TRACE, DEBUG, INFO, WARN, ERROR, FATAL]"),
            ("SystemLogLevel", "[DEBUG, INFO, WARN]"),
        ];
        for (name, allowed) in levels {
            let Some(word) = logging.string(name)? else { continue };
            if self.format == LogFormat::Text {
                return Err(invalid(format!("To use {name}, you must set your function's log format to JSON.")));
            }
            let member = format!("loggingConfig.{}", crate::wire::input::lower_first(name));
            let level = LogLevel::parse(&word)
                .filter(|level| level.word() == word && allowed.contains(level.word()))
                .ok_or_else(|| not_in_set(&member, &word, allowed))?;
            if name == "ApplicationLogLevel" {
                self.application_level = level;
            } else {
                self.system_level = level;
            }
        }
        if let Some(group) = logging.string("LogGroup")?.filter(|group| !group.is_empty()) {
            self.group = group;
        }
        logging.finish()
    }

    fn to_json(&self) -> Value {
        match self.format {
            LogFormat::Text => json!({"LogFormat": "Text", "LogGroup": self.group}),
            LogFormat::Json => json!({
                "LogFormat": "JSON",
                "ApplicationLogLevel": self.application_level.word(),
                "SystemLogLevel": self.system_level.word(),
                "LogGroup": self.group,
            }),
        }
    }
}

/// What `UpdateFunctionConfiguration` can change.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub description: String,
    pub role: String,
    pub handler: String,
    pub runtime: String,
    pub memory_mb: u32,
    pub timeout_s: u32,
    pub environment: BTreeMap<String, String>,
    /// Reported; the size of the folder for temporary files is not enforced.
    pub ephemeral_mb: u32,
    pub logging: Logging,
}

impl Settings {
    /// The settings of a new function.
    pub fn create(function: &str, input: &mut Input) -> ServiceResult<Self> {
        if input.peek("Runtime").is_none() || input.peek("Handler").is_none() {
            return Err(invalid(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            ));
        }
        let mut settings = Self {
            description: String::new(),
            role: String::new(),
            handler: String::new(),
            runtime: String::new(),
            memory_mb: 128,
            timeout_s: 3,
            environment: BTreeMap::new(),
            ephemeral_mb: 512,
            logging: Logging::default_of(function),
        };
        if input.peek("Role").is_none() {
            // Names the member that is missing.
            input.required("Role")?;
        }
        settings.take(input)?;
        Ok(settings)
    }

    /// Takes what the input names; what it does not name stays.
    pub fn take(&mut self, input: &mut Input) -> ServiceResult<()> {
        if let Some(description) = input.string("Description")? {
            if description.chars().count() > 256 {
                return Err(too_long("description", &description, 256));
            }
            self.description = description;
        }
        if let Some(role) = input.string("Role")? {
            check_role(&role)?;
            self.role = role;
        }
        if let Some(handler) = input.string("Handler")? {
            if handler.is_empty() || handler.len() > 128 || handler.contains(char::is_whitespace) {
                return Err(pattern("handler", &handler, r"[^\s]+"));
            }
            self.handler = handler;
        }
        if let Some(runtime) = input.string("Runtime")? {
            check_runtime(&runtime)?;
            self.runtime = runtime;
        }
        if let Some(memory) = input.integer("MemorySize")? {
            self.memory_mb = within("MemorySize", memory, 128, 10_240)?;
        }
        if let Some(timeout) = input.integer("Timeout")? {
            self.timeout_s = within("Timeout", timeout, 1, 900)?;
        }
        if let Some(mut storage) = input.structure("EphemeralStorage")? {
            if let Some(size) = storage.integer("Size")? {
                self.ephemeral_mb = within("EphemeralStorage.Size", size, 512, 10_240)?;
            }
            storage.finish()?;
        }
        if let Some(mut environment) = input.structure("Environment")? {
            let variables = environment.string_map("Variables")?;
            check_variables(&variables)?;
            self.environment = variables;
            environment.finish()?;
        }
        self.logging.take(input)?;
        take_what_has_one_value(input)
    }

    /// As part of `FunctionConfiguration`.
    pub fn write_to(&self, place: &Place, output: &mut serde_json::Map<String, Value>) {
        let mut put = |name: &str, value: Value| output.insert(name.to_owned(), value);
        put("Runtime", self.runtime.as_str().into());
        put("Role", self.role.as_str().into());
        put("Handler", self.handler.as_str().into());
        put("Description", self.description.as_str().into());
        put("Timeout", self.timeout_s.into());
        put("MemorySize", self.memory_mb.into());
        if !self.environment.is_empty() {
            put("Environment", json!({"Variables": self.environment}));
        }
        put("EphemeralStorage", json!({"Size": self.ephemeral_mb}));
        put("LoggingConfig", self.logging.to_json());
        put("TracingConfig", json!({"Mode": "PassThrough"}));
        put("SnapStart", json!({"ApplyOn": "None", "OptimizationStatus": "Off"}));
        put("PackageType", "Zip".into());
        put("RuntimeVersionConfig", json!({"RuntimeVersionArn": self.runtime_version_arn(place)}));
    }

    /// Names the one version that the embedded cloud has of a runtime.
    pub fn runtime_version_arn(&self, place: &Place) -> String {
        let version = hex::encode(Sha256::digest(&self.runtime));
        format!("arn:aws:lambda:{}::runtime:{version}", place.region)
    }
}

/// Members that are acted on only where they ask for what is so anyway.
fn take_what_has_one_value(input: &mut Input) -> ServiceResult<()> {
    let operation = input.operation().to_owned();
    for (member, inner, only) in
        [("TracingConfig", "Mode", "PassThrough"), ("SnapStart", "ApplyOn", "None"), ("VpcConfig", "", "")]
    {
        let Some(value) = input.peek(member) else { continue };
        let harmless = if inner.is_empty() {
            value.as_object().is_some_and(|lists| {
                lists.values().all(|list| list.as_array().is_some_and(Vec::is_empty) || list == &Value::Bool(false))
            })
        } else {
            value.get(inner).is_none_or(|value| value == only)
        };
        if !harmless {
            let asked =
                if inner.is_empty() { member.to_owned() } else { format!("{member}.{inner} other than {only}") };
            return Err(ServiceError::unsupported_member(&operation, &asked));
        }
        input.ignore(member);
    }
    for list in ["Layers", "FileSystemConfigs"] {
        if input.peek(list).and_then(Value::as_array).is_some_and(Vec::is_empty) {
            input.ignore(list);
        }
    }
    for text in ["KMSKeyArn", "CodeSigningConfigArn"] {
        if input.peek(text).and_then(Value::as_str) == Some("") {
            input.ignore(text);
        }
    }
    Ok(())
}

/// The machine a function's code is for.
pub(super) fn take_architecture(input: &mut Input) -> ServiceResult<Option<String>> {
    let mut architectures = input.strings("Architectures")?;
    let allowed = "[x86_64, arm64]";
    match (architectures.pop(), architectures.is_empty()) {
        (None, _) => Ok(None),
        (Some(one), true) if one == "x86_64" || one == "arm64" => Ok(Some(one)),
        (Some(one), true) => Err(not_in_set("architectures", &format!("[{one}]"), allowed)),
        (Some(_), false) => Err(ServiceError::bad_request(
            "ValidationException",
            "1 validation error detected: Value at 'architectures' failed to satisfy constraint: Member must have \
             length less than or equal to 1",
        )),
    }
}

fn check_runtime(runtime: &str) -> ServiceResult<()> {
    if RUNTIMES.contains(&runtime) {
        return Ok(());
    }
    if OTHER_RUNTIMES.iter().any(|known| runtime.starts_with(known)) {
        return Err(invalid(format!(
            "The embedded cloud does not support the runtime {runtime}: a function brings its own bootstrap, under \
             {} or {}.",
            RUNTIMES[0], RUNTIMES[1]
        )));
    }
    Err(invalid(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a \
         valid ARN",
        RUNTIMES.join(", ")
    )))
}

fn check_role(role: &str) -> ServiceResult<()> {
    let fits = role.split_once(":iam::").is_some_and(|(front, rest)| {
        let (account, name) = rest.split_once(":role/").unwrap_or_default();
        front.starts_with("arn:aws")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && !name.is_empty()
    });
    if fits {
        Ok(())
    } else {
        Err(pattern("role", role, r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"))
    }
}

fn check_variables(variables: &BTreeMap<String, String>) -> ServiceResult<()> {
    for name in variables.keys() {
        let fits = name.len() > 1
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !fits && !RESERVED_VARIABLES.contains(&name.as_str()) {
            return Err(pattern("environment.variables", name, "[a-zA-Z]([a-zA-Z0-9_])+"));
        }
    }
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED_VARIABLES.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {}",
            reserved.join(", ")
        )));
    }
    let measured = json!(variables).to_string();
    if !variables.is_empty() && measured.len() > LARGEST_ENVIRONMENT_BYTES {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(())
}

fn within(member: &str, value: i64, least: u32, most: u32) -> ServiceResult<u32> {
    let (bound, limit) = if value < i64::from(least) { ("greater", least) } else { ("less", most) };
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(ServiceError::bad_request(
            "ValidationException",
            format!(
                "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: Member must have \
                 value {bound} than or equal to {limit}",
                crate::wire::input::lower_first(member)
            ),
        )),
    }
}

/// `InvalidParameterValueException`.
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("InvalidParameterValueException", message)
}

/// A value that does not have the form that is asked for.
pub(super) fn pattern(member: &str, value: &str, pattern: &str) -> ServiceError {
    ServiceError::bad_request(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: {pattern}"
        ),
    )
}

/// A value that is none of those allowed.
pub(super) fn not_in_set(member: &str, value: &str, allowed: &str) -> ServiceError {
    ServiceError::bad_request(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must \
             satisfy enum value set: {allowed}"
        ),
    )
}

fn too_long(member: &str, value: &str, most: usize) -> ServiceError {
    ServiceError::bad_request(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must \
             have length less than or equal to {most}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn create(change: Value) -> ServiceResult<Settings> {
        let mut whole = json!({
            "Role": "arn:aws:iam::000000000000:role/r", "Runtime": "provided.al2023", "Handler": "bootstrap",
        });
        let Value::Object(members) = change else { panic!("members") };
        for (name, value) in members {
            whole[name] = value;
        }
        let mut input = Input::new("CreateFunction", whole)?;
        let settings = Settings::create("f", &mut input)?;
        input.finish()?;
        Ok(settings)
    }

    #[rstest]
    #[case(json!({"MemorySize": 127}), "Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128")]
    #[case(json!({"Timeout": 901}), "less than or equal to 900")]
    #[case(json!({"Runtime": "python3.9"}), "does not support the runtime python3.9")]
    #[case(json!({"Runtime": "cobol"}), "Value cobol at 'runtime' failed to satisfy constraint")]
    #[case(json!({"Role": "nobody"}), "at 'role' failed to satisfy constraint")]
    #[case(json!({"Layers": ["arn"]}), "does not support the member Layers of CreateFunction")]
    #[case(json!({"TracingConfig": {"Mode": "Active"}}), "TracingConfig.Mode other than PassThrough")]
    #[case(json!({"VpcConfig": {"SubnetIds": ["s"]}}), "VpcConfig")]
    #[case(json!({"Environment": {"Variables": {"AWS_REGION": "x"}}}), "Reserved keys used in this request: AWS_REGION")]
    #[case(json!({"Environment": {"Variables": {"1A": "x"}}}), "at 'environment.variables'")]
    #[case(json!({"LoggingConfig": {"LogFormat": "XML"}}), "enum value set: [JSON, Text]")]
    #[case(json!({"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "ERROR"}}), "enum value set: [DEBUG, INFO, WARN]")]
    #[case(json!({"LoggingConfig": {"SystemLogLevel": "INFO"}}), "log format to JSON")]
    fn what_aws_refuses_is_refused(#[case] change: Value, #[case] words: &str) {
        let error = create(change).unwrap_err();
        assert!(error.message.contains(words), "{}", error.message);
    }

    #[test]
    fn an_environment_beyond_4_kb_is_refused_with_what_was_measured() {
        let fits = create(json!({"Environment": {"Variables": {"KEY": "x".repeat(4080)}}}));
        assert!(fits.is_ok());
        let error = create(json!({"Environment": {"Variables": {"KEY": "x".repeat(4090)}}})).unwrap_err();
        assert!(error.message.contains("exceeded the 4KB limit. String measured: {\"KEY\":\"xxx"), "{}", error.message);
    }

    #[test]
    fn what_asks_for_what_is_so_anyway_is_taken() {
        let settings = create(json!({
            "TracingConfig": {"Mode": "PassThrough"}, "SnapStart": {"ApplyOn": "None"}, "Layers": [],
            "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}, "EphemeralStorage": {"Size": 1024},
        }));
        assert_eq!(settings.unwrap().ephemeral_mb, 1024);
    }

    #[test]
    fn lines_below_the_level_are_hidden_only_where_they_name_one() {
        let json = create(json!({"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}})).unwrap();
        assert!(json.logging.hides(br#"{"level":"info","message":"x"}"#));
        assert!(!json.logging.hides(br#"{"level":"ERROR","message":"x"}"#));
        assert!(!json.logging.hides(b"plain text"));
        let text = create(json!({})).unwrap();
        assert!(!text.logging.hides(br#"{"level":"trace"}"#));
    }
}
