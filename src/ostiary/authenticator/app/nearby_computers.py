"""The computers that are remembered (CTAP 2.2 §11.5.1.6): what each may ring this Authenticator by, while it may.

Secrets are readable while unlocked alone. The list is a note. A tunnel service learns from one secret which device this
is; each service gets another one, so that none can stand in for the device at the next.
"""

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby_views import ComputerView
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.views import Topic
from ostiary.authenticator.ports import Clock, Locked
from ostiary.hybrid.authenticator import Identity
from ostiary.hybrid.linking import LINK_ID_LENGTH, LINK_SECRET_LENGTH
from ostiary.hybrid.tunnel.exchange import new_contact

NOTE: Final = "nearby computers"
KEY: Final = "nearby key"
MOST: Final = 100
LONGEST_NAME: Final = 64
REMOVAL_TOLD_FOR: Final = 90 * 86_400_000
"""Milliseconds during which a computer that was removed still hears so when it rings (410), and forgets us."""
_KEY_LENGTH: Final = 32
_STANDBY_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    id: str
    """Of the link, in hex."""
    domain: int
    rp_id: str
    linked_at: int
    last_used_at: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    computers: tuple[Computer, ...] = ()
    removed: Mapping[int, int] | None = None
    """By tunnel domain, when a computer was last removed."""


class Computers:
    def __init__(self, keys: AppKeys, changes: Changes, clock: Clock) -> None:
        self._keys = keys
        self._changes = changes
        self._clock = clock
        self._guard = threading.RLock()

    def views(self) -> tuple[ComputerView, ...]:
        """The last used first."""
        return tuple(
            ComputerView(
                id=one.id, name=one.name, rp_id=one.rp_id, linked_at=one.linked_at, last_used_at=one.last_used_at
            )
            for one in sorted(self._read().computers, key=lambda one: -one.last_used_at)
        )

    def standing(self) -> dict[int, list[bytes]]:
        """By tunnel domain, the links that hold: none left where some were removed not long ago."""
        kept = self._read()
        oldest = self._clock() - REMOVAL_TOLD_FOR
        found: dict[int, list[bytes]] = {domain: [] for domain, at in (kept.removed or {}).items() if at > oldest}
        for one in kept.computers:
            found.setdefault(one.domain, []).append(bytes.fromhex(one.id))
        return found

    def find(self, link_id: bytes, domain: int) -> Computer | None:
        return next((one for one in self._read().computers if (one.id, one.domain) == (link_id.hex(), domain)), None)

    # --- being remembered

    def offer(self, routing_id: bytes, *, domain: int, name: str) -> Identity | None:
        """A new link for a computer that can keep one; it holds once it is `keep`t. None while locked: what is not kept
        is not offered."""
        if len(self._read().computers) >= MOST:
            return None
        link_id = secrets.token_bytes(LINK_ID_LENGTH)
        try:
            key, standby = self.key(), self.standby_secret(domain)
        except Locked:
            return None
        return Identity(
            key=key,
            contact_id=bytes(new_contact(routing_id, standby, link_id)),
            link_id=link_id,
            secret=secrets.token_bytes(LINK_SECRET_LENGTH),
            name=name,
        )

    def keep(self, identity: Identity, *, domain: int, rp_id: str) -> bool:
        """Durable when it returns. False when it was locked meanwhile: the computer is not known then."""
        now = self._clock()
        made = Computer(id=identity.link_id.hex(), domain=domain, rp_id=rp_id, linked_at=now, last_used_at=now)
        try:
            self._keys.put_secret(_secret_name(made.id), identity.secret)
        except Locked:
            return False
        self._change(lambda kept: replace(kept, computers=(*kept.computers, made)))
        return True

    def used(self, computer_id: str) -> None:
        now = self._clock()
        self._change_one(computer_id, lambda one: replace(one, last_used_at=now))

    # --- for the person

    def rename(self, computer_id: str, name: str) -> None:
        self._require(computer_id)
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise AppError(
                AppReason.SETTING_INVALID,
                next_step=phrase(N_("Choose a name of 1 to %(most)d letters."), most=LONGEST_NAME),
                field="name",
            )
        self._change_one(computer_id, lambda one: replace(one, name=name))

    def remove(self, computer_id: str) -> None:
        """From this moment on it cannot ring."""
        domain = self._require(computer_id).domain
        removed_at = self._clock()

        def without(kept: _Kept) -> _Kept:
            left = tuple(one for one in kept.computers if one.id != computer_id)
            return _Kept(left, {**(kept.removed or {}), domain: removed_at})

        self._change(without)
        self._keys.delete_secret(_secret_name(computer_id))

    # --- secrets

    def key(self) -> ec.EllipticCurvePrivateKey:
        """By which every remembered computer knows this Authenticator. Raises `Locked`."""
        with self._guard:
            kept = self._keys.secret(KEY)
            if kept is not None:
                return ec.derive_private_key(int.from_bytes(kept, "big"), ec.SECP256R1())
            made = ec.generate_private_key(ec.SECP256R1())
            self._keys.put_secret(KEY, made.private_numbers().private_value.to_bytes(_KEY_LENGTH, "big"))
            return made

    def standby_secret(self, domain: int) -> bytes:
        """Raises `Locked`."""
        name = f"nearby standby {domain}"
        with self._guard:
            kept = self._keys.secret(name)
            if kept is None:
                kept = secrets.token_bytes(_STANDBY_LENGTH)
                self._keys.put_secret(name, kept)
            return kept

    def secret(self, computer: Computer) -> bytes | None:
        """Raises `Locked`."""
        return self._keys.secret(_secret_name(computer.id))

    # --- inside

    def _require(self, computer_id: str) -> Computer:
        for one in self._read().computers:
            if one.id == computer_id:
                return one
        raise AppError(AppReason.COMPUTER_UNKNOWN)

    def _change_one(self, computer_id: str, change: Callable[[Computer], Computer]) -> None:
        def changed(kept: _Kept) -> _Kept:
            return replace(
                kept, computers=tuple(change(one) if one.id == computer_id else one for one in kept.computers)
            )

        self._change(changed)

    def _change(self, change: Callable[[_Kept], _Kept]) -> None:
        with self._guard:
            kept = change(self._read())
            told = {"computers": [asdict(one) for one in kept.computers], "removed": dict(kept.removed or {})}
            self._keys.put_note(NOTE, json.dumps(told).encode())
        self._changes.publish(Topic.NEARBY)

    def _read(self) -> _Kept:
        note = self._keys.note(NOTE)
        if not note:
            return _Kept()
        kept = json.loads(note)
        return _Kept(
            tuple(Computer(**one) for one in kept["computers"]),
            {int(domain): at for domain, at in kept["removed"].items()},
        )


def _secret_name(computer_id: str) -> str:
    return f"nearby link {computer_id}"
