"""authenticatorGetAssertion and authenticatorGetNextAssertion (CTAP 2.1 §6.2, §6.3)."""

import pytest

from ostiary.authenticator import AutomaticVerifier, Decision, Exchange, Outcome, Purpose
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.keys import memory_key_store, pin_hash
from tests.authenticator.engine.platform import (
    GET_ASSERTION,
    GET_INFO,
    GET_NEXT_ASSERTION,
    HASH,
    PIN,
    RP_ID,
    Platform,
    Status,
)


def test_signs_with_the_credential_that_is_named() -> None:
    platform = Platform()
    made, _ = platform.register(b"ada"), platform.register(b"grace")
    answer = platform.send(GET_ASSERTION, platform.assertion(uv=True) | {3: [made.descriptor]})
    assert answer[1] == made.descriptor
    assert made.verify(answer).flags == 0x05
    assert answer[4] == {"id": b"ada"}
    assert set(answer) == {1, 2, 3, 4}


def test_counts_up_with_every_signature() -> None:
    platform = Platform()
    made = platform.register()
    counts = [made.data.sign_count]
    for _ in range(3):
        counts.append(made.verify(platform.send(GET_ASSERTION, platform.assertion())).sign_count)
    assert counts == sorted(set(counts))


def test_notes_when_it_was_used() -> None:
    platform = Platform()
    platform.register()
    platform.clock.pass_seconds(100)
    platform.send(GET_ASSERTION, platform.assertion(up=False))
    assert platform.keys.credentials()[0].last_used_at is None
    platform.send(GET_ASSERTION, platform.assertion())
    assert platform.keys.credentials()[0].last_used_at == platform.clock.now


def test_asks_once_and_shows_who_asks_and_for_which_account() -> None:
    platform = Platform()
    made = platform.register()
    platform.verifier.prompts.clear()
    platform.send(GET_ASSERTION, platform.assertion(uv=True))
    (prompt,) = platform.verifier.prompts
    assert (prompt.purpose, prompt.rp_id, prompt.needs_verification) == (Purpose.SIGN_IN, RP_ID, True)
    assert [account.credential_id for account in prompt.accounts] == [made.id]


def test_without_presence_nobody_is_asked_and_nothing_claimed() -> None:
    platform = Platform(pin=PIN)
    made = platform.register()
    platform.verifier.prompts.clear()
    data = made.verify(platform.send(GET_ASSERTION, platform.assertion(up=False)))
    assert data.flags == 0
    assert platform.verifier.prompts == []


def test_without_verification_it_is_not_claimed() -> None:
    platform = Platform(pin=PIN)
    made = platform.register()
    assert made.verify(platform.send(GET_ASSERTION, platform.assertion())).flags == 0x01


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.DECLINED, Status.OPERATION_DENIED),
        (Outcome.TIMED_OUT, Status.USER_ACTION_TIMEOUT),
        (Outcome.CANCELLED, Status.KEEPALIVE_CANCEL),
        (Outcome.BLOCKED, Status.UV_BLOCKED),
    ],
)
def test_signs_nothing_when_the_person_does_not_agree(outcome: Outcome, status: Status) -> None:
    platform = Platform()
    platform.register()
    platform.verifier.decide = lambda prompt, exchange: Decision(outcome=outcome)
    assert platform.status(GET_ASSERTION, platform.assertion()) == status
    assert len(platform.answer) == 1


def test_nobody_learns_that_there_is_none_before_the_person_agreed() -> None:
    platform = Platform()
    assert platform.status(GET_ASSERTION, platform.assertion(uv=True)) == Status.NO_CREDENTIALS
    (prompt,) = platform.verifier.prompts
    assert prompt.accounts == ()
    platform.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.DECLINED)
    assert platform.status(GET_ASSERTION, platform.assertion(uv=True)) == Status.OPERATION_DENIED


def test_absent_and_empty_lists_differ() -> None:
    platform = Platform()
    platform.register()
    assert platform.status(GET_ASSERTION, platform.assertion()) == Status.SUCCESS
    assert platform.status(GET_ASSERTION, platform.assertion() | {3: []}) == Status.NO_CREDENTIALS


def test_a_descriptor_of_another_type_names_no_credential() -> None:
    platform = Platform()
    made = platform.register()
    fields = platform.assertion() | {3: [made.descriptor | {"type": "password"}]}
    assert platform.status(GET_ASSERTION, fields) == Status.NO_CREDENTIALS


def test_a_credential_of_another_relying_party_is_not_found() -> None:
    platform = Platform()
    made = platform.register(rp_id="other.example")
    assert platform.status(GET_ASSERTION, platform.assertion() | {3: [made.descriptor]}) == Status.NO_CREDENTIALS


def test_a_second_factor_is_found_by_its_name_only_and_names_nobody() -> None:
    platform = Platform()
    made = platform.register(rk=False)
    assert platform.status(GET_ASSERTION, platform.assertion()) == Status.NO_CREDENTIALS
    answer = platform.send(GET_ASSERTION, platform.assertion() | {3: [made.descriptor]})
    assert 4 not in answer
    made.verify(answer)


# --- several


def test_several_are_handed_out_one_by_one_the_newest_first() -> None:
    platform = Platform()
    made = []
    for user in (b"ada", b"grace", b"joan"):
        made.append(platform.register(user))
        platform.clock.pass_seconds(1)
    answers = [platform.send(GET_ASSERTION, platform.assertion(uv=True))]
    assert answers[0][5] == 3
    answers += [platform.send(GET_NEXT_ASSERTION), platform.send(GET_NEXT_ASSERTION)]
    for one, answer in zip(reversed(made), answers, strict=True):
        assert one.verify(answer).is_verified
        assert set(answer[4]) == {"id", "name", "displayName"}
    assert 5 not in answers[1]
    assert platform.status(GET_NEXT_ASSERTION) == Status.NOT_ALLOWED


def test_names_are_told_with_verification_only() -> None:
    platform = Platform(pin=PIN)
    platform.register(b"ada"), platform.register(b"grace")
    assert set(platform.send(GET_ASSERTION, platform.assertion())[4]) == {"id"}
    assert set(platform.send(GET_NEXT_ASSERTION)[4]) == {"id"}


def test_another_command_ends_the_handing_out() -> None:
    platform = Platform()
    platform.register(b"ada"), platform.register(b"grace")
    platform.send(GET_ASSERTION, platform.assertion())
    platform.send(GET_INFO)
    assert platform.status(GET_NEXT_ASSERTION) == Status.NOT_ALLOWED


def test_what_was_begun_one_way_does_not_go_on_another_way() -> None:
    platform = Platform()
    platform.register(b"ada"), platform.register(b"grace")
    assert platform.status(GET_ASSERTION, platform.assertion(), Exchange(source="USB security key")) == Status.SUCCESS
    other = Exchange(source="Chromium on this computer")
    assert platform.status(GET_NEXT_ASSERTION, exchange=other) == Status.NOT_ALLOWED


def test_half_a_minute_ends_the_handing_out() -> None:
    platform = Platform()
    for user in (b"ada", b"grace", b"joan"):
        platform.register(user)
    platform.send(GET_ASSERTION, platform.assertion())
    platform.clock.pass_seconds(29)
    platform.send(GET_NEXT_ASSERTION)
    platform.clock.pass_seconds(31)
    assert platform.status(GET_NEXT_ASSERTION) == Status.NOT_ALLOWED


def test_where_accounts_can_be_shown_the_person_chooses() -> None:
    chosen = Decision(outcome=Outcome.APPROVED, is_verified=True, choice=1)
    platform = Platform(verifier=AutomaticVerifier(can_choose=True))
    first = platform.register(b"ada")
    platform.clock.pass_seconds(1)
    platform.register(b"grace")
    platform.verifier.decide = lambda prompt, exchange: chosen
    answer = platform.send(GET_ASSERTION, platform.assertion(uv=True))
    assert [account.user_handle for account in platform.verifier.prompts[-1].accounts] == [b"grace", b"ada"]
    assert answer[1] == first.descriptor
    assert answer[6] is True
    assert 5 not in answer
    first.verify(answer)


@pytest.mark.parametrize("choice", [-1, 2, 100])
def test_refuses_a_choice_of_what_was_not_offered(choice: int) -> None:
    wrong = Decision(outcome=Outcome.APPROVED, is_verified=True, choice=choice)
    platform = Platform(verifier=AutomaticVerifier(can_choose=True))
    platform.register(b"ada"), platform.register(b"grace")
    platform.verifier.decide = lambda prompt, exchange: wrong
    assert platform.status(GET_ASSERTION, platform.assertion(uv=True)) == Status.OPERATION_DENIED


def test_of_several_that_are_named_the_person_chooses_unmarked() -> None:
    platform = Platform(verifier=AutomaticVerifier(can_choose=True))
    made = [platform.register(b"ada"), platform.register(b"grace")]
    answer = platform.send(GET_ASSERTION, platform.assertion() | {3: [one.descriptor for one in made]})
    assert len(platform.verifier.prompts[-1].accounts) == 2
    assert 6 not in answer


# --- with a token


def with_token(platform: Platform, token: bytes, fields: dict[int, object]) -> dict[int, object]:
    return platform.signed(token, fields, HASH, key=6, protocol_key=7)


def test_a_token_stands_for_verification_and_the_person_is_asked_still() -> None:
    platform = Platform(pin=PIN, verifier=AutomaticVerifier(can_verify=False))
    made = platform.register(rk=False)
    token = platform.token(Permission.GET_ASSERTION, RP_ID)
    platform.verifier.prompts.clear()
    fields = with_token(platform, token, platform.assertion() | {3: [made.descriptor]})
    assert made.verify(platform.send(GET_ASSERTION, fields)).flags == 0x05
    assert len(platform.verifier.prompts) == 1
    assert platform.status(GET_ASSERTION, fields) == Status.PIN_AUTH_INVALID  # spent


def test_a_silent_request_does_not_spend_the_token() -> None:
    platform = Platform(pin=PIN)
    platform.register()
    token = platform.token(Permission.GET_ASSERTION, RP_ID)
    for _ in range(2):
        assert platform.status(GET_ASSERTION, with_token(platform, token, platform.assertion(up=False))) == 0
    assert platform.status(GET_ASSERTION, with_token(platform, token, platform.assertion())) == Status.SUCCESS


def test_who_agreed_to_sign_in_when_the_token_was_asked_for_is_not_asked_again() -> None:
    platform = Platform(pin=PIN)
    made = platform.register()
    platform.verifier.prompts.clear()
    token = platform.token_by_uv(Permission.GET_ASSERTION, RP_ID)
    answer = platform.send(GET_ASSERTION, with_token(platform, token, platform.assertion()))
    assert made.verify(answer).flags == 0x05
    (prompt,) = platform.verifier.prompts
    assert (prompt.purpose, prompt.needs_verification) == (Purpose.SIGN_IN, True)
    assert [account.credential_id for account in prompt.accounts] == [made.id]


def test_but_is_when_there_are_several_to_choose_from() -> None:
    platform = Platform(pin=PIN, verifier=AutomaticVerifier(can_choose=True))
    platform.register(b"ada"), platform.register(b"grace")
    token = platform.token_by_uv(Permission.GET_ASSERTION, RP_ID)
    platform.verifier.prompts.clear()
    platform.send(GET_ASSERTION, with_token(platform, token, platform.assertion()))
    (prompt,) = platform.verifier.prompts
    assert len(prompt.accounts) == 2


def test_but_is_where_nobody_could_choose_between_them() -> None:
    platform = Platform(pin=PIN)
    platform.register(b"ada"), platform.register(b"grace")
    token = platform.token_by_uv(Permission.GET_ASSERTION, RP_ID)
    platform.verifier.prompts.clear()
    platform.send(GET_ASSERTION, with_token(platform, token, platform.assertion()))
    assert len(platform.verifier.prompts) == 1


def test_but_is_when_half_a_minute_went_by() -> None:
    platform = Platform(pin=PIN)
    platform.register()
    token = platform.token_by_uv(Permission.GET_ASSERTION, RP_ID)
    platform.status(GET_ASSERTION, with_token(platform, token, platform.assertion(up=False)))
    platform.clock.pass_seconds(31)
    platform.verifier.prompts.clear()
    assert platform.status(GET_ASSERTION, with_token(platform, token, platform.assertion())) == Status.SUCCESS
    assert len(platform.verifier.prompts) == 1


@pytest.mark.parametrize(
    ("permissions", "rp_id"),
    [(Permission.MAKE_CREDENTIAL, RP_ID), (Permission.GET_ASSERTION, "other.example")],
)
def test_refuses_a_token_for_something_else(permissions: Permission, rp_id: str) -> None:
    platform = Platform(pin=PIN)
    platform.register()
    token = platform.token(permissions, rp_id)
    assert platform.status(GET_ASSERTION, with_token(platform, token, platform.assertion())) == Status.PIN_AUTH_INVALID


# --- a locked store


def test_a_locked_store_is_opened_before_it_signs_and_never_told_as_empty() -> None:
    keys = memory_key_store(pin=PIN)
    platform = Platform(keys=keys, verifier=AutomaticVerifier(unlock=lambda: keys.check_pin(pin_hash(PIN))))
    made = platform.register()
    for fields, purpose, flags in (
        (platform.assertion(), Purpose.SIGN_IN, 0x01),
        (platform.assertion(up=False), Purpose.UNLOCK, 0x00),
        (platform.assertion(uv=True), Purpose.SIGN_IN, 0x05),
    ):
        keys.lock()
        assert made.verify(platform.send(GET_ASSERTION, fields)).flags == flags
        assert (platform.verifier.prompts[-1].purpose, platform.verifier.prompts[-1].needs_verification) == (
            purpose,
            True,
        )


def test_a_store_that_stays_locked_wants_the_pin_from_the_platform() -> None:
    keys = memory_key_store(pin=PIN)
    platform = Platform(keys=keys)
    platform.register()
    keys.lock()
    assert platform.status(GET_ASSERTION, platform.assertion(uv=True)) == Status.PUAT_REQUIRED
    platform.verifier.can_verify = False
    assert platform.status(GET_ASSERTION, platform.assertion()) == Status.PUAT_REQUIRED
    token = platform.token(Permission.GET_ASSERTION, RP_ID)
    assert platform.status(GET_ASSERTION, with_token(platform, token, platform.assertion())) == Status.SUCCESS
