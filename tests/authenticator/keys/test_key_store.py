"""What every key store promises, whatever its files and wherever its keys."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import CoseKey

from ostiary.authenticator.keys import VaultKeyStore
from ostiary.authenticator.keys.contents import NO_LARGE_BLOBS
from ostiary.authenticator.keys.counters import RESERVED_SIGN_COUNTS
from ostiary.authenticator.ports import (
    AttestationIdentity,
    Configuration,
    Credential,
    Full,
    KeyStore,
    Locked,
    PinError,
    PinState,
    SecretBox,
)
from tests.authenticator.keys.conftest import PIN, WRONG, Shelf, new

MESSAGE = b"authenticator data and client data hash"


def verify(credential: Credential, signature: bytes) -> None:
    parameters = cbor.decode(credential.public_key)
    assert isinstance(parameters, Mapping)
    CoseKey.parse(parameters).verify(MESSAGE, signature)


def wrong_pin(store: VaultKeyStore) -> PinError:
    with pytest.raises(PinError) as caught:
        store.check_pin(WRONG)
    return caught.value


def block(shelf: Shelf) -> VaultKeyStore:
    store = shelf.open()
    for left in range(7, -1, -1):
        assert wrong_pin(store).retries_left == left
        if left % 3 == 2:
            store = shelf.reopen()
    return store


def test_is_a_key_store_and_a_secret_box(store: VaultKeyStore) -> None:
    keys: KeyStore = store
    box: SecretBox = store
    assert keys.is_unlocked
    assert box.note("accounts") is None


# credentials


def test_signs_by_the_key_it_made(store: VaultKeyStore) -> None:
    for algorithm in store.algorithms:
        credential = store.add(new(user_handle=bytes([algorithm & 0xFF]))._replace(algorithm=algorithm))
        verify(credential, store.sign(credential.id, MESSAGE))


def test_keeps_credentials_over_a_restart(shelf: Shelf, store: VaultKeyStore) -> None:
    asked = new()._replace(cred_protect=3, cred_blob=b"blob", has_large_blob_key=True)
    credential = store.add(asked)
    assert credential.large_blob_key is not None and len(credential.large_blob_key) == 32
    store = shelf.reopen()
    assert not store.is_unlocked
    assert store.find(credential.id) == credential
    assert list(store.credentials("contoso.example")) == [credential]
    store.check_pin(PIN)
    verify(credential, store.sign(credential.id, MESSAGE))


def test_lists_the_newest_first(store: VaultKeyStore) -> None:
    made = [store.add(new(user_handle=bytes([number]), at=at)) for number, at in enumerate([5, 9, 9, 2])]
    newest_first = [made[2], made[1], made[0], made[3]]
    assert list(store.credentials("contoso.example")) == newest_first
    assert list(store.credentials()) == newest_first
    assert list(store.credentials("other.example")) == []


def test_replaces_the_discoverable_credential_of_the_same_account(store: VaultKeyStore) -> None:
    first, elsewhere, other = store.add(new()), store.add(new("other.example")), store.add(new(user_handle=b"grace"))
    second = store.add(new())
    assert {found.id for found in store.credentials()} == {second.id, elsewhere.id, other.id}
    assert store.find(first.id) is None
    with pytest.raises(KeyError):
        store.sign(first.id, MESSAGE)


def test_never_replaces_what_is_not_discoverable(store: VaultKeyStore) -> None:
    kept = store.add(new(is_discoverable=False))
    store.add(new(is_discoverable=False))
    store.add(new())
    assert len(store.credentials()) == 3
    assert store.find(kept.id) == kept


def test_deletes_while_locked(shelf: Shelf, store: VaultKeyStore) -> None:
    credential = store.add(new())
    store.lock()
    store.delete(credential.id)
    store.delete(credential.id)
    assert shelf.reopen().find(credential.id) is None


def test_updates_names_and_blobs_and_nothing_else(shelf: Shelf, store: VaultKeyStore) -> None:
    credential = store.add(new())
    store.update(replace(credential, user_name="lovelace", cred_blob=b"b", rp_id="evil.example", public_key=b"other"))
    wanted = replace(credential, user_name="lovelace", cred_blob=b"b")
    assert store.find(credential.id) == wanted
    store = shelf.crash()
    assert store.find(credential.id) == wanted
    assert list(store.credentials("evil.example")) == []


def test_ignores_an_update_of_what_is_deleted(store: VaultKeyStore) -> None:
    credential = store.add(new())
    store.delete(credential.id)
    store.update(replace(credential, user_name="lovelace"))
    assert store.find(credential.id) is None


def test_writes_the_last_use_at_lock_at_the_latest(shelf: Shelf, store: VaultKeyStore) -> None:
    credential = store.add(new())
    store.update(replace(credential, last_used_at=77))
    assert store.credentials("contoso.example")[0].last_used_at == 77
    store.lock()
    found = shelf.crash().find(credential.id)
    assert found is not None and found.last_used_at == 77


def test_writes_the_last_use_after_a_minute(shelf: Shelf, store: VaultKeyStore) -> None:
    credential = store.add(new())
    store.update(replace(credential, last_used_at=1))
    shelf.clock.at += 60_000
    store.update(replace(credential, last_used_at=2))
    found = shelf.crash().find(credential.id)
    assert found is not None and found.last_used_at == 2


def test_refuses_more_credentials_than_there_is_room_for(shelf: Shelf, store: VaultKeyStore) -> None:
    store._most_credentials = 2
    store.add(new(user_handle=b"1"))
    store.add(new(user_handle=b"2"))
    assert store.remaining == 0
    with pytest.raises(Full):
        store.add(new(user_handle=b"3"))
    store.add(new(user_handle=b"2"))
    assert store.remaining == 0


# locked


def test_refuses_to_use_keys_while_locked(store: VaultKeyStore) -> None:
    credential = store.add(new())
    store.sign(credential.id, MESSAGE)
    store.put_secret("seed", b"secret")
    store.generate_key("device")
    store.sign_with("device", MESSAGE)
    identity = AttestationIdentity(frozenset({"contoso.example"}), (b"certificate",), b"device")
    store.enrol(identity)
    store.lock()
    for use in (
        lambda: store.add(new()),
        lambda: store.sign(credential.id, MESSAGE),
        lambda: store.hmac_secret(credential.id, is_verified=True),
        lambda: store.sign_attestation(identity, MESSAGE),
        lambda: store.secret("seed"),
        lambda: store.secret("none"),
        lambda: store.put_secret("seed", b"other"),
        lambda: store.generate_key("device"),
        lambda: store.sign_with("device", MESSAGE),
        lambda: store.set_pin(WRONG, length=4),
    ):
        with pytest.raises(Locked):
            use()
    store.check_pin(PIN)
    verify(credential, store.sign(credential.id, MESSAGE))
    assert store.secret("seed") == b"secret"


def test_needs_a_pin_before_it_keeps_keys(shelf: Shelf) -> None:
    store = shelf.open()
    assert store.pin == PinState(False, 8, 4, False)
    assert not store.is_unlocked
    with pytest.raises(Locked):
        store.add(new())
    with pytest.raises(Locked):
        store.check_pin(PIN)


# the PIN


def test_counts_wrong_pins_and_forgets_them_at_a_right_one(shelf: Shelf, store: VaultKeyStore) -> None:
    store.lock()
    assert wrong_pin(store).retries_left == 7
    assert wrong_pin(store).retries_left == 6
    store = shelf.crash()
    assert store.pin.retries_left == 6
    store.check_pin(PIN)
    assert store.pin.retries_left == 8
    assert shelf.crash().pin.retries_left == 8


def test_wants_a_restart_after_three_wrong_pins(shelf: Shelf, store: VaultKeyStore) -> None:
    errors = [wrong_pin(store) for _ in range(3)]
    assert [error.needs_restart for error in errors] == [False, False, True]
    with pytest.raises(PinError) as caught:
        store.check_pin(PIN)
    assert caught.value.needs_restart and caught.value.retries_left == 5
    store = shelf.reopen()
    assert store.pin.retries_left == 5
    store.check_pin(PIN)


def test_refuses_the_right_pin_once_blocked(shelf: Shelf, store: VaultKeyStore) -> None:
    store = block(shelf)
    for blocked in (store, shelf.reopen()):
        with pytest.raises(PinError) as caught:
            blocked.check_pin(PIN)
        assert caught.value.retries_left == 0
        assert not blocked.is_unlocked
        assert blocked.pin.retries_left == 0


def test_locks_when_it_blocks(shelf: Shelf, store: VaultKeyStore) -> None:
    credential = store.add(new())
    for _ in range(2):
        for _ in range(3):
            wrong_pin(store)
        store = shelf.reopen()
    # Two are left, and one right one would give back all: unlock by the data key that is held already.
    store.check_pin(PIN)
    store._vault.counters._keep(1, 0)
    assert wrong_pin(store).retries_left == 0
    assert not store.is_unlocked
    with pytest.raises(Locked):
        store.sign(credential.id, MESSAGE)


def test_another_pin_opens_the_same_keys(shelf: Shelf, store: VaultKeyStore) -> None:
    credential = store.add(new())
    wrong_pin(store)
    store.set_pin(WRONG, length=6)
    assert store.pin.retries_left == 8
    store = shelf.reopen()
    with pytest.raises(PinError):
        store.check_pin(PIN)
    store.check_pin(WRONG)
    verify(credential, store.sign(credential.id, MESSAGE))


def test_refuses_a_pin_shorter_than_configured(store: VaultKeyStore) -> None:
    store.configure(Configuration(minimum_pin_length=6))
    with pytest.raises(ValueError, match="shorter"):
        store.set_pin(WRONG, length=5)


def test_wants_another_pin_when_the_minimum_grows(shelf: Shelf, store: VaultKeyStore) -> None:
    assert not store.pin.must_change
    store.configure(Configuration(minimum_pin_length=6))
    assert store.pin == PinState(True, 8, 6, True)
    store.set_pin(PIN, length=6)
    assert not shelf.reopen().pin.must_change


def test_forgets_that_the_pin_must_change_when_it_did(store: VaultKeyStore) -> None:
    store.configure(Configuration(must_change_pin=True))
    assert store.pin.must_change
    store.set_pin(WRONG, length=4)
    assert not store.pin.must_change
    assert not store.configuration.must_change_pin


# the counter


def test_sign_count_grows_over_every_end(shelf: Shelf, store: VaultKeyStore) -> None:
    counts = [store.next_sign_count() for _ in range(3)]
    store = shelf.reopen()
    counts.append(store.next_sign_count())
    assert counts == [1, 2, 3, 4]
    store = shelf.crash()
    counts.append(store.next_sign_count())
    assert counts[-1] == 3 + RESERVED_SIGN_COUNTS + 1
    counts += [store.next_sign_count() for _ in range(RESERVED_SIGN_COUNTS + 1)]
    assert counts == sorted(set(counts))


def test_serves_several_threads(shelf: Shelf, store: VaultKeyStore) -> None:
    def work(number: int) -> list[int]:
        counts = []
        for turn in range(10):
            credential = store.add(new(user_handle=bytes([number, turn])))
            verify(credential, store.sign(credential.id, MESSAGE))
            store.update(replace(credential, last_used_at=turn))
            counts.append(store.next_sign_count())
            store.put_secret(f"{number}-{turn}", b"secret")
        return counts

    with ThreadPoolExecutor(4) as threads:
        counts = [count for found in threads.map(work, range(4)) for count in found]
    assert sorted(counts) == list(range(1, 41))
    store = shelf.reopen()
    assert len(store.credentials("contoso.example")) == len(store.secret_names) == 40
    assert {found.last_used_at for found in store.credentials()} == set(range(10))


# hmac-secret


def test_cred_random_differs_by_verification_and_stays(shelf: Shelf, store: VaultKeyStore) -> None:
    one, other = store.add(new()), store.add(new(user_handle=b"grace"))
    randoms = [
        store.hmac_secret(found.id, is_verified=verified) for found in (one, other) for verified in (True, False)
    ]
    assert len(set(randoms)) == 4
    assert {len(random) for random in randoms} == {32}
    store = shelf.reopen()
    store.check_pin(PIN)
    assert store.hmac_secret(one.id, is_verified=True) == randoms[0]


# attestation and the app's own


def test_attests_for_the_organisations_own_rp_ids_alone(shelf: Shelf, store: VaultKeyStore) -> None:
    key = store.generate_key("attestation")
    identity = AttestationIdentity(frozenset({"contoso.example", "contoso.test"}), (b"one", b"two"), b"attestation")
    store.enrol(identity)
    key.verify(store.sign_attestation(identity, MESSAGE), MESSAGE, ec.ECDSA(SHA256()))
    store = shelf.reopen()
    assert store.attestation_for("contoso.test") == identity
    assert store.attestation_for("example.org") is None


def test_enrolling_anew_takes_the_place_of_the_old_identity(store: VaultKeyStore) -> None:
    for name in ("first", "second"):
        store.generate_key(name)
        store.enrol(AttestationIdentity(frozenset({"contoso.example"}), (name.encode(),), name.encode()))
    found = store.attestation_for("contoso.example")
    assert found is not None and found.certificates == (b"second",)
    assert store.public_key("first") is None
    store.forget_attestation("contoso.example")
    assert store.attestation_for("contoso.example") is None
    assert store.public_key("second") is None


def test_refuses_to_enrol_without_the_key(store: VaultKeyStore) -> None:
    with pytest.raises(KeyError):
        store.enrol(AttestationIdentity(frozenset({"contoso.example"}), (b"certificate",), b"nobody's"))


def test_keeps_secrets_and_notes_of_the_app(shelf: Shelf, store: VaultKeyStore) -> None:
    store.put_secret("seed", b"secret")
    store.put_secret("gone", b"secret")
    store.put_note("accounts", b"ada")
    store.put_note("gone", b"note")
    store.delete_secret("gone")
    store.delete_note("gone")
    store = shelf.crash()
    assert store.note("accounts") == b"ada" and store.note("gone") is None
    assert store.secret_names == ("seed",)
    store.check_pin(PIN)
    assert store.secret("seed") == b"secret" and store.secret("gone") is None


def test_keeps_keys_of_the_app(shelf: Shelf, store: VaultKeyStore) -> None:
    first = store.generate_key("device")
    second = store.generate_key("device")
    assert first.public_numbers() != second.public_numbers()
    store = shelf.crash()
    found = store.public_key("device")
    assert found is not None and found.public_numbers() == second.public_numbers()
    store.check_pin(PIN)
    second.verify(store.sign_with("device", MESSAGE), MESSAGE, ec.ECDSA(SHA256()))
    store.delete_key("device")
    assert store.public_key("device") is None
    with pytest.raises(KeyError):
        store.sign_with("device", MESSAGE)


def test_keeps_configuration_and_large_blobs(shelf: Shelf, store: VaultKeyStore) -> None:
    assert store.large_blobs == NO_LARGE_BLOBS
    configuration = Configuration(True, 5, ("contoso.example",), False)
    store.configure(configuration)
    store.keep_large_blobs(b"array")
    store = shelf.crash()
    assert store.configuration == configuration
    assert store.large_blobs == b"array"


# reset


def test_wipe_leaves_nothing(shelf: Shelf, store: VaultKeyStore) -> None:
    credential = store.add(new())
    store.put_secret("seed", b"secret")
    store.put_note("accounts", b"ada")
    store.generate_key("attestation")
    store.enrol(AttestationIdentity(frozenset({"contoso.example"}), (b"certificate",), b"attestation"))
    store.configure(Configuration(always_uv=True))
    store.keep_large_blobs(b"array")
    store.wipe()
    for wiped in (store, shelf.reopen()):
        assert wiped.pin == PinState(False, 8, 4, False)
        assert not wiped.is_unlocked
        assert list(wiped.credentials()) == [] and wiped.find(credential.id) is None
        assert wiped.secret_names == () and wiped.note("accounts") is None
        assert wiped.public_key("attestation") is None and wiped.attestation_for("contoso.example") is None
        assert wiped.configuration == Configuration()
        assert wiped.large_blobs == NO_LARGE_BLOBS
        with pytest.raises(Locked):
            wiped.sign(credential.id, MESSAGE)
    store = shelf.reopen()
    store.set_pin(WRONG, length=4)
    store.add(new())
    shelf.crash().check_pin(WRONG)


def test_a_blocked_store_can_be_wiped(shelf: Shelf, store: VaultKeyStore) -> None:
    store = block(shelf)
    store.wipe()
    store.set_pin(PIN, length=4)
    store.lock()
    store.check_pin(PIN)
