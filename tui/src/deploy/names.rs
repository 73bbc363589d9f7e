//! Names of a stack other than the default one, so that two stacks never collide.

use sha2::{Digest, Sha256};

use super::{Request, package, template};
use crate::target::Target;

/// The default stack's name: its resources have the template's own default names.
pub const DEFAULT_STACK: &str = "tailwater";
/// What a bucket's base name may have: account and region complete it to at most 63 characters.
const BUCKET_BASE_LENGTH: usize = 35;
/// What a stream's name may have.
const STREAM_LENGTH: usize = 128;

/// The parameters that name what must differ between stacks.
pub fn derived(stack_name: &str) -> Vec<(String, String)> {
    if stack_name == DEFAULT_STACK {
        return Vec::new();
    }
    let named = |parameter: &str, length: usize, lower: bool| {
        let usual = template::default_of(parameter).unwrap_or_default();
        let stack = if lower { stack_name.to_lowercase() } else { stack_name.to_owned() };
        // Lower-casing and shortening can make two names one: the hash keeps them apart.
        let whole = format!("{stack}-{usual}");
        let name = if whole.len() <= length && stack == stack_name {
            whole
        } else {
            let hash = &hex::encode(Sha256::digest(stack_name))[..8];
            let kept: String = stack.chars().take(length - usual.len().min(length / 2) - hash.len() - 2).collect();
            let room = length - kept.len() - hash.len() - 2;
            format!("{kept}-{hash}-{}", &usual[..usual.len().min(room)]).trim_end_matches('-').to_owned()
        };
        (parameter.to_owned(), name)
    };
    vec![named("StreamName", STREAM_LENGTH, false), named("BucketBaseName", BUCKET_BASE_LENGTH, true)]
}

/// The names that a deployment takes, before it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The stack.
    pub stack: String,
    /// The data stream.
    pub stream: String,
    /// The bucket that receives the events.
    pub bucket: String,
    bucket_base: String,
    /// The function.
    pub function: String,
    /// The log groups of the function, the API and the delivery.
    pub log_groups: [String; 3],
    /// The bucket of function packages.
    pub artifacts: String,
}

impl Planned {
    /// What a request comes to in the account and region of a target.
    pub fn of(request: &Request, target: &Target) -> Self {
        let stack = &request.stack_name;
        let derived = derived(stack);
        let value = |name: &str| {
            let given = request.parameter(name).map(str::to_owned);
            let derived = || derived.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            given.or_else(derived).or_else(|| template::default_of(name)).unwrap_or_default()
        };
        let bucket_base = value("BucketBaseName");
        Self {
            stream: value("StreamName"),
            bucket: format!("{bucket_base}-{}-{}", target.account_id(), target.region()),
            bucket_base,
            function: format!("{stack}-submit"),
            log_groups: [
                format!("/aws/lambda/{stack}-submit"),
                format!("/aws/vendedlogs/apigateway/{stack}"),
                format!("/aws/kinesisfirehose/{stack}"),
            ],
            artifacts: match request.parameter("ArtifactBucket") {
                Some(given) => given.to_owned(),
                None => package::bucket_name(target.account_id(), target.region()),
            },
            stack: stack.clone(),
        }
    }

    /// Another name for the bucket of packages, where this one is taken.
    pub fn other_artifacts(&self) -> String {
        format!("{}-2", self.artifacts)
    }

    /// Another beginning for the bucket's name, where this one is taken.
    pub fn other_bucket_base(&self) -> String {
        let kept: String = self.bucket_base.chars().take(BUCKET_BASE_LENGTH - "-2".len()).collect();
        format!("{kept}-2")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_stack_has_the_templates_names() {
        assert!(derived(DEFAULT_STACK).is_empty());
    }

    #[test]
    fn other_stacks_have_names_of_their_own_that_fit() {
        let long = "A".repeat(128);
        let mut seen = std::collections::HashSet::new();
        for stack in ["demo", "Demo", "DEMO", "other-one", "a-very-long-stack-name-that-goes-on-and-on", long.as_str()]
        {
            let names = derived(stack);
            assert_eq!(names[0].0, "StreamName");
            assert!(names[0].1.len() <= STREAM_LENGTH && names[1].1.len() <= BUCKET_BASE_LENGTH, "{names:?}");
            assert!(
                names[1]
                    .1
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
            );
            assert!(names.into_iter().all(|(_, name)| seen.insert(name)), "{stack}");
        }
    }

    #[test]
    fn planned_names_are_those_of_the_template() {
        let nobody = aws_smithy_http_client::test_util::infallible_client_fn(|_| http::Response::new(""));
        let target = Target::scripted(nobody, crate::target::Time::default());
        let request = Request { stack_name: "demo".to_owned(), ..Request::default() };
        let names = Planned::of(&request, &target);
        assert_eq!(names.bucket, "demo-api-kinesis-firehose-bucket-111122223333-eu-west-1");
        for name in names.log_groups.iter().chain([&names.function]) {
            assert!(template::TEMPLATE.contains(&name.replace("demo", "${AWS::StackName}")), "{name}");
        }
        let parameters = vec![("StreamName".to_owned(), "mine".to_owned())];
        let given = Planned::of(&Request { parameters, ..request }, &target);
        assert_eq!(given.stream, "mine");
        assert_eq!(given.artifacts, "tailwater-artifacts-111122223333-eu-west-1");
    }
}
