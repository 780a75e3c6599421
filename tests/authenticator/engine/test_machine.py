"""Any sequence of commands, beside a model that says what must be there and what must be answered."""

from dataclasses import dataclass, field
from typing import Any

from fido2 import cbor
from fido2.ctap2.pin import PinProtocol
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ostiary.authenticator import AutomaticVerifier, Decision, Exchange, Outcome, Prompt
from ostiary.authenticator.engine.token import Permission
from tests.authenticator.engine.platform import (
    CLIENT_PIN,
    CREDENTIAL_MANAGEMENT,
    GET_ASSERTION,
    GET_INFO,
    GET_NEXT_ASSERTION,
    HASH,
    MAKE_CREDENTIAL,
    PROTOCOLS,
    RESET,
    Platform,
    Registered,
    Status,
)

RP_IDS = ("login.contoso.example", "login.fabrikam.example")
USERS = (b"ada", b"grace", b"joan")
PINS = ("123456", "654321", "ääää")
OUTCOMES = {
    Outcome.DECLINED: Status.OPERATION_DENIED,
    Outcome.TIMED_OUT: Status.USER_ACTION_TIMEOUT,
    Outcome.CANCELLED: Status.KEEPALIVE_CANCEL,
}

rp_ids = st.sampled_from(RP_IDS)
users = st.sampled_from(USERS)
pins = st.sampled_from(PINS)


@dataclass
class Token:
    """What the model knows of the one token in use."""

    value: bytes
    protocol: PinProtocol
    permissions: Permission
    rp_id: str | None
    began_at: int
    is_used: bool = False


@dataclass
class Model:
    passkeys: dict[tuple[str, bytes], Registered] = field(default_factory=dict)
    second_factors: list[tuple[str, Registered]] = field(default_factory=list)
    protection: dict[bytes, int] = field(default_factory=dict)
    pin: str | None = None
    retries: int = 8
    wrong_in_a_row: int = 0
    sign_count: int = 0
    token: Token | None = None
    next_assertions: list[bytes] = field(default_factory=list)


class Commands(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.outcome = Outcome.APPROVED
        self.model = Model()
        self.platform = Platform(verifier=AutomaticVerifier(decide=self.decide))

    def decide(self, prompt: Prompt, exchange: Exchange) -> Decision:
        return Decision(outcome=self.outcome, is_verified=prompt.needs_verification)

    @initialize(protocol=st.sampled_from(PROTOCOLS))
    def choose_protocol(self, protocol: PinProtocol) -> None:
        self.platform.protocol = protocol

    def status(self, number: int, fields: dict[int, Any] | None = None) -> int:
        if number != GET_NEXT_ASSERTION:
            self.model.next_assertions = []
        return self.platform.status(number, fields)

    def check_signed(self, registered: Registered) -> None:
        data = registered.verify(self.platform_answer())
        assert data.sign_count > self.model.sign_count
        self.model.sign_count = data.sign_count

    def platform_answer(self) -> dict[int, Any]:
        decoded = cbor.decode(self.platform.answer[1:])
        assert isinstance(decoded, dict)
        return decoded

    def by_id(self, credential_id: bytes) -> Registered:
        known = [*self.model.passkeys.values(), *(made for _, made in self.model.second_factors)]
        return next(made for made in known if made.id == credential_id)

    # making

    @rule(rp_id=rp_ids, user=users, protection=st.sampled_from([None, 1, 2, 3]))
    def register_passkey(self, rp_id: str, user: bytes, protection: int | None) -> None:
        fields = self.platform.creation(user, rp_id)
        if protection is not None:
            fields[6] = {"credProtect": protection}
        self.platform.clock.pass_seconds(1)
        status = self.status(MAKE_CREDENTIAL, fields)
        assert status == OUTCOMES.get(self.outcome, Status.SUCCESS)
        if status == Status.SUCCESS:
            made = Registered.of(self.platform_answer())
            self.model.passkeys.pop((rp_id, user), None)
            self.model.passkeys[rp_id, user] = made
            self.model.protection[made.id] = protection or 1
            assert made.data.sign_count > self.model.sign_count
            self.model.sign_count = made.data.sign_count

    @rule(rp_id=rp_ids, user=users)
    def register_second_factor(self, rp_id: str, user: bytes) -> None:
        status = self.status(MAKE_CREDENTIAL, self.platform.creation(user, rp_id, rk=False))
        assert status == OUTCOMES.get(self.outcome, Status.SUCCESS)
        if status == Status.SUCCESS:
            made = Registered.of(self.platform_answer())
            self.model.second_factors.append((rp_id, made))
            self.model.protection[made.id] = 1
            self.model.sign_count = made.data.sign_count

    @precondition(lambda self: self.model.passkeys)
    @rule(data=st.data(), user=users)
    def register_where_one_is_excluded(self, data: st.DataObject, user: bytes) -> None:
        (rp_id, _), made = data.draw(st.sampled_from(list(self.model.passkeys.items())))
        fields = self.platform.creation(user, rp_id) | {5: [made.descriptor]}
        assert self.status(MAKE_CREDENTIAL, fields) == OUTCOMES.get(self.outcome, Status.CREDENTIAL_EXCLUDED)

    # signing

    @rule(rp_id=rp_ids, up=st.booleans(), uv=st.booleans())
    def sign_in(self, rp_id: str, up: bool, uv: bool) -> None:
        found = [
            made.id
            for (of, _), made in reversed(self.model.passkeys.items())
            if of == rp_id and (uv or self.model.protection[made.id] == 1)
        ]
        status = self.status(GET_ASSERTION, self.platform.assertion(rp_id, up=up, uv=uv))
        if (uv or (up and found)) and self.outcome is not Outcome.APPROVED:
            assert status == OUTCOMES[self.outcome]
        elif not found:
            assert status == Status.NO_CREDENTIALS
        else:
            assert status == Status.SUCCESS
            answer = self.platform_answer()
            assert answer[1]["id"] == found[0]
            assert answer.get(5, 1) == len(found)
            self.check_signed(self.by_id(found[0]))
            self.model.next_assertions = found[1:]

    @rule()
    def go_on_signing_in(self) -> None:
        status = self.status(GET_NEXT_ASSERTION)
        if self.model.next_assertions:
            assert status == Status.SUCCESS
            expected = self.model.next_assertions.pop(0)
            assert self.platform_answer()[1]["id"] == expected
            self.check_signed(self.by_id(expected))
        else:
            assert status == Status.NOT_ALLOWED

    @precondition(lambda self: self.model.second_factors)
    @rule(data=st.data())
    def use_second_factor(self, data: st.DataObject) -> None:
        rp_id, made = data.draw(st.sampled_from(self.model.second_factors))
        other = next(one for one in RP_IDS if one != rp_id)
        fields = self.platform.assertion(rp_id) | {3: [made.descriptor]}
        assert self.status(GET_ASSERTION, fields | {1: other}) == Status.NO_CREDENTIALS
        status = self.status(GET_ASSERTION, fields)
        assert status == OUTCOMES.get(self.outcome, Status.SUCCESS)
        if status == Status.SUCCESS:
            self.check_signed(made)

    # the PIN

    @rule(pin=pins)
    def set_pin(self, pin: str) -> None:
        status = self.status(CLIENT_PIN, self.platform.new_pin_fields(pin))
        assert status == (Status.SUCCESS if self.model.pin is None else Status.PIN_AUTH_INVALID)
        if status == Status.SUCCESS:
            self.model.pin = pin

    def expected_pin_status(self, pin: str) -> Status:
        model = self.model
        if model.pin is None:
            return Status.PIN_NOT_SET
        if model.retries == 0:
            return Status.PIN_BLOCKED
        if model.wrong_in_a_row == 3:
            return Status.PIN_AUTH_BLOCKED
        if pin == model.pin:
            model.retries, model.wrong_in_a_row = 8, 0
            return Status.SUCCESS
        model.retries -= 1
        model.wrong_in_a_row += 1
        if model.retries == 0:
            return Status.PIN_BLOCKED
        return Status.PIN_AUTH_BLOCKED if model.wrong_in_a_row == 3 else Status.PIN_INVALID

    @rule(old=pins, new=pins)
    def change_pin(self, old: str, new: str) -> None:
        status = self.status(CLIENT_PIN, self.platform.new_pin_fields(new, old=old))
        assert status == self.expected_pin_status(old)
        if status == Status.SUCCESS:
            self.model.pin, self.model.token = new, None

    @rule(
        pin=pins,
        permissions=st.sampled_from([Permission.GET_ASSERTION, Permission.CREDENTIAL_MANAGEMENT, Permission(6)]),
        rp_id=rp_ids,
        protocol=st.sampled_from(PROTOCOLS),
    )
    def ask_for_token(self, pin: str, permissions: Permission, rp_id: str, protocol: PinProtocol) -> None:
        self.platform.protocol = protocol
        is_bound = Permission.GET_ASSERTION in permissions
        fields = self.platform.pin_fields(0x09, pin) | {9: int(permissions)}
        if is_bound:
            fields[10] = rp_id
        status = self.status(CLIENT_PIN, fields)
        assert status == self.expected_pin_status(pin)
        if status == Status.SUCCESS:
            value = protocol.decrypt(self.platform.secret, self.platform_answer()[2])
            bound_to = rp_id if is_bound else None
            self.model.token = Token(value, protocol, permissions, bound_to, self.platform.clock.now)

    # with a token

    def is_token_good(self, permission: Permission) -> bool:
        token = self.model.token
        if token is None:
            return False
        age = self.platform.clock.now - token.began_at
        if age >= 600_000 or (age >= 30_000 and not token.is_used):
            self.model.token = None
            return False
        return permission in token.permissions

    @precondition(lambda self: self.model.token is not None)
    @rule()
    def count_with_token(self) -> None:
        token = self.model.token
        assert token is not None
        self.platform.protocol = token.protocol
        is_good = self.is_token_good(Permission.CREDENTIAL_MANAGEMENT)
        status = self.status(CREDENTIAL_MANAGEMENT, self.platform.management(token.value, 0x01))
        token.is_used |= is_good
        assert status == (Status.SUCCESS if is_good and token.rp_id is None else Status.PIN_AUTH_INVALID)
        if status == Status.SUCCESS:
            assert self.platform_answer()[1] == len(self.model.passkeys)

    @precondition(lambda self: self.model.token is not None and self.model.passkeys)
    @rule(data=st.data())
    def delete_with_token(self, data: st.DataObject) -> None:
        token = self.model.token
        assert token is not None
        name, made = data.draw(st.sampled_from(list(self.model.passkeys.items())))
        self.platform.protocol = token.protocol
        is_good = self.is_token_good(Permission.CREDENTIAL_MANAGEMENT)
        fields = self.platform.management(token.value, 0x06, {2: made.descriptor})
        status = self.status(CREDENTIAL_MANAGEMENT, fields)
        token.is_used |= is_good
        is_allowed = is_good and token.rp_id in (None, name[0])
        assert status == (Status.SUCCESS if is_allowed else Status.PIN_AUTH_INVALID)
        if status == Status.SUCCESS:
            del self.model.passkeys[name]

    @precondition(lambda self: self.model.token is not None)
    @rule(rp_id=rp_ids, user=users)
    def sign_with_token(self, rp_id: str, user: bytes) -> None:
        token = self.model.token
        assert token is not None
        self.platform.protocol = token.protocol
        found = [made for (of, _), made in self.model.passkeys.items() if of == rp_id]
        is_good = self.is_token_good(Permission.GET_ASSERTION)
        fields = self.platform.signed(token.value, self.platform.assertion(rp_id), HASH, key=6, protocol_key=7)
        status = self.status(GET_ASSERTION, fields)
        token.is_used |= is_good
        if not (is_good and token.rp_id == rp_id):
            assert status == Status.PIN_AUTH_INVALID
        elif not found:
            assert status == Status.NO_CREDENTIALS
        else:
            assert status == OUTCOMES.get(self.outcome, Status.SUCCESS)
            if status == Status.SUCCESS:
                self.model.token = None  # spent
                answer = self.platform_answer()
                self.check_signed(self.by_id(answer[1]["id"]))
                ids = [made.id for made in reversed(found)]
                assert answer[1]["id"] == ids[0]
                self.model.next_assertions = ids[1:]

    # the world around

    @rule(outcome=st.sampled_from([Outcome.APPROVED, Outcome.APPROVED, *OUTCOMES]))
    def change_the_persons_mind(self, outcome: Outcome) -> None:
        self.outcome = outcome

    @rule(seconds=st.sampled_from([1, 29, 31, 400]))
    def let_time_pass(self, seconds: int) -> None:
        self.platform.clock.pass_seconds(seconds)
        if seconds > 30:
            self.model.next_assertions = []

    @rule()
    def start_anew(self) -> None:
        self.platform.start()
        self.model.token, self.model.next_assertions = None, []

    @rule()
    def reset(self) -> None:
        self.platform.start()
        status = self.status(RESET)
        assert status == OUTCOMES.get(self.outcome, Status.SUCCESS)
        if status == Status.SUCCESS:
            self.model = Model()
        self.model.token = None

    @rule()
    def look_at_it(self) -> None:
        assert self.status(GET_INFO) == Status.SUCCESS
        assert self.platform_answer()[4]["clientPin"] == (self.model.pin is not None)

    @invariant()
    def keeps_what_it_promised(self) -> None:
        kept = {credential.id: credential for credential in self.platform.keys.credentials()}
        promised = {made.id for made in self.model.passkeys.values()}
        assert {one for one, credential in kept.items() if credential.is_discoverable} == promised
        assert set(kept) - promised == {made.id for _, made in self.model.second_factors}
        assert all(kept[one].cred_protect == self.model.protection[one] for one in kept)
        pin = self.platform.keys.pin
        assert (pin.is_set, pin.retries_left) == (self.model.pin is not None, self.model.retries)


Commands.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestCommands = Commands.TestCase
