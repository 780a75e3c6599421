"""The one-time codes kept here. All of it is sealed, names included: where people have accounts is their own affair."""

import base64
import json
import secrets
import threading
from collections.abc import Mapping

from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.otp import OneTimeCode, parse_secret, parse_uri
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.qr import read_qr
from ostiary.authenticator.app.views import CodeView, Topic
from ostiary.authenticator.ports import Clock, Locked

SECRET = "codes"


class Codes:
    def __init__(self, keys: AppKeys, changes: Changes, clock: Clock) -> None:
        self._keys = keys
        self._changes = changes
        self._clock = clock
        self._guard = threading.RLock()
        self._open: dict[str, tuple[OneTimeCode, str | None]] | None = None

    def all(self) -> tuple[CodeView, ...]:
        now = self._clock()
        with self._guard:
            views = [_view(code_id, *kept, now=now) for code_id, kept in self._codes().items()]
        return tuple(sorted(views, key=lambda one: (one.issuer.casefold(), one.name.casefold())))

    def add_from_uri(self, text: str, *, account_id: str | None = None) -> CodeView:
        return self.keep(parse_uri(text), account_id=account_id)

    def add_from_image(self, pixels: bytes, width: int, height: int) -> CodeView:
        return self.add_from_uri(read_qr(pixels, width, height))

    def add(self, *, issuer: str, name: str, secret: str, digits: int, period: int, algorithm: str) -> CodeView:
        return self.keep(
            OneTimeCode(
                issuer=issuer.strip(),
                name=name.strip(),
                secret=parse_secret(secret),
                digits=digits,
                period=period,
                algorithm=algorithm.upper().replace("-", ""),
            )
        )

    def keep(self, code: OneTimeCode, *, account_id: str | None = None) -> CodeView:
        with self._guard:
            codes = self._codes()
            if any(code.secret == kept.secret for kept, _ in codes.values()):
                raise AppError(AppReason.CODE_DUPLICATE)
            code_id = secrets.token_urlsafe(9)
            self._write({**codes, code_id: (code, account_id)})
        return _view(code_id, code, account_id, now=self._clock())

    def delete(self, code_id: str) -> None:
        with self._guard:
            codes = self._codes()
            if code_id not in codes:
                raise AppError(AppReason.CODE_UNKNOWN)
            self._write({key: kept for key, kept in codes.items() if key != code_id})

    def delete_of_account(self, account_id: str) -> None:
        with self._guard:
            self._write({key: kept for key, kept in self._codes().items() if kept[1] != account_id})

    def forget(self) -> None:
        """What was read while unlocked."""
        with self._guard:
            self._open = None

    def _codes(self) -> dict[str, tuple[OneTimeCode, str | None]]:
        if not self._keys.is_unlocked:
            raise AppError(AppReason.LOCKED)
        if self._open is None:
            try:
                kept = self._keys.secret(SECRET)
            except Locked as error:
                raise AppError(AppReason.LOCKED) from error
            self._open = {key: _decoded(one) for key, one in json.loads(kept).items()} if kept else {}
        return self._open

    def _write(self, codes: Mapping[str, tuple[OneTimeCode, str | None]]) -> None:
        encoded = json.dumps({key: _encoded(*kept) for key, kept in codes.items()}).encode()
        try:
            self._keys.put_secret(SECRET, encoded)
        except Locked as error:
            raise AppError(AppReason.LOCKED) from error
        self._open = dict(codes)
        self._changes.publish(Topic.CODES)


def _view(code_id: str, code: OneTimeCode, account_id: str | None, *, now: int) -> CodeView:
    return CodeView(
        id=code_id,
        issuer=code.issuer,
        name=code.name,
        code=code.at(now),
        seconds_left=code.seconds_left(now),
        period=code.period,
        account_id=account_id,
    )


def _encoded(code: OneTimeCode, account_id: str | None) -> dict[str, object]:
    return {
        "issuer": code.issuer,
        "name": code.name,
        "secret": base64.b64encode(code.secret).decode(),
        "digits": code.digits,
        "period": code.period,
        "algorithm": code.algorithm,
        "account": account_id,
    }


def _decoded(kept: dict[str, str | int | None]) -> tuple[OneTimeCode, str | None]:
    account = kept.get("account")
    code = OneTimeCode(
        issuer=str(kept["issuer"]),
        name=str(kept["name"]),
        secret=base64.b64decode(str(kept["secret"])),
        digits=int(kept["digits"] or 0),
        period=int(kept["period"] or 0),
        algorithm=str(kept["algorithm"]),
    )
    return code, None if account is None else str(account)
