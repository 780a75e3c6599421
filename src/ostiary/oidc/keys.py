"""The keys tokens are signed with: made on first use, sealed at rest, replaced every month, and published until nothing
they signed is valid any more."""

import json
from typing import Final, cast

from joserfc.jwk import ECKey, KeySet

from ostiary.clock import DAY, HOUR
from ostiary.identifiers import new_id
from ostiary.identity.sealing import SealBrokenError, Sealer
from ostiary.storage import oauth
from ostiary.storage.database import Transaction
from ostiary.storage.oauth import SigningKey

ALGORITHM: Final = "ES256"
SIGNS_FOR: Final = 30 * DAY
PUBLISHED_AFTER: Final = 2 * HOUR
"""More than the life of any token."""


def signing_key(tx: Transaction, sealer: Sealer, *, now: int) -> ECKey:
    """The one to sign with now. A key that was sealed with another sealing key can sign no more, and is replaced."""
    for row in oauth.signing_keys(tx, now=now):
        if row.created_at <= now < row.signs_until:
            key = _opened(tx, row, sealer)
            if key is not None:
                return key
    return _make(tx, sealer, now=now)


def published_keys(tx: Transaction, *, now: int) -> KeySet:
    """Public halves of every key whose signatures may still count."""
    return KeySet([_public(tx, row) for row in oauth.signing_keys(tx, now=now)])


def _make(tx: Transaction, sealer: Sealer, *, now: int) -> ECKey:
    kid = new_id()
    key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": ALGORITHM})
    oauth.insert_signing_key(
        tx,
        SigningKey(
            id=kid,
            sealed_private_key=sealer.seal(json.dumps(key.as_dict(private=True)).encode(), purpose=_purpose(kid)),
            public_jwk=json.dumps(key.as_dict(private=False)),
            created_at=now,
            signs_until=now + SIGNS_FOR,
            expires_at=now + SIGNS_FOR + PUBLISHED_AFTER,
        ),
    )
    return key


def _opened(tx: Transaction, row: SigningKey, sealer: Sealer) -> ECKey | None:
    kept = ("oauth signing key", row.id)
    if kept not in tx.kept:
        try:
            plain = sealer.open(row.sealed_private_key, purpose=_purpose(row.id))
        except SealBrokenError:
            return None
        tx.kept[kept] = ECKey.import_key(json.loads(plain))
    return cast(ECKey, tx.kept[kept])


def _public(tx: Transaction, row: SigningKey) -> ECKey:
    kept = ("oauth public key", row.id)
    if kept not in tx.kept:
        tx.kept[kept] = ECKey.import_key(json.loads(row.public_jwk))
    return cast(ECKey, tx.kept[kept])


def _purpose(kid: str) -> str:
    return f"oauth signing key {kid}"
