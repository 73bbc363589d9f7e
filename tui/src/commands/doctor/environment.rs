//! Proxies and certificates that are set for every AWS tool.

use std::path::PathBuf;

use super::report::Check;

/// The variables that name a proxy.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// What is set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Variables that name a proxy, with their values.
    pub proxies: Vec<(&'static str, String)>,
    /// `AWS_CA_BUNDLE`.
    pub ca_bundle: Option<PathBuf>,
}

impl Settings {
    /// In this process.
    pub fn here() -> Self {
        let value = |name: &'static str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            proxies: PROXIES.into_iter().filter_map(|name| Some((name, value(name)?))).collect(),
            ca_bundle: value("AWS_CA_BUNDLE").map(PathBuf::from),
        }
    }
}

/// A line for each that is set.
pub fn checks(settings: &Settings) -> Vec<Check> {
    let proxies = settings.proxies.iter().map(|(name, value)| proxy(name, value));
    proxies.chain(settings.ca_bundle.iter().map(certificates)).collect()
}

fn proxy(name: &str, value: &str) -> Check {
    // As curl does, an address without a scheme is one of HTTP.
    let whole = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    match reqwest::Url::parse(&whole) {
        Ok(url) if url.host_str().is_some() && matches!(url.scheme(), "http" | "https") => {
            // Name and password of the proxy are nobody's business.
            let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
            Check::good("proxy", format!("{name} is {}://{}{port}", url.scheme(), url.host_str().unwrap_or_default()))
        }
        Ok(url) if url.host_str().is_some() => Check::bad(
            "proxy",
            format!("{name} is a proxy of the kind {}, which is not supported: only http and https are", url.scheme()),
            format!("unset {name}"),
        ),
        _ => Check::bad("proxy", format!("{name} is not an address: http://HOST:PORT is one"), format!("unset {name}")),
    }
}

fn certificates(path: &PathBuf) -> Check {
    let shown = path.display();
    let fix = "unset AWS_CA_BUNDLE";
    let found = std::fs::read(path).map_err(|error| error.to_string()).and_then(|pem| {
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| error.to_string())?;
        match certificates.len() {
            0 => Err("it holds no certificate".to_owned()),
            count => Ok(count),
        }
    });
    match found {
        Ok(count) => Check::good("certificates", format!("AWS_CA_BUNDLE is {shown}, with {count}")),
        Err(reason) => Check::bad("certificates", format!("AWS_CA_BUNDLE is {shown}: {reason}"), fix),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_proxy_that_is_no_address_fails_and_its_password_is_not_said() {
        let of = |value: &str| proxy("HTTPS_PROXY", value);
        let good = of("http://me:secret@proxy.corp:3128");
        assert_eq!(good.ok, Some(true));
        assert!(good.detail.contains("proxy.corp:3128") && !good.detail.contains("secret"), "{}", good.detail);
        assert_eq!(of("proxy.corp:3128").ok, Some(true));
        for wrong in ["http://", "socks5://proxy:1080", "::::"] {
            let check = of(wrong);
            assert_eq!((check.ok, check.fix.as_deref()), (Some(false), Some("unset HTTPS_PROXY")), "{wrong}");
        }
    }

    #[test]
    fn a_bundle_without_certificates_fails() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"no certificate").expect("written");
        for path in [file.path().to_owned(), PathBuf::from("/nowhere.pem")] {
            let check = certificates(&path);
            assert_eq!((check.ok, check.fix.as_deref()), (Some(false), Some("unset AWS_CA_BUNDLE")));
        }
    }
}
