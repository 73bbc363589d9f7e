//! What is computed over a body as it comes: its MD5, its checksum, its length; and whether they
//! are what the client said.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::StreamExt as _;
use http::HeaderMap;
use s3s::{
    TrailingHeaders,
    crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256},
    dto::{ChecksumAlgorithm, ChecksumType, StreamingBlob},
};
use std::sync::Arc;

use super::{
    blobs::{Blob, Blobs},
    refusal::disk,
};
use crate::wire::{ServiceError, ServiceResult};

/// The largest body of one request, 5 GiB.
pub(super) const LARGEST_BODY_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The checksums of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As in `x-amz-checksum-algorithm`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header and trailer that carries its value.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The bytes of its value.
    pub fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// 400 `InvalidRequest` for one that is none of S3's.
    pub fn named(name: &ChecksumAlgorithm) -> ServiceResult<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name.as_str()).ok_or_else(|| {
            ServiceError::bad_request(
                "InvalidRequest",
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, \
                 CRC32C, CRC64NVME, SHA1, SHA256]",
            )
        })
    }
}

/// A checksum being computed.
pub(super) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc32(hasher) => hasher.finalize().to_vec(),
            Self::Crc32c(hasher) => hasher.finalize().to_vec(),
            Self::Crc64Nvme(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// A checksum as S3 keeps and shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sum {
    pub algorithm: Algorithm,
    /// Base64; of an object made of parts, followed by `-` and their number where it is a checksum
    /// of checksums.
    pub value: String,
    pub composite: bool,
}

impl Sum {
    /// In the shape of S3's API.
    pub fn shape(sum: Option<&Self>) -> s3s::dto::Checksum {
        let mut shape = s3s::dto::Checksum::default();
        let Some(sum) = sum else { return shape };
        let value = Some(sum.value.clone());
        match sum.algorithm {
            Algorithm::Crc32 => shape.checksum_crc32 = value,
            Algorithm::Crc32c => shape.checksum_crc32c = value,
            Algorithm::Crc64Nvme => shape.checksum_crc64nvme = value,
            Algorithm::Sha1 => shape.checksum_sha1 = value,
            Algorithm::Sha256 => shape.checksum_sha256 = value,
        }
        let kind = if sum.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
        shape.checksum_type = Some(ChecksumType::from_static(kind));
        shape
    }
}

/// Copies the five values of a checksum's shape into an output that has them as members.
macro_rules! show_sum {
    ($output:expr, $sum:expr) => {{
        let shape = $crate::s3::digest::Sum::shape($sum);
        $output.checksum_crc32 = shape.checksum_crc32;
        $output.checksum_crc32c = shape.checksum_crc32c;
        $output.checksum_crc64nvme = shape.checksum_crc64nvme;
        $output.checksum_sha1 = shape.checksum_sha1;
        $output.checksum_sha256 = shape.checksum_sha256;
        shape.checksum_type
    }};
}
/// The checksums an input carries, with their algorithms.
macro_rules! said_sums {
    ($input:expr) => {
        [
            ($crate::s3::digest::Algorithm::Crc32, $input.checksum_crc32.clone()),
            ($crate::s3::digest::Algorithm::Crc32c, $input.checksum_crc32c.clone()),
            ($crate::s3::digest::Algorithm::Crc64Nvme, $input.checksum_crc64nvme.clone()),
            ($crate::s3::digest::Algorithm::Sha1, $input.checksum_sha1.clone()),
            ($crate::s3::digest::Algorithm::Sha256, $input.checksum_sha256.clone()),
        ]
    };
}
pub(super) use {said_sums, show_sum};

/// What a client says about the body it sends.
#[derive(Default)]
pub(super) struct Said {
    /// Its length in bytes.
    pub length: Option<u64>,
    /// `Content-MD5`.
    pub md5: Option<String>,
    /// The checksum's algorithm, and its value unless it comes behind the body.
    pub sum: Option<(Algorithm, Option<String>)>,
    pub trailers: Option<TrailingHeaders>,
}

impl Said {
    /// Of the members and headers of a request. Two checksums, or one that cannot be, are refused.
    pub fn of(
        sums: [(Algorithm, Option<String>); 5],
        algorithm: Option<&ChecksumAlgorithm>,
        headers: &HeaderMap,
        length: Option<i64>,
        md5: Option<String>,
        trailers: Option<TrailingHeaders>,
    ) -> ServiceResult<Self> {
        let mut values = sums.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
        let sum = values.next();
        if values.next().is_some() {
            return Err(ServiceError::bad_request(
                "InvalidRequest",
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let behind = || {
            let names = headers.get("x-amz-trailer").and_then(|names| names.to_str().ok()).unwrap_or_default();
            let mut names = names.split(',').map(|name| name.trim().to_ascii_lowercase());
            names.find_map(|name| Algorithm::ALL.into_iter().find(|algorithm| algorithm.header() == name))
        };
        let sum = match (sum, algorithm) {
            (Some((algorithm, value)), _) => {
                if STANDARD.decode(&value).map(|bytes| bytes.len()).ok() != Some(algorithm.length()) {
                    return Err(invalid_header(algorithm));
                }
                Some((algorithm, Some(value)))
            }
            (None, algorithm) => match (behind(), algorithm) {
                (Some(found), _) => Some((found, None)),
                (None, Some(name)) => Some((Algorithm::named(name)?, None)),
                (None, None) => None,
            },
        };
        let length = length.and_then(|length| u64::try_from(length).ok());
        Ok(Self { length, md5, sum, trailers })
    }
}

fn invalid_header(algorithm: Algorithm) -> ServiceError {
    ServiceError::bad_request("InvalidRequest", format!("Value for {} header is invalid.", algorithm.header()))
}

/// A body that was taken in whole and is what the client said.
pub(super) struct Received {
    pub blob: Arc<Blob>,
    pub md5: [u8; 16],
    pub algorithm: Algorithm,
    /// The value's bytes.
    pub sum: Vec<u8>,
}

impl Received {
    /// The checksum over the whole body.
    pub fn full_sum(&self) -> Sum {
        Sum { algorithm: self.algorithm, value: STANDARD.encode(&self.sum), composite: false }
    }
}

/// Takes a body in. Without a checksum of the client's, one by `default` is computed.
pub(super) async fn receive(
    blobs: &Blobs,
    body: Option<StreamingBlob>,
    said: Said,
    default: Algorithm,
) -> ServiceResult<Received> {
    if said.length.is_some_and(|length| length > LARGEST_BODY_BYTES) {
        return Err(too_large());
    }
    let algorithm = said.sum.as_ref().map_or(default, |(algorithm, _)| *algorithm);
    let (mut md5, mut hasher) = (Md5::new(), Hasher::new(algorithm));
    let mut writer = blobs.writer();
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| broken(&*error))?;
            md5.update(&chunk);
            hasher.update(&chunk);
            writer.write(&chunk).await.map_err(disk)?;
            if writer.size() > LARGEST_BODY_BYTES {
                return Err(too_large());
            }
        }
    }
    if said.length.is_some_and(|length| length != writer.size()) {
        return Err(incomplete());
    }
    let (md5, sum) = (md5.finalize(), hasher.finish());
    if let Some(wanted) = &said.md5 {
        check_md5(wanted, md5)?;
    }
    if let Some((_, value)) = &said.sum {
        let behind = || {
            let header = said.trailers.as_ref()?.read(|headers| headers.get(algorithm.header()).cloned())??;
            header.to_str().ok().map(str::to_owned)
        };
        if let Some(wanted) = value.clone().or_else(behind) {
            check_sum(algorithm, &wanted, &sum)?;
        }
    }
    let blob = writer.finish().await.map_err(disk)?;
    Ok(Received { blob, md5, algorithm, sum })
}

/// `Content-MD5` against what was received.
pub(super) fn check_md5(wanted: &str, md5: [u8; 16]) -> ServiceResult<()> {
    match STANDARD.decode(wanted) {
        Ok(wanted) if wanted == md5 => Ok(()),
        Ok(wanted) if wanted.len() == md5.len() => {
            Err(ServiceError::bad_request("BadDigest", "The Content-MD5 you specified did not match what we received.")
                .with("ExpectedDigest", hex::encode(wanted))
                .with("CalculatedDigest", STANDARD.encode(md5)))
        }
        _ => Err(ServiceError::bad_request("InvalidDigest", "The Content-MD5 you specified was invalid.")
            .with("Content-MD5", wanted)),
    }
}

/// A checksum against what was received.
pub(super) fn check_sum(algorithm: Algorithm, wanted: &str, sum: &[u8]) -> ServiceResult<()> {
    match STANDARD.decode(wanted) {
        Ok(wanted) if wanted == sum => Ok(()),
        Ok(wanted) if wanted.len() == sum.len() => Err(ServiceError::bad_request(
            "BadDigest",
            format!("The {} you specified did not match the calculated checksum.", algorithm.name()),
        )),
        _ => Err(invalid_header(algorithm)),
    }
}

fn too_large() -> ServiceError {
    ServiceError::bad_request("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        .with("MaxSizeAllowed", LARGEST_BODY_BYTES)
}

fn incomplete() -> ServiceError {
    ServiceError::bad_request(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

/// Why a body broke off. `s3s` keeps the types of these errors to itself; what they print is the
/// only way to tell them apart.
fn broken(error: &(dyn std::error::Error + Send + Sync)) -> ServiceError {
    let text = error.to_string();
    if text.ends_with("Sha256Mismatch") {
        return ServiceError::bad_request(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
    }
    if text.ends_with("SignatureMismatch") {
        return ServiceError::new(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and \
             signing method.",
        );
    }
    incomplete()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        STANDARD.encode(hasher.finish())
    }

    #[test]
    fn checksums_are_those_of_the_check_string() {
        // The published check values of each algorithm over "123456789".
        let hex = |algorithm| hex::encode(STANDARD.decode(sum(algorithm, b"123456789")).unwrap());
        assert_eq!(hex(Algorithm::Crc32), "cbf43926");
        assert_eq!(hex(Algorithm::Crc32c), "e3069283");
        assert_eq!(hex(Algorithm::Crc64Nvme), "ae8b14860a799888");
        assert_eq!(hex(Algorithm::Sha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
    }

    #[test]
    fn a_wrong_checksum_and_one_that_is_none_are_told_apart() {
        let right = sum(Algorithm::Crc32, b"a");
        let bytes = STANDARD.decode(&right).unwrap();
        assert!(check_sum(Algorithm::Crc32, &right, &bytes).is_ok());
        let wrong = check_sum(Algorithm::Crc32, &sum(Algorithm::Crc32, b"b"), &bytes).unwrap_err();
        assert_eq!(wrong.code, "BadDigest");
        assert_eq!(wrong.message, "The CRC32 you specified did not match the calculated checksum.");
        assert_eq!(check_sum(Algorithm::Crc32, "?", &bytes).unwrap_err().code, "InvalidRequest");
    }

    #[test]
    fn what_a_broken_body_says_is_recognised() {
        let mismatch = std::io::Error::other("UploadStreamError: Sha256Mismatch");
        assert_eq!(broken(&mismatch).code, "XAmzContentSHA256Mismatch");
        assert_eq!(broken(&std::io::Error::other("connection reset")).code, "IncompleteBody");
    }
}
