//! Cross-origin requests: the gateway answers preflights itself, and writes the headers of every
//! other answer, whatever the function says.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::Full;

use super::{super::model::Cors, Answered};

/// The headers that belong to the gateway where CORS is configured.
const CORS_HEADERS: [header::HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// The answer to a preflight, `None` where the request is none.
pub(in crate::gateway) fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<Answered> {
    let is_preflight = method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight {
        return None;
    }
    let mut answered = Answered::new(Full::new(Bytes::new()));
    *answered.status_mut() = StatusCode::NO_CONTENT;
    if write_origin(cors, headers, answered.headers_mut()) {
        let lists = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers),
        ];
        for (name, list) in lists {
            write_list(answered.headers_mut(), name, list);
        }
        if let Some(age) = cors.max_age {
            answered.headers_mut().insert(header::ACCESS_CONTROL_MAX_AGE, age.into());
        }
    }
    Some(answered)
}

/// Replaces the CORS headers of an answer by those of the configuration.
pub(in crate::gateway) fn apply(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) {
    for name in &CORS_HEADERS {
        answer.remove(name);
    }
    if write_origin(cors, request, answer) {
        write_list(answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
    }
}

/// Allows the request's origin, where it is one of those allowed.
fn write_origin(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) -> bool {
    let Some(origin) = request.get(header::ORIGIN) else { return false };
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    let listed = cors.allow_origins.iter().any(|allowed| matches(allowed, origin));
    if !any && !listed {
        return false;
    }
    let value = if any { HeaderValue::from_static("*") } else { origin.clone() };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    if cors.allow_credentials {
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

/// `https://*` and `http://*` stand for every origin of that scheme.
fn matches(allowed: &str, origin: &HeaderValue) -> bool {
    match allowed.strip_suffix('*') {
        Some(scheme) if scheme.ends_with("://") => origin.as_bytes().starts_with(scheme.as_bytes()),
        _ => allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()),
    }
}

fn write_list(headers: &mut HeaderMap, name: header::HeaderName, list: &[String]) {
    if let Some(value) = HeaderValue::from_str(&list.join(",")).ok().filter(|_| !list.is_empty()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str]) -> Cors {
        Cors {
            allow_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            allow_methods: vec!["POST".into(), "GET".into()],
            allow_headers: vec!["content-type".into()],
            expose_headers: vec!["date".into()],
            max_age: Some(60),
            allow_credentials: false,
        }
    }

    fn request(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, "POST".parse().unwrap());
        headers
    }

    #[test]
    fn a_preflight_is_answered_for_an_allowed_origin() {
        let cors = cors(&["https://a.example"]);
        let answered = preflight(&cors, &Method::OPTIONS, &request("https://a.example")).unwrap();
        assert_eq!(answered.status(), 204);
        let headers = answered.headers();
        assert_eq!(headers["access-control-allow-origin"], "https://a.example");
        assert_eq!(headers["access-control-allow-methods"], "POST,GET");
        assert_eq!(headers["access-control-max-age"], "60");
        let other = preflight(&cors, &Method::OPTIONS, &request("https://b.example")).unwrap();
        assert!(other.headers().is_empty());
        assert!(preflight(&cors, &Method::POST, &request("https://a.example")).is_none());
    }

    #[test]
    fn the_gateways_headers_replace_the_functions() {
        let mut answer = HeaderMap::new();
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, "https://other.example".parse().unwrap());
        apply(&cors(&["*"]), &request("https://a.example"), &mut answer);
        assert_eq!(answer["access-control-allow-origin"], "*");
        assert_eq!(answer["access-control-expose-headers"], "date");
        apply(&cors(&["http://*"]), &request("https://a.example"), &mut answer);
        assert!(answer.is_empty());
    }
}
