"""An organisation with an attestation authority, and Authenticators as the people in it have them."""

from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.identity import attestation, attestation_authority
from ostiary.identity.attestation import Enrolment
from ostiary.identity.attestation_authority import Authority
from ostiary.identity.caller import COMMAND_LINE
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE
from tests.organisation import Organisation
from tests.software_authenticator import SoftwareAuthenticator


def request_of(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request (PKCS #10), whose subject nobody reads."""
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


class Authenticator(SoftwareAuthenticator):
    """An Ostiary Authenticator, as far as the server sees one: by itself it attests with its credential's own key."""

    def __init__(self, aaguid: bytes = AUTHENTICATOR_SEALED_FILE.raw) -> None:
        super().__init__(aaguid=aaguid, attestation="self")
        self.attestation_key = ec.generate_private_key(ec.SECP256R1())

    @property
    def request(self) -> str:
        return request_of(self.attestation_key)

    def take(self, enrolment: Enrolment) -> None:
        self.attestation = "packed"
        self.attestation_chain = [x509.load_der_x509_certificate(one) for one in enrolment.certificates]


@dataclass
class Desk:
    """What an administrator and a person do about attestation."""

    org: Organisation

    def create(self, *, is_replacing: bool = False, country: str = "DE") -> Authority:
        return self.org.administer(
            attestation_authority.create_authority,
            self.org.site.sealer,
            country=country,
            is_replacing=is_replacing,
            actor=None,
            now=self.org.clock(),
        )

    def code(self, username: str | None = "ada", *, model: str = "sealed-file", minutes: int = 60) -> str:
        person = self.org.person(username) if username else None
        return self.org.administer(
            attestation.issue_code,
            self.org.site.sealer,
            model=model,
            person=person,
            minutes=minutes,
            actor=None,
            now=self.org.clock(),
        ).code

    def enrol(
        self, request: str, code: str, *, username: str = "ada", model: str = str(AUTHENTICATOR_SEALED_FILE)
    ) -> Enrolment:
        """As the face does it: the attempt is counted and committed, whatever comes of it."""
        org = self.org
        attempt = org.administer(attestation.count_attempt, org.person(username), caller=COMMAND_LINE, now=org.clock())
        return org.administer(
            attestation.enrol_authenticator,
            org.site.sealer,
            org.site.relying_party,
            attempt,
            request_pem=request,
            model=model,
            code=code,
            caller=COMMAND_LINE,
            now=org.clock(),
        )

    def enrolled(self, username: str = "ada") -> tuple[Authenticator, Enrolment]:
        authenticator = Authenticator()
        enrolment = self.enrol(authenticator.request, self.code(username), username=username)
        authenticator.take(enrolment)
        return authenticator, enrolment

    def revoke(self, serial: str) -> None:
        self.org.administer(attestation.revoke, serial, actor=None, now=self.org.clock())


@pytest.fixture
def desk(org: Organisation) -> Desk:
    """Where an authority has been created."""
    desk = Desk(org)
    desk.create()
    return desk
