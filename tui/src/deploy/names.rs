//! Names of a stack other than the default one, so that two stacks never collide.

use sha2::{Digest, Sha256};

use super::template;

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
}
