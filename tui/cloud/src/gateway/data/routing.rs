//! Route keys (`POST /submit`, `ANY /items/{id}`, `GET /files/{proxy+}`, `$default`) and the choice
//! among them.

use std::{cmp::Reverse, collections::BTreeMap, fmt};

use percent_encoding::percent_decode_str;

const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The requests of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) enum RouteKey {
    /// Every request that no other route takes.
    Default,
    /// A method, which may be `ANY`, and a path.
    Path { method: String, segments: Vec<Segment> },
}

/// A piece of a route's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) enum Segment {
    Fixed(String),
    /// `{name}`.
    Variable(String),
    /// `{name+}`: the rest of the path, at least one segment of it.
    Greedy(String),
}

/// What a path gives to a route's variables.
pub(in crate::gateway) type PathParameters = BTreeMap<String, String>;

impl RouteKey {
    /// Reads a route key; the error is AWS's.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "$default" {
            return Ok(Self::Default);
        }
        let malformed = || {
            "The provided route key is not formatted properly for HTTP protocol. Format should be \
             \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\""
                .to_owned()
        };
        let (method, path) = text.split_once(' ').ok_or_else(malformed)?;
        let path = path.strip_prefix('/').ok_or_else(malformed)?;
        if !METHODS.contains(&method) || path.contains(char::is_whitespace) {
            return Err(malformed());
        }
        let parts: Vec<&str> = path.split('/').collect();
        let mut segments = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            let segment = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => match name.strip_suffix('+') {
                    Some(name) if index + 1 == parts.len() => Segment::Greedy(variable(name).ok_or_else(malformed)?),
                    Some(_) => return Err(malformed()),
                    None => Segment::Variable(variable(name).ok_or_else(malformed)?),
                },
                None if part.contains(['{', '}']) => return Err(malformed()),
                None => Segment::Fixed((*part).to_owned()),
            };
            segments.push(segment);
        }
        Ok(Self::Path { method: method.to_owned(), segments })
    }

    /// Whether both keys take the same requests: names of variables make no difference.
    pub fn same_requests(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Default, Self::Default) => true,
            (Self::Path { method, segments }, Self::Path { method: other_method, segments: other_segments }) => {
                method == other_method
                    && segments.len() == other_segments.len()
                    && segments.iter().zip(other_segments).all(|pair| match pair {
                        (Segment::Fixed(one), Segment::Fixed(other)) => one == other,
                        (Segment::Variable(_), Segment::Variable(_)) | (Segment::Greedy(_), Segment::Greedy(_)) => true,
                        _ => false,
                    })
            }
            _ => false,
        }
    }

    /// The resource of a route in an execution ARN: `POST/submit`. A route of every method names
    /// the one that was used.
    pub fn execution_resource(&self, used_method: &str) -> String {
        match self {
            Self::Default => "$default".to_owned(),
            Self::Path { method, segments } => {
                let method = if method == "ANY" { used_method } else { method };
                format!("{method}{}", path_text(segments))
            }
        }
    }

    /// The path's variables, where a request of this method and path is the route's.
    fn matches(&self, method: &str, path: &[&str]) -> Option<PathParameters> {
        let Self::Path { method: wanted, segments } = self else { return Some(PathParameters::new()) };
        if wanted != "ANY" && wanted != method {
            return None;
        }
        let mut parameters = PathParameters::new();
        for (index, segment) in segments.iter().enumerate() {
            let part = *path.get(index)?;
            match segment {
                Segment::Fixed(text) => {
                    if *text != decode(part) {
                        return None;
                    }
                }
                Segment::Variable(name) => {
                    if part.is_empty() {
                        return None;
                    }
                    parameters.insert(name.clone(), decode(part));
                }
                Segment::Greedy(name) => {
                    let rest = path[index..].join("/");
                    if rest.is_empty() {
                        return None;
                    }
                    parameters.insert(name.clone(), decode(&rest));
                    return Some(parameters);
                }
            }
        }
        (segments.len() == path.len()).then_some(parameters)
    }

    /// The higher, the sooner it is chosen: whole paths before greedy ones, these before the
    /// default; fixed segments before variables from the left on; a method before any.
    fn precedence(&self) -> (u8, Vec<Reverse<u8>>, bool) {
        let Self::Path { method, segments } = self else { return (0, Vec::new(), false) };
        let ranks: Vec<Reverse<u8>> = segments
            .iter()
            .map(|segment| {
                Reverse(match segment {
                    Segment::Fixed(_) => 0,
                    Segment::Variable(_) => 1,
                    Segment::Greedy(_) => 2,
                })
            })
            .collect();
        let is_greedy = matches!(segments.last(), Some(Segment::Greedy(_)));
        (if is_greedy { 1 } else { 2 }, ranks, method != "ANY")
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("$default"),
            Self::Path { method, segments } => write!(formatter, "{method} {}", path_text(segments)),
        }
    }
}

/// The route that a request takes, of several the most specific one.
pub(in crate::gateway) fn choose<'a, R>(
    routes: impl IntoIterator<Item = (&'a RouteKey, R)>,
    method: &str,
    path: &str,
) -> Option<(&'a RouteKey, R, PathParameters)> {
    let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    routes
        .into_iter()
        .filter_map(|(key, route)| Some((key, route, key.matches(method, &parts)?)))
        .max_by_key(|(key, _, _)| key.precedence())
}

fn path_text(segments: &[Segment]) -> String {
    segments
        .iter()
        .map(|segment| match segment {
            Segment::Fixed(text) => format!("/{text}"),
            Segment::Variable(name) => format!("/{{{name}}}"),
            Segment::Greedy(name) => format!("/{{{name}+}}"),
        })
        .collect()
}

fn variable(name: &str) -> Option<String> {
    let is_plain = !name.is_empty() && !name.contains(['{', '}', '+']);
    is_plain.then(|| name.to_owned())
}

/// A piece of a path as people write it.
pub(in crate::gateway) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ROUTES: [&str; 9] = [
        "$default",
        "ANY /{proxy+}",
        "GET /pets/{id}",
        "GET /pets/dog",
        "ANY /pets/dog",
        "GET /pets/{proxy+}",
        "POST /submit",
        "GET /",
        "GET /{kind}/food",
    ];

    #[rstest]
    #[case("POST", "/submit", "POST /submit")]
    #[case("PUT", "/submit", "ANY /{proxy+}")]
    #[case("POST", "/submit/", "ANY /{proxy+}")]
    #[case("GET", "/pets/dog", "GET /pets/dog")]
    #[case("PUT", "/pets/dog", "ANY /pets/dog")]
    #[case("GET", "/pets/cat", "GET /pets/{id}")]
    #[case("GET", "/pets/food", "GET /pets/{id}")]
    #[case("GET", "/fish/food", "GET /{kind}/food")]
    #[case("GET", "/pets/dog/1", "GET /pets/{proxy+}")]
    #[case("GET", "/", "GET /")]
    #[case("PUT", "/", "$default")]
    #[case("GET", "/pets/d%6Fg", "GET /pets/dog")]
    fn the_most_specific_route_is_chosen(#[case] method: &str, #[case] path: &str, #[case] expected: &str) {
        let keys: Vec<RouteKey> = ROUTES.iter().map(|text| RouteKey::parse(text).unwrap()).collect();
        let (key, (), _) = choose(keys.iter().map(|key| (key, ())), method, path).unwrap();
        assert_eq!(key.to_string(), expected);
    }

    #[test]
    fn variables_hold_what_the_path_says() {
        let key = RouteKey::parse("ANY /a/{id}/{rest+}").unwrap();
        let (_, (), parameters) = choose([(&key, ())], "GET", "/a/x%20y/b/c").unwrap();
        let expected = [("id", "x y"), ("rest", "b/c")];
        assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert!(choose([(&key, ())], "GET", "/a/x/").is_none(), "a greedy variable takes at least one segment");
        assert!(choose([(&key, ())], "GET", "/a//b").is_none(), "a variable is not empty");
    }

    #[rstest]
    #[case("submit")]
    #[case("POST submit")]
    #[case("FETCH /submit")]
    #[case("GET /{proxy+}/x")]
    #[case("GET /a{b}")]
    #[case("GET /{}")]
    #[case("POST  /submit")]
    fn malformed_keys_are_refused(#[case] key: &str) {
        assert!(RouteKey::parse(key).unwrap_err().contains("not formatted properly"), "{key}");
    }

    #[test]
    fn keys_that_take_the_same_requests_are_the_same() {
        let same =
            |one: &str, other: &str| RouteKey::parse(one).unwrap().same_requests(&RouteKey::parse(other).unwrap());
        assert!(same("GET /{a}", "GET /{b}"));
        assert!(!same("GET /{a}", "GET /{a+}"));
        assert!(!same("GET /a", "ANY /a"));
        assert!(same("$default", "$default"));
    }

    #[test]
    fn an_execution_arn_names_the_route() {
        let resource = |key: &str| RouteKey::parse(key).unwrap().execution_resource("PUT");
        assert_eq!(resource("POST /submit"), "POST/submit");
        assert_eq!(resource("ANY /a/{id}"), "PUT/a/{id}");
        assert_eq!(resource("$default"), "$default");
    }
}
