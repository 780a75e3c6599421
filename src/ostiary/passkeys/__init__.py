"""Relying-party WebAuthn: options, responses, the two ceremonies, attestation, providers (WebAuthn Level 3).

Pure: no files, no network, no storage, no clock. Bytes and expectations in; facts, or ``CeremonyError``, out.
"""

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.statement import Attestation, AttestationKind
from ostiary.passkeys.authentication import StoredCredential, VerifiedAuthentication, verify_authentication
from ostiary.passkeys.options import (
    MAX_ALLOW_CREDENTIALS,
    AttestationConveyance,
    CredentialDescriptor,
    Hint,
    UserVerification,
    creation_options,
    request_options,
)
from ostiary.passkeys.providers import PROVIDERS, Provider, ProviderKind, provider_of
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason
from ostiary.passkeys.registration import VerifiedRegistration, verify_registration
from ostiary.passkeys.responses import (
    AuthenticationResponse,
    RegistrationResponse,
    parse_authentication_response,
    parse_registration_response,
)
from ostiary.passkeys.signatures import DEFAULT_ALGORITHMS

__all__ = [
    "DEFAULT_ALGORITHMS",
    "MAX_ALLOW_CREDENTIALS",
    "PROVIDERS",
    "Aaguid",
    "Attestation",
    "AttestationConveyance",
    "AttestationKind",
    "AuthenticationResponse",
    "CeremonyError",
    "CeremonyReason",
    "CredentialDescriptor",
    "Hint",
    "Provider",
    "ProviderKind",
    "RegistrationResponse",
    "StoredCredential",
    "UserVerification",
    "VerifiedAuthentication",
    "VerifiedRegistration",
    "creation_options",
    "parse_authentication_response",
    "parse_registration_response",
    "provider_of",
    "request_options",
    "verify_authentication",
    "verify_registration",
]
