//! Who makes a call.

/// Who makes a call: every call is attributed to the identity whose credentials signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The account's own keys, those of the ready line.
    Account,
    /// A role of the template, assumed by a function or a service.
    Role {
        /// `arn:aws:iam::ACCOUNT:role/NAME`.
        role_arn: String,
        /// The session's name: a function's name, or the service that assumed it.
        session_name: String,
    },
    /// A service of the cloud itself, as CloudFormation without a service role.
    Service(&'static str),
}
