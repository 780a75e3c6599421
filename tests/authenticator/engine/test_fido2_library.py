"""The `fido2` library's own client and tools, on an engine in the same process."""

import hashlib
from typing import Any

import pytest
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap2.base import Ctap2
from fido2.ctap2.blob import LargeBlobs
from fido2.ctap2.config import Config
from fido2.ctap2.credman import CredentialManagement
from fido2.ctap2.extensions import CredBlobExtension, CredProtectExtension, HmacSecretExtension, LargeBlobExtension
from fido2.ctap2.pin import ClientPin, PinProtocolV1, PinProtocolV2
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestedCredentialData,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ostiary.authenticator import AutomaticVerifier, Engine
from ostiary.authenticator.hosts.in_process import InProcessDevice
from ostiary.authenticator.keys import memory_key_store
from tests.authenticator.engine.platform import PIN, RP_ID

ORIGIN = f"https://{RP_ID}"
SERVER = Fido2Server(
    PublicKeyCredentialRpEntity(id=RP_ID, name="Contoso"), attestation=AttestationConveyancePreference.DIRECT
)
SALT = hashlib.sha256(b"salt").digest()


class Typist(UserInteraction):
    """Types the PIN, as often as wanted."""

    def request_pin(self, permissions: ClientPin.PERMISSION, rp_id: str | None) -> str | None:
        return PIN


def device(*, pin: str | None = PIN, can_verify: bool = True) -> InProcessDevice:
    def fail(fault: Exception) -> None:
        raise AssertionError("the engine met with a fault") from fault

    verifier = AutomaticVerifier(can_verify=can_verify)
    return InProcessDevice(Engine(keys=memory_key_store(pin=pin), verifier=verifier, on_fault=fail))


def client(of: InProcessDevice) -> Fido2Client:
    hmac_secret = HmacSecretExtension()  # type: ignore[no-untyped-call]
    extensions = [CredBlobExtension(), CredProtectExtension(), hmac_secret, LargeBlobExtension()]
    collector = DefaultClientDataCollector(ORIGIN)
    return Fido2Client(of, collector, user_interaction=Typist(), extensions=extensions)


REQUIRED = UserVerificationRequirement.REQUIRED
DISCOURAGED = UserVerificationRequirement.DISCOURAGED


def register(
    of: Fido2Client,
    user: str = "ada",
    *,
    extensions: dict[str, Any] | None = None,
    resident_key: ResidentKeyRequirement = ResidentKeyRequirement.REQUIRED,
    verification: UserVerificationRequirement = REQUIRED,
    excluded: tuple[AttestedCredentialData, ...] = (),
) -> tuple[AttestedCredentialData, Any]:
    entity = PublicKeyCredentialUserEntity(id=user.encode(), name=user, display_name=user.title())
    options, state = SERVER.register_begin(
        entity, excluded, resident_key_requirement=resident_key, user_verification=verification
    )
    asked = {**options["publicKey"], "extensions": extensions or {}}
    response = of.make_credential(PublicKeyCredentialCreationOptions.from_dict(asked))
    data = SERVER.register_complete(state, response)
    assert data.credential_data is not None
    return data.credential_data, response.client_extension_results


def sign_in(
    of: Fido2Client,
    *credentials: AttestedCredentialData,
    extensions: dict[str, Any] | None = None,
    verification: UserVerificationRequirement = REQUIRED,
) -> Any:
    options, state = SERVER.authenticate_begin(credentials or None, user_verification=verification)
    asked = {**options["publicKey"], "extensions": extensions or {}}
    response = of.get_assertion(PublicKeyCredentialRequestOptions.from_dict(asked)).get_response(0)
    if credentials:
        SERVER.authenticate_complete(state, credentials, response)
    return response


@pytest.mark.parametrize(
    ("can_verify", "pin"), [(True, PIN), (True, None), (False, PIN)], ids=("built-in and PIN", "built-in", "PIN")
)
def test_registers_and_signs_in(can_verify: bool, pin: str | None) -> None:
    chromium = client(device(pin=pin, can_verify=can_verify))
    made, _ = register(chromium)
    assert sign_in(chromium, made).response.authenticator_data.is_user_verified()
    assert sign_in(chromium).response.user_handle == b"ada"


def test_registers_and_uses_a_second_factor() -> None:
    chromium = client(device())
    made, _ = register(chromium, resident_key=ResidentKeyRequirement.DISCOURAGED, verification=DISCOURAGED)
    response = sign_in(chromium, made, verification=DISCOURAGED)
    assert not response.response.authenticator_data.is_user_verified()


def test_does_not_register_the_same_account_twice() -> None:
    chromium = client(device())
    made, _ = register(chromium)
    with pytest.raises(ClientError) as refusal:
        register(chromium, excluded=(made,))
    assert refusal.value.code == ClientError.ERR.DEVICE_INELIGIBLE


def test_offers_several_accounts() -> None:
    chromium = client(device())
    for user in ("ada", "grace", "joan"):
        register(chromium, user)
    options, _ = SERVER.authenticate_begin(user_verification=REQUIRED)
    asked = PublicKeyCredentialRequestOptions.from_dict(dict(options["publicKey"]))
    found = chromium.get_assertion(asked).get_assertions()
    assert {assertion.user["name"] for assertion in found if assertion.user} == {"ada", "grace", "joan"}


@pytest.mark.parametrize("can_verify", [True, False], ids=("built-in", "PIN"))
def test_derives_the_same_secrets_at_creation_and_afterwards(can_verify: bool) -> None:
    chromium = client(device(can_verify=can_verify))
    inputs = {"prf": {"eval": {"first": SALT, "second": SALT[::-1]}}}
    made, at_creation = register(chromium, extensions=inputs)
    assert at_creation["prf"]["enabled"] is True
    results = sign_in(chromium, made, extensions=inputs).client_extension_results["prf"]["results"]
    assert results == at_creation["prf"]["results"]
    assert results["first"] != results["second"]


def test_keeps_a_large_blob() -> None:
    chromium = client(device())
    made, outputs = register(chromium, extensions={"largeBlob": {"support": "required"}})
    assert outputs["largeBlob"]["supported"] is True
    written = sign_in(chromium, made, extensions={"largeBlob": {"write": b"a letter " * 100}})
    assert written.client_extension_results["largeBlob"]["written"] is True
    read = sign_in(chromium, made, extensions={"largeBlob": {"read": True}})
    assert read.client_extension_results.large_blob.blob == b"a letter " * 100


def test_keeps_a_cred_blob_and_protects() -> None:
    chromium = client(device())
    inputs = {"credBlob": b"blob", "credentialProtectionPolicy": "userVerificationRequired"}
    made, _ = register(chromium, extensions=inputs)
    response = sign_in(chromium, made, extensions={"getCredBlob": True})
    assert response.response.authenticator_data.extensions == {"credBlob": b"blob"}


@pytest.mark.parametrize("protocol", [PinProtocolV1(), PinProtocolV2()], ids=("one", "two"))
def test_sets_and_changes_the_pin(protocol: PinProtocolV1) -> None:
    ctap = Ctap2(device(pin=None))
    pin = ClientPin(ctap, protocol)
    pin.set_pin("1234")
    pin.change_pin("1234", "4321")
    assert pin.get_pin_token("4321")
    assert pin.get_pin_retries() == (8, False)
    assert pin.get_uv_retries() == 8


@pytest.mark.parametrize("protocol", [PinProtocolV1(), PinProtocolV2()], ids=("one", "two"))
def test_manages_credentials(protocol: PinProtocolV1) -> None:
    of = device()
    for user in ("ada", "grace"):
        register(client(of), user)
    ctap = Ctap2(of)
    token = ClientPin(ctap, protocol).get_pin_token(PIN, ClientPin.PERMISSION.CREDENTIAL_MGMT)
    management = CredentialManagement(ctap, protocol, token)
    assert management.get_metadata()[1] == 2
    (rp,) = management.enumerate_rps()
    found = management.enumerate_creds(rp[4])
    assert {one[6]["name"] for one in found} == {"ada", "grace"}
    management.update_user_info(found[0][7], found[0][6] | {"name": "renamed"})
    management.delete_cred(found[1][7])
    (left,) = management.enumerate_creds(rp[4])
    assert left[6]["name"] == "renamed"


def test_configures() -> None:
    of = device()
    ctap = Ctap2(of)
    pin = ClientPin(ctap)
    token = pin.get_pin_token(PIN, ClientPin.PERMISSION.AUTHENTICATOR_CFG)
    config = Config(ctap, pin.protocol, token)
    config.toggle_always_uv()
    config.set_min_pin_length(8, [RP_ID])
    info = Ctap2(of).info
    assert info.options["alwaysUv"] is True
    assert (info.min_pin_length, info.force_pin_change) == (8, True)


def test_reads_and_writes_large_blobs() -> None:
    ctap = Ctap2(device())
    pin = ClientPin(ctap)
    token = pin.get_pin_token(PIN, ClientPin.PERMISSION.LARGE_BLOB_WRITE)
    blobs = LargeBlobs(ctap, pin.protocol, token)
    assert blobs.read_blob_array() == []
    blobs.put_blob(SALT, b"a letter")
    assert blobs.get_blob(SALT) == b"a letter"
    blobs.delete_blob(SALT)
    assert blobs.read_blob_array() == []


def test_selects_and_resets() -> None:
    of = device()
    ctap = Ctap2(of)
    ctap.selection()
    register(client(of))
    ctap.reset()
    info = Ctap2(of).info
    assert info.options["clientPin"] is False
    assert info.remaining_disc_creds == 1000
