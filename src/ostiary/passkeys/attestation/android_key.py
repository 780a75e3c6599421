"""The ``android-key`` attestation statement format (WebAuthn L3 §8.4).

The extension it rests on is described by Android's documentation of key attestation (schema ``KeyDescription``).
"""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from ostiary.passkeys import der
from ostiary.passkeys.attestation.certificates import (
    certificate_invalid,
    check_current,
    parse_chain,
    public_key_of,
    unrecognized_extension,
)
from ostiary.passkeys.attestation.statement import Certified, StatementInput, statement_invalid
from ostiary.passkeys.der import Tag

IDENTIFIER: Final = "android-key"

KEY_DESCRIPTION_EXTENSION: Final = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")

# Fields of AuthorizationList, by their tags.
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = 1, 600, 702

_ORIGIN_GENERATED: Final = 0
_PURPOSE_SIGN, _PURPOSE_VERIFY = 2, 3


@dataclass(frozen=True, slots=True)
class AuthorizationList:
    """The fields we judge; ``None`` where the list has none."""

    purposes: frozenset[int] | None
    origin: int | None
    all_applications: bool


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """What the keystore says about a key."""

    challenge: bytes
    software_enforced: AuthorizationList
    hardware_enforced: AuthorizationList


def verify(given: StatementInput) -> Certified:
    """The verification procedure of WebAuthn L3 §8.4.

    Raises ``CeremonyError``: ``attestation_invalid`` when the statement is not of the format or does not verify,
    ``attestation_certificate_invalid`` when the certificate lacks the extension or says the key is of another kind.
    """
    members = given.members(("alg", "sig", "x5c"))
    algorithm, signature = members["alg"], members["sig"]
    if type(algorithm) is not int or not isinstance(signature, bytes):
        raise statement_invalid("alg is not an integer or sig is not a byte string")
    chain = parse_chain(members["x5c"])
    # The certificate is the credential's own, so its algorithm is too.
    if algorithm != given.credential_key.algorithm:
        raise statement_invalid("another algorithm than the credential's")
    attested_key = public_key_of(chain[0], algorithm)
    if not attested_key.is_valid(signature, given.signed):
        raise statement_invalid("not signed by the certificate's key")
    if attested_key.key != given.credential_key.key:
        raise statement_invalid("the certificate is for another key")
    description = _read_description(chain[0])
    if description.challenge != given.client_data_hash:
        raise statement_invalid("the challenge is not the hash of the client data")
    _check_authorizations(description)
    check_current(chain[0], given.at)
    return Certified(chain)


def _check_authorizations(description: KeyDescription) -> None:
    """A key for this relying party alone, made in the keystore, for signing.

    The union of both lists counts: whether only hardware is good enough is told by the anchors, as software keystores
    have a root of their own. A field that neither list has is not held against the key: keystores write both for every
    key they attest, and the specification's own example has empty lists.
    """
    lists = (description.software_enforced, description.hardware_enforced)
    if any(authorizations.all_applications for authorizations in lists):
        raise certificate_invalid("the key is for all applications")
    origins = {authorizations.origin for authorizations in lists} - {None}
    if not origins <= {_ORIGIN_GENERATED}:
        raise certificate_invalid("the key was not generated in the keystore")
    # To verify takes the public key only, which everybody has.
    for purposes in (authorizations.purposes for authorizations in lists):
        if purposes is not None and not {_PURPOSE_SIGN} <= purposes <= {_PURPOSE_SIGN, _PURPOSE_VERIFY}:
            raise certificate_invalid("the key is for something else than signing")


def _read_description(certificate: x509.Certificate) -> KeyDescription:
    content = unrecognized_extension(certificate, KEY_DESCRIPTION_EXTENSION)
    if content is None:
        raise certificate_invalid("no key description")
    try:
        fields = der.read_one(content).elements(Tag.SEQUENCE)
        if len(fields) != 8:
            raise der.DerError(f"{len(fields)} fields")
        version, level, keystore_version, keystore_level, challenge, unique_id, software, hardware = fields
        for number in (version, keystore_version):
            number.integer()
        for security_level in (level, keystore_level):
            security_level.integer(Tag.ENUMERATED)
        unique_id.take(Tag.OCTET_STRING)
        return KeyDescription(
            challenge=challenge.take(Tag.OCTET_STRING),
            software_enforced=_read_authorizations(software),
            hardware_enforced=_read_authorizations(hardware),
        )
    except der.DerError as error:
        raise certificate_invalid(f"the key description does not parse: {error}") from error


def _read_authorizations(element: der.Element) -> AuthorizationList:
    fields: dict[int, der.Element] = {}
    for field in element.elements(Tag.SEQUENCE):
        # Every version of the schema adds fields. What is judged must not depend on which of two one reads.
        if not field.is_field or field.number in fields:
            raise der.DerError("a field without a tag, or twice")
        fields[field.number] = field
    purposes = fields[_PURPOSE].inner().elements(Tag.SET) if _PURPOSE in fields else None
    return AuthorizationList(
        purposes=None if purposes is None else frozenset(purpose.integer() for purpose in purposes),
        origin=fields[_ORIGIN].inner().integer() if _ORIGIN in fields else None,
        all_applications=_ALL_APPLICATIONS in fields,
    )
