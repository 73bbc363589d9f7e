//! HTTPS with ring, trusting Amazon's roots.
//!
//! AWS's endpoints chain to one of five roots of Amazon Trust Services. They are embedded, because
//! reading the system's whole store takes longer than everything else a cold start does. Behind a
//! proxy or an emulator with a certificate of its own, `AWS_CA_BUNDLE` or `SSL_CERT_FILE` names a
//! PEM file that is trusted instead.

use std::{env, fmt, fs, io};

use aws_sdk_kinesis::config::SharedHttpClient;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::client::{connector, pooled};

/// Amazon Root CA 1 to 4 and Starfield Services Root Certificate Authority G2.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// The variables that can name a store, the first set one counts.
const STORE_VARIABLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// Why the store that the environment names cannot be used.
#[derive(Debug)]
pub struct TrustError {
    variable: &'static str,
    file: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Unreadable(io::Error),
    NoCertificate,
}

impl fmt::Display for TrustError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the certificates in {} ({}) cannot be trusted: ", self.file, self.variable)?;
        match &self.problem {
            Problem::Unreadable(error) => write!(formatter, "{error}"),
            Problem::NoCertificate => formatter.write_str("there is no usable certificate in PEM format"),
        }
    }
}

impl std::error::Error for TrustError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Unreadable(error) => Some(error),
            Problem::NoCertificate => None,
        }
    }
}

/// HTTPS, and HTTP where an endpoint says so.
pub fn https() -> Result<SharedHttpClient, TrustError> {
    let named =
        STORE_VARIABLES.into_iter().find_map(|name| Some((name, env::var(name).ok().filter(|file| !file.is_empty())?)));
    let trust_store = match named {
        None => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        Some((variable, file)) => store(&file).map_err(|problem| TrustError { variable, file, problem })?,
    };
    let context = TlsContext::builder().with_trust_store(trust_store).build();
    let connector = connector().tls_provider(Provider::rustls(CryptoMode::Ring));
    Ok(pooled(connector.tls_context(context.unwrap_or_default()).build()))
}

/// The certificates of a PEM file. Ones that cannot be a root are left out, as a system's store may
/// hold some and the HTTP client panics on them.
fn store(file: &str) -> Result<TrustStore, Problem> {
    let pem = fs::read(file).map_err(Problem::Unreadable)?;
    let mut store = TrustStore::empty();
    let mut usable = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        if usable.add(certificate.clone()).is_ok() {
            store.add_pem_certificate(to_pem(&certificate));
        }
    }
    if usable.is_empty() { Err(Problem::NoCertificate) } else { Ok(store) }
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_embedded_roots_are_mozillas_of_amazon() {
        let embedded: Vec<_> = CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect::<Result<_, _>>().unwrap();
        assert_eq!(embedded.iter().collect::<HashSet<_>>().len(), 5);
        for certificate in &embedded {
            assert!(webpki_root_certs::TLS_SERVER_ROOT_CERTS.contains(certificate), "Mozilla no longer trusts a root");
        }
        let of_amazon = |name: &str| {
            embedded
                .iter()
                .any(|certificate| certificate.as_ref().windows(name.len()).any(|window| window == name.as_bytes()))
        };
        for name in [
            "Amazon Root CA 1",
            "Amazon Root CA 2",
            "Amazon Root CA 3",
            "Amazon Root CA 4",
            "Starfield Services Root Certificate Authority - G2",
        ] {
            assert!(of_amazon(name), "{name} is missing");
        }
    }

    #[test]
    fn a_store_of_its_own_is_read_from_pem() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.pem");
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(&file, [broken.as_bytes(), AMAZON_ROOTS].concat()).unwrap();
        assert!(store(file.to_str().unwrap()).is_ok());
        fs::write(&file, broken).unwrap();
        assert!(matches!(store(file.to_str().unwrap()), Err(Problem::NoCertificate)));
        assert!(matches!(store("/no/such/store.pem"), Err(Problem::Unreadable(_))));
    }
}
