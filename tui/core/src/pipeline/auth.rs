//! Whom the API lets in.

/// Whom the API lets in: the template's `AuthMode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// Everyone.
    #[default]
    None,
    /// Who signs with credentials that may call it.
    Iam,
    /// Who brings a token of the issuer.
    Jwt,
}

impl AuthMode {
    /// From the parameter's value; an unknown one is as good as none.
    pub fn parse(value: &str) -> Self {
        match value {
            "IAM" => Self::Iam,
            "JWT" => Self::Jwt,
            _ => Self::None,
        }
    }

    /// The parameter's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Iam => "IAM",
            Self::Jwt => "JWT",
        }
    }
}
