//! The control plane: the operations on functions, input and output in the shapes of AWS's API.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    CONCURRENT_INVOCATIONS, LATEST, Lambda, Reference, UNASSUMABLE,
    function::{Function, Shown},
    invalid,
    name::not_found,
    package::Package,
    policy::Policy,
    requests::{self, InvokeRequest},
    settings::{Settings, take_architecture},
};
use crate::{
    caller::Caller,
    wire::{Input, ServiceError, ServiceResult},
};

/// Invocations that always stay for functions without a reservation.
const LEAST_UNRESERVED: u32 = 100;
/// Functions in one page, unless fewer are asked for.
const PAGE: usize = 50;

/// Runs one operation.
pub(super) async fn call(lambda: &Arc<Lambda>, caller: &Caller, operation: &str, mut input: Input) -> ServiceResult {
    // Every call is attributed; deciding on it is the business of the front.
    let _ = caller;
    match operation {
        "CreateFunction" => create(lambda, input).await,
        "UpdateFunctionCode" => update_code(lambda, input).await,
        "UpdateFunctionConfiguration" => update_configuration(lambda, input),
        "Invoke" => {
            let request = InvokeRequest::from_input(lambda, &mut input)?;
            input.finish()?;
            requests::invoke(lambda, request).await.map(requests::InvokeAnswer::into_json)
        }
        "ListFunctions" => list(lambda, input),
        "GetAccountSettings" => {
            input.finish()?;
            Ok(account_settings(lambda))
        }
        "TagResource" | "UntagResource" | "ListTags" => tags(lambda, operation, input),
        "GetFunction"
        | "GetFunctionConfiguration"
        | "DeleteFunction"
        | "ListVersionsByFunction"
        | "AddPermission"
        | "RemovePermission"
        | "GetPolicy"
        | "PutFunctionConcurrency"
        | "GetFunctionConcurrency"
        | "DeleteFunctionConcurrency" => of_one_function(lambda, operation, input),
        other => Err(ServiceError::unknown_operation("Lambda", other)),
    }
}

/// Takes the function that the input names, with the version that may stand beside it.
pub(super) fn take_reference(lambda: &Lambda, input: &mut Input) -> ServiceResult<Reference> {
    let mut reference = Reference::parse(&lambda.site.place, &input.required("FunctionName")?)?;
    if let Some(qualifier) = input.string("Qualifier")? {
        if reference.qualifier.as_ref().is_some_and(|named| *named != qualifier) {
            return Err(invalid(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        reference.qualifier = Some(qualifier);
    }
    Ok(reference)
}

/// Changes a function under the lock; `change` sees it as it is at that moment.
fn change<T>(
    lambda: &Lambda,
    reference: &Reference,
    change: impl FnOnce(&mut Function) -> ServiceResult<T>,
) -> ServiceResult<T> {
    // Says so where there is no such function or version.
    let arn = lambda.find(reference)?.arn;
    let mut functions = lambda.functions();
    change(functions.get_mut(&reference.name).ok_or_else(|| not_found(&arn, None))?)
}

fn check_revision(function: &Function, wanted: Option<&String>) -> ServiceResult<()> {
    if wanted.is_none_or(|wanted| *wanted == function.revision_id) {
        return Ok(());
    }
    Err(ServiceError::new(
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve \
         the latest Revision Id",
    ))
}

fn no_versions(input: &mut Input) -> ServiceResult<()> {
    if input.boolean("Publish")? == Some(true) {
        return Err(ServiceError::unsupported_member(input.operation(), "Publish"));
    }
    Ok(())
}

/// Reads the code that an input names, and unpacks it.
async fn take_package(lambda: &Lambda, name: &str, input: &mut Input) -> ServiceResult<Package> {
    let inline = input.string("ZipFile")?;
    let (bucket, key, version) = (input.string("S3Bucket")?, input.string("S3Key")?, input.string("S3ObjectVersion")?);
    let zip: Bytes = match (inline, bucket, key) {
        (Some(text), None, None) => {
            let zip = BASE64_STANDARD.decode(text).map_err(|_| {
                ServiceError::bad_request("SerializationException", "ZipFile must be a base64-encoded zip.")
            })?;
            Package::check_size_in_request(&zip)?;
            zip.into()
        }
        (None, Some(bucket), Some(key)) => lambda.s3.get(&bucket, &key, version.as_deref()).await.map_err(|error| {
            invalid(format!(
                "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
                error.code, error.message
            ))
        })?,
        (None, Some(_), None) | (None, None, Some(_)) => {
            return Err(invalid("Please provide both S3Bucket and S3Key."));
        }
        (None, None, None) => return Err(invalid("Please provide a source for function code.")),
        (Some(_), ..) => {
            return Err(invalid("Please do not provide other FunctionCode parameters when providing a ZipFile."));
        }
    };
    let directory = lambda.site.directory.join(format!("{name}-{}", uuid::Uuid::new_v4().simple()));
    tokio::task::spawn_blocking(move || Package::unpack(&zip, directory)).await.map_err(ServiceError::internal)?
}

/// Refuses a role that is not there or does not trust Lambda.
fn check_role(lambda: &Lambda, role: &str, function: &str) -> ServiceResult<()> {
    let assumed = lambda.site.iam.assume_for_service(role, "lambda.amazonaws.com", function);
    assumed.map(drop).map_err(|_| invalid(UNASSUMABLE))
}

async fn create(lambda: &Arc<Lambda>, mut input: Input) -> ServiceResult {
    let name = take_reference(lambda, &mut input)?.name;
    let already = |exists: bool| {
        let error = ServiceError::new(409, "ResourceConflictException", format!("Function already exist: {name}"));
        if exists { Err(error) } else { Ok(()) }
    };
    match input.string("PackageType")?.as_deref() {
        None | Some("Zip") => {}
        Some(other) => {
            return Err(ServiceError::unsupported_member("CreateFunction", &format!("PackageType {other}")));
        }
    }
    no_versions(&mut input)?;
    let architecture = take_architecture(&mut input)?.unwrap_or_else(|| "x86_64".to_owned());
    let tags = input.string_map("Tags")?;
    let code = input.structure("Code")?;
    let settings = Settings::create(&name, &mut input)?;
    input.finish()?;
    already(lambda.functions().contains_key(&name))?;
    check_role(lambda, &settings.role, &name)?;
    let Some(mut code) = code else { return Err(invalid("Please provide a source for function code.")) };
    let package = take_package(lambda, &name, &mut code).await?;
    code.finish()?;
    let function = Function {
        arn: lambda.site.place.arn("lambda", &format!("function:{name}")),
        name: name.clone(),
        settings,
        architecture,
        package: Arc::new(package),
        revision_id: uuid::Uuid::new_v4().to_string(),
        last_modified: Timestamp::now(),
        policy: Policy::default(),
        reserved: None,
        tags,
        pool: Arc::default(),
    };
    let shown = function.configuration(&lambda.site.place, Shown::Creating);
    let mut functions = lambda.functions();
    already(functions.contains_key(&name))?;
    functions.insert(name.clone(), function);
    Ok(shown)
}

async fn update_code(lambda: &Arc<Lambda>, mut input: Input) -> ServiceResult {
    let reference = take_reference(lambda, &mut input)?;
    let revision = input.string("RevisionId")?;
    let only_try = input.boolean("DryRun")?.unwrap_or(false);
    no_versions(&mut input)?;
    let architecture = take_architecture(&mut input)?;
    check_revision(&lambda.find(&reference)?, revision.as_ref())?;
    let package = take_package(lambda, &reference.name, &mut input).await?;
    input.finish()?;
    change(lambda, &reference, |function| {
        check_revision(function, revision.as_ref())?;
        let mut changed = function.clone();
        changed.package = Arc::new(package);
        if let Some(architecture) = architecture {
            changed.architecture = architecture;
        }
        if !only_try {
            changed.changed();
            *function = changed.clone();
        }
        Ok(changed.configuration(&lambda.site.place, Shown::Updating))
    })
}

fn update_configuration(lambda: &Arc<Lambda>, mut input: Input) -> ServiceResult {
    let reference = take_reference(lambda, &mut input)?;
    let revision = input.string("RevisionId")?;
    let mut settings = lambda.find(&reference)?.settings;
    settings.take(&mut input)?;
    input.finish()?;
    check_role(lambda, &settings.role, &reference.name)?;
    change(lambda, &reference, |function| {
        check_revision(function, revision.as_ref())?;
        function.settings = settings;
        function.changed();
        Ok(function.configuration(&lambda.site.place, Shown::Updating))
    })
}

fn list(lambda: &Lambda, mut input: Input) -> ServiceResult {
    if let Some(version) = input.string("FunctionVersion")?.filter(|version| version != "ALL") {
        return Err(super::settings::not_in_set("functionVersion", &version, "[ALL]"));
    }
    let page = input.limit("MaxItems", 10_000)?.unwrap_or(PAGE).min(PAGE);
    let marker = input.string("Marker")?.filter(|marker| !marker.is_empty());
    input.finish()?;
    let functions = lambda.functions();
    let mut after = functions.values().filter(|function| marker.as_ref().is_none_or(|marker| function.name > *marker));
    let shown: Vec<&Function> = after.by_ref().take(page).collect();
    let mut output = json!({
        "Functions": shown.iter().map(|f| f.configuration(&lambda.site.place, Shown::Settled)).collect::<Vec<_>>(),
    });
    if let (Some(last), true) = (shown.last(), after.next().is_some()) {
        output["NextMarker"] = last.name.as_str().into();
    }
    Ok(output)
}

fn account_settings(lambda: &Lambda) -> Value {
    let functions = lambda.functions();
    let reserved: u32 = functions.values().filter_map(|function| function.reserved).sum();
    json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_u64,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": CONCURRENT_INVOCATIONS,
            "UnreservedConcurrentExecutions": CONCURRENT_INVOCATIONS.saturating_sub(reserved),
        },
        "AccountUsage": {
            "TotalCodeSize": functions.values().map(|function| function.package.size).sum::<u64>(),
            "FunctionCount": functions.len(),
        },
    })
}

fn tags(lambda: &Lambda, operation: &str, mut input: Input) -> ServiceResult {
    let resource = input.required("Resource")?;
    let add = input.string_map("Tags")?;
    let remove = input.strings("TagKeys")?;
    input.finish()?;
    let reference = Reference::parse(&lambda.site.place, &resource)?;
    match operation {
        "ListTags" => Ok(json!({"Tags": lambda.find(&reference)?.tags})),
        _ => change(lambda, &reference, |function| {
            function.tags.extend(add);
            function.tags.retain(|key, _| !remove.contains(key));
            Ok(Value::Null)
        }),
    }
}

fn of_one_function(lambda: &Lambda, operation: &str, mut input: Input) -> ServiceResult {
    let place = &lambda.site.place;
    let reference = take_reference(lambda, &mut input)?;
    match operation {
        "GetFunction" => {
            input.finish()?;
            let function = lambda.find(&reference)?;
            let mut output = json!({
                "Configuration": function.configuration(place, Shown::Settled),
                "Code": {"RepositoryType": "S3"},
            });
            if !function.tags.is_empty() {
                output["Tags"] = json!(function.tags);
            }
            if let Some(reserved) = function.reserved {
                output["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
            }
            Ok(output)
        }
        "GetFunctionConfiguration" => {
            input.finish()?;
            Ok(lambda.find(&reference)?.configuration(place, Shown::Settled))
        }
        "ListVersionsByFunction" => {
            // There is one version, so one page.
            input.limit("MaxItems", 10_000)?;
            input.ignore("Marker");
            input.finish()?;
            let function = lambda.find(&reference)?;
            let mut version = function.configuration(place, Shown::Settled);
            version["FunctionArn"] = format!("{}:{LATEST}", function.arn).into();
            Ok(json!({"Versions": [version]}))
        }
        "DeleteFunction" => {
            input.finish()?;
            if reference.qualifier.as_deref() == Some(LATEST) {
                return Err(invalid("$LATEST version cannot be deleted without deleting the function."));
            }
            let function = lambda.find(&reference)?;
            lambda.functions().remove(&reference.name);
            function.pool.retire_all();
            Ok(Value::Null)
        }
        "AddPermission" => {
            let revision = input.string("RevisionId")?;
            change(lambda, &reference, |function| {
                check_revision(function, revision.as_ref())?;
                let mut policy = function.policy.clone();
                let statement = policy.add(&function.arn, &mut input)?;
                input.finish()?;
                function.policy = policy;
                function.touched();
                Ok(json!({"Statement": statement.to_string()}))
            })
        }
        "RemovePermission" => {
            let revision = input.string("RevisionId")?;
            let statement = input.required("StatementId")?;
            input.finish()?;
            change(lambda, &reference, |function| {
                check_revision(function, revision.as_ref())?;
                function.policy.remove(&statement)?;
                function.touched();
                Ok(Value::Null)
            })
        }
        "GetPolicy" => {
            input.finish()?;
            let function = lambda.find(&reference)?;
            let document = function.policy.document(&function.arn)?;
            Ok(json!({"Policy": document.to_string(), "RevisionId": function.revision_id}))
        }
        "GetFunctionConcurrency" => {
            input.finish()?;
            Ok(match lambda.find(&reference)?.reserved {
                Some(reserved) => json!({"ReservedConcurrentExecutions": reserved}),
                None => json!({}),
            })
        }
        "DeleteFunctionConcurrency" => {
            input.finish()?;
            change(lambda, &reference, |function| {
                function.reserved = None;
                Ok(Value::Null)
            })
        }
        _ => put_concurrency(lambda, &reference, input),
    }
}

fn put_concurrency(lambda: &Lambda, reference: &Reference, mut input: Input) -> ServiceResult {
    let wanted = input
        .integer("ReservedConcurrentExecutions")?
        .and_then(|wanted| u32::try_from(wanted).ok())
        .ok_or_else(|| {
            ServiceError::bad_request(
                "ValidationException",
                "1 validation error detected: Value at 'reservedConcurrentExecutions' failed to satisfy constraint: \
                 Member must have value greater than or equal to 0",
            )
        })?;
    input.finish()?;
    let others: BTreeMap<String, u32> = lambda
        .functions()
        .values()
        .filter(|function| function.name != reference.name)
        .filter_map(|function| Some((function.name.clone(), function.reserved?)))
        .collect();
    let reserved: u32 = others.values().sum::<u32>().saturating_add(wanted);
    if reserved > CONCURRENT_INVOCATIONS - LEAST_UNRESERVED {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
             below its minimum value of [{LEAST_UNRESERVED}]."
        )));
    }
    change(lambda, reference, |function| {
        function.reserved = Some(wanted);
        Ok(json!({"ReservedConcurrentExecutions": wanted}))
    })
}
