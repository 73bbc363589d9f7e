//! The operations that AWS has, so that one this cloud lacks is told from one that nobody has.

use crate::wire::ServiceError;

/// Every operation of IAM.
const IAM: &str = "\
    AcceptDelegationRequest AcquireRole AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile \
    AddUserToGroup AssociateDelegationRequest AttachGroupPolicy AttachRolePolicy AttachUserPolicy \
    ChangePassword CreateAccessKey CreateAccountAlias CreateDelegationRequest CreateGroup \
    CreateInstanceProfile CreateLoginProfile CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion \
    CreateRole CreateSAMLProvider CreateServiceLinkedRole CreateServiceSpecificCredential CreateUser \
    CreateVirtualMFADevice DeactivateMFADevice DeleteAccessKey DeleteAccountAlias DeleteAccountPasswordPolicy \
    DeleteGroup DeleteGroupPolicy DeleteInstanceProfile DeleteLoginProfile DeleteOpenIDConnectProvider \
    DeletePolicy DeletePolicyVersion DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy \
    DeleteSAMLProvider DeleteServerCertificate DeleteServiceLinkedRole DeleteServiceSpecificCredential \
    DeleteSigningCertificate DeleteSSHPublicKey DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy \
    DeleteVirtualMFADevice DetachGroupPolicy DetachRolePolicy DetachUserPolicy \
    DisableOrganizationsRootCredentialsManagement DisableOrganizationsRootSessions \
    DisableOutboundWebIdentityFederation EnableMFADevice EnableOrganizationsRootCredentialsManagement \
    EnableOrganizationsRootSessions EnableOutboundWebIdentityFederation GenerateCredentialReport \
    GenerateOrganizationsAccessReport GenerateServiceLastAccessedDetails GetAccessKeyLastUsed \
    GetAccountAuthorizationDetails GetAccountPasswordPolicy GetAccountProperties GetAccountSummary \
    GetContextKeysForCustomPolicy GetContextKeysForPrincipalPolicy GetCredentialReport GetDelegationRequest \
    GetGroup GetGroupPolicy GetHumanReadableSummary GetInstanceProfile GetLoginProfile GetMFADevice \
    GetOpenIDConnectProvider GetOrganizationsAccessReport GetOutboundWebIdentityFederationInfo GetPolicy \
    GetPolicyVersion GetRole GetRolePolicy GetRoleTemplateVersion GetSAMLProvider GetServerCertificate \
    GetServiceLastAccessedDetails GetServiceLastAccessedDetailsWithEntities \
    GetServiceLinkedRoleDeletionStatus GetSSHPublicKey GetUser GetUserPolicy ListAccessKeys \
    ListAccountAliases ListAttachedGroupPolicies ListAttachedRolePolicies ListAttachedUserPolicies \
    ListDelegationRequests ListEntitiesForPolicy ListGroupPolicies ListGroups ListGroupsForUser \
    ListInstanceProfileTags ListInstanceProfiles ListInstanceProfilesForRole ListMFADeviceTags ListMFADevices \
    ListOpenIDConnectProviderTags ListOpenIDConnectProviders ListOrganizationsFeatures ListPolicies \
    ListPoliciesGrantingServiceAccess ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags \
    ListRoles ListSAMLProviderTags ListSAMLProviders ListServerCertificateTags ListServerCertificates \
    ListServiceSpecificCredentials ListSigningCertificates ListSSHPublicKeys ListUserPolicies ListUserTags \
    ListUsers ListVirtualMFADevices PutAccountProperties PutGroupPolicy PutRolePermissionsBoundary \
    PutRolePolicy PutUserPermissionsBoundary PutUserPolicy RejectDelegationRequest \
    RemoveClientIDFromOpenIDConnectProvider RemoveRoleFromInstanceProfile RemoveUserFromGroup \
    ResetServiceSpecificCredential ResyncMFADevice SendDelegationToken SetDefaultPolicyVersion \
    SetSecurityTokenServicePreferences SimulateCustomPolicy SimulatePrincipalPolicy TagInstanceProfile \
    TagMFADevice TagOpenIDConnectProvider TagPolicy TagRole TagSAMLProvider TagServerCertificate TagUser \
    UntagInstanceProfile UntagMFADevice UntagOpenIDConnectProvider UntagPolicy UntagRole UntagSAMLProvider \
    UntagServerCertificate UntagUser UpdateAccessKey UpdateAccountPasswordPolicy UpdateAssumeRolePolicy \
    UpdateDelegationRequest UpdateGroup UpdateLoginProfile UpdateOpenIDConnectProviderThumbprint UpdateRole \
    UpdateRoleDescription UpdateSAMLProvider UpdateServerCertificate UpdateServiceSpecificCredential \
    UpdateSigningCertificate UpdateSSHPublicKey UpdateUser UploadServerCertificate UploadSigningCertificate \
    UploadSSHPublicKey";

/// Every operation of STS.
const STS: &str = "\
    AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot DecodeAuthorizationMessage \
    GetAccessKeyInfo GetCallerIdentity GetDelegatedAccessToken GetFederationToken GetSessionToken \
    GetWebIdentityToken";

/// Whether `service` (`IAM`, `STS`) has this operation on AWS.
pub(crate) fn exists(service: &str, operation: &str) -> bool {
    let known = if service == "STS" { STS } else { IAM };
    known.split_ascii_whitespace().any(|name| name == operation)
}

/// The refusal of an operation that `service` (`IAM`, `STS`) does not answer here, in the words of
/// the query protocol.
pub(super) fn not_offered(service: &str, operation: &str) -> ServiceError {
    let message = if exists(service, operation) {
        format!("The embedded cloud does not offer the operation {operation} of {service}.")
    } else {
        format!("The action {operation} is not valid for this web service.")
    };
    ServiceError::bad_request("InvalidAction", message)
}
