//! Where the bundled template says what: the line of each resource, property and parameter, found
//! in its text, so that the lines are right whatever is written above them.

/// The pipeline as one `CloudFormation` template, as it is bundled.
pub const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// A template's text.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a>(pub &'a str);

/// Something that stands in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// The line, from 1.
    pub line: usize,
    /// What stands behind the name, as written; empty where that goes on below.
    pub value: &'a str,
}

/// The template that is bundled.
pub const fn bundled() -> Template<'static> {
    Template(TEMPLATE)
}

impl<'a> Template<'a> {
    /// The line where a resource begins.
    pub fn resource(self, logical_id: &str) -> Option<usize> {
        Some(self.entry("Resources", logical_id)?.0)
    }

    /// A resource's type: `AWS::Kinesis::Stream`.
    pub fn resource_type(self, logical_id: &str) -> Option<&'a str> {
        Some(self.in_entry("Resources", logical_id, "Type")?.value)
    }

    /// A property of a resource, however deep it stands in it.
    pub fn property(self, logical_id: &str, name: &str) -> Option<Found<'a>> {
        self.in_entry("Resources", logical_id, name)
    }

    /// The line where a parameter begins.
    pub fn parameter(self, name: &str) -> Option<usize> {
        Some(self.entry("Parameters", name)?.0)
    }

    /// A parameter's default.
    pub fn default_of(self, parameter: &str) -> Option<&'a str> {
        Some(self.in_entry("Parameters", parameter, "Default")?.value.trim_matches('"'))
    }

    /// The comment above a resource, without its signs, as one text.
    pub fn comment(self, logical_id: &str) -> Option<String> {
        let (line, _) = self.entry("Resources", logical_id)?;
        let lines: Vec<&str> = self.0.lines().take(line - 1).collect();
        let comment: Vec<&str> =
            lines.iter().rev().map_while(|line| line.trim().strip_prefix('#')).map(str::trim).collect();
        (!comment.is_empty()).then(|| comment.into_iter().rev().collect::<Vec<_>>().join(" "))
    }

    /// The line of an entry of a section, and the lines of its body with their numbers.
    fn entry(self, section: &str, name: &str) -> Option<(usize, Vec<(usize, &'a str)>)> {
        let mut lines = self.0.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.find(|(_, line)| line.strip_suffix(':') == Some(section))?;
        let is_of_section = |line: &str| line.is_empty() || line.starts_with([' ', '#']);
        let mut section = lines.take_while(|(_, line)| is_of_section(line));
        let is_name = |line: &str| line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) == Some(name);
        let (line, _) = section.find(|(_, line)| is_name(line))?;
        let body = section.take_while(|(_, line)| line.is_empty() || line.starts_with("    ")).collect();
        Some((line, body))
    }

    fn in_entry(self, section: &str, entry: &str, name: &str) -> Option<Found<'a>> {
        let (_, body) = self.entry(section, entry)?;
        body.into_iter().find_map(|(line, text)| {
            let value = text.trim_start().strip_prefix("- ").unwrap_or(text.trim_start()).strip_prefix(name)?;
            let value = value.strip_prefix(':')?;
            (value.is_empty() || value.starts_with(' ')).then(|| Found { line, value: value.trim() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
Parameters:
  Stream:
    Default: \"a b\"
    Type: String

Resources:
  # What keeps records,
  # in order.
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      Name: !Ref Stream
      ShardCount: 2

  Role:
    Type: AWS::IAM::Role
Outputs:
  Stream:
    Value: x
";

    #[test]
    fn a_name_is_found_in_its_own_section() {
        let template = Template(SMALL);
        assert_eq!((template.parameter("Stream"), template.resource("Stream")), (Some(2), Some(9)));
        assert_eq!(template.default_of("Stream"), Some("a b"));
        assert_eq!(template.property("Stream", "ShardCount"), Some(Found { line: 13, value: "2" }));
        assert_eq!(template.property("Stream", "Shard"), None);
        assert_eq!(template.property("Role", "ShardCount"), None);
        assert_eq!(template.resource_type("Role"), Some("AWS::IAM::Role"));
        assert_eq!(template.comment("Stream").as_deref(), Some("What keeps records, in order."));
        assert_eq!(template.comment("Role"), None);
        assert_eq!(template.resource("Nothing"), None);
    }

    #[test]
    fn a_line_is_the_one_that_stands_in_the_file() {
        let lines: Vec<&str> = TEMPLATE.lines().collect();
        let line = bundled().resource("DeliveryStream").expect("a resource");
        assert_eq!(lines[line - 1], "  DeliveryStream:");
        let memory = bundled().property("Function", "MemorySize").expect("a property");
        assert!(lines[memory.line - 1].contains("MemorySize") && memory.value.parse::<u32>().is_ok());
        for name in ["ShardCount", "RetentionHours", "BufferIntervalSeconds", "ThrottleRate", "AuthMode"] {
            assert!(bundled().parameter(name).is_some() && bundled().default_of(name).is_some(), "{name}");
        }
    }
}
