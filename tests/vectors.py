"""Judge WebAuthn messages in a file with our verifier, and what becomes of them when they are changed.

    python -m tests.vectors FILE [--mutate] [--json]

Prints a line for each disagreement with the file, and a summary. Exit status 1 when there is a disagreement.

A vector that names an anchor has to be *attested* by it, and must be untrusted by all the other anchors of the file.
Formats and algorithms we do not verify are counted by name and not judged. All that we can verify is offered, RS1 too.

``--mutate`` changes every accepted message in one place at a time. What a signature covers must then be refused: client
data, authenticator data and signature of an assertion; the same and the statement of a signed registration, and its
attestation certificate when it is attested. Where nothing is signed (``none``, certificates that lead nowhere), a
changed message may be accepted if the facts change with it. What is accepted with the same facts must differ only in
places no relying party reads: reserved flags, extension outputs and members of client data that are not judged. Two
formats leave a little of a signed registration unsigned: ``fido-u2f`` the AAGUID, which must not count as attested
then, and the sign count; ``android-safetynet`` a version that means nothing.
"""

import argparse
import base64
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from cryptography import x509

from ostiary import passkeys
from ostiary.passkeys import AttestationKind, CeremonyError, base64url, cbor, signatures
from ostiary.passkeys.attestation.formats import FORMATS
from ostiary.passkeys.authenticator_data import Flags, parse_authenticator_data
from ostiary.passkeys.client_data import parse_client_data

Vector: TypeAlias = dict[str, Any]
Anchors: TypeAlias = Mapping[str, x509.Certificate]
Facts: TypeAlias = passkeys.VerifiedRegistration | passkeys.VerifiedAuthentication

# All that can be verified. Naming RS1 is what a relying party has to do that accepts SHA-1.
ALGORITHMS: Final = (*passkeys.DEFAULT_ALGORITHMS, signatures.ED25519, signatures.ML_DSA_87, signatures.RS1)
DEFAULT_CLOCK: Final = "2026-01-01T00:00:00+00:00"
UNSIGNED: Final[Mapping[str, set[str]]] = {"fido-u2f": {"AAGUID", "sign count"}, "android-safetynet": {"ver"}}
SIGNED_FIELDS: Final = ("clientDataJSON", "authenticatorData", "signature")


@dataclass(frozen=True, kw_only=True)
class Record:
    """The credential record an assertion is judged by."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    user_handle: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``facts`` when accepted, ``reason`` when refused."""

    facts: Facts | None = None
    reason: str = ""
    detail: str = ""

    @property
    def word(self) -> str:
        return "accept" if self.facts is not None else "reject"


def read_file(path: Path) -> tuple[list[Vector], Anchors]:
    """The vectors of a file, and its anchors by name."""
    content = json.loads(path.read_text(encoding="utf-8"))
    anchors = {
        name: x509.load_der_x509_certificate(_any_base64(encoded))
        for name, encoded in content.get("anchors", {}).items()
    }
    return content["vectors"], anchors


def _any_base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


def judge(vector: Vector, trust_anchors: Collection[x509.Certificate] = (), *, attested: bool = False) -> Verdict:
    """Put one message through its ceremony, as the vector says it is to be expected."""
    try:
        if vector["kind"] == "registration":
            return Verdict(facts=_register(vector, trust_anchors, attested=attested))
        return Verdict(facts=_authenticate(vector))
    except CeremonyError as error:
        return Verdict(reason=error.reason.value, detail=error.detail)


def judge_with(vector: Vector, anchors: Anchors) -> Verdict:
    """As ``judge``; a vector that names an anchor has to be attested by it."""
    name = vector.get("anchor")
    return judge(vector, [anchors[name]], attested=True) if name else judge(vector)


def _expectations(vector: Vector) -> dict[str, Any]:
    top_origin = vector.get("expectedTopOrigin")
    return {
        "challenge": base64url.decode(vector["challenge"]),
        "origins": (vector["origin"],),
        "rp_id": vector["rpId"],
        "require_user_verification": vector.get("requireUV", False),
        "allow_cross_origin": vector.get("allowCrossOrigin", False),
        "top_origins": (top_origin,) if top_origin else (),
    }


def _message(vector: Vector, *fields: str) -> dict[str, Any]:
    # Some harvested assertions came without the credential ID; it is not signed, so that any will do.
    credential_id = vector.get("credentialId") or base64url.encode(b"unknown")
    return {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "response": {field: vector[field] for field in fields},
        "clientExtensionResults": {},
    }


def _register(vector: Vector, trust_anchors: Collection[x509.Certificate], *, attested: bool) -> Facts:
    return passkeys.verify_registration(
        response=passkeys.parse_registration_response(_message(vector, "clientDataJSON", "attestationObject")),
        algorithms=ALGORITHMS,
        trust_anchors=trust_anchors,
        require_trusted_attestation=attested,
        at=datetime.fromisoformat(vector.get("at") or DEFAULT_CLOCK),
        **_expectations(vector),
    )


def _authenticate(vector: Vector) -> Facts:
    response = passkeys.parse_authentication_response(_message(vector, *SIGNED_FIELDS))
    # Where the file does not tell what was registered, the flag is taken as it was when the vector was read.
    eligible = vector.get("storedBackupEligible")
    if eligible is None:
        eligible = parse_authenticator_data(response.authenticator_data).backup_eligible
    record = Record(
        credential_id=response.credential_id,
        public_key=base64url.decode(vector["credentialPublicKey"]),
        sign_count=vector.get("storedSignCount", 0),
        backup_eligible=eligible,
    )
    return passkeys.verify_authentication(response=response, credential=record, **_expectations(vector))


def not_judged(vector: Vector) -> str | None:
    """Why a vector is outside of what we verify, or ``None``."""
    fmt, algorithm = vector.get("fmt"), vector.get("alg")
    if vector["kind"] == "registration" and fmt not in FORMATS.identifiers:
        return f"format {fmt}"
    if vector["expect"] == "accept" and algorithm is not None and algorithm not in ALGORITHMS:
        return f"algorithm {algorithm}"
    return None


def find_disagreement(vector: Vector, verdict: Verdict, anchors: Anchors) -> str | None:
    """What is wrong with our verdict, or ``None``."""
    if vector["expect"] not in ("either", verdict.word):
        return f"expected {vector['expect']}, got {verdict.word} {verdict.reason} ({verdict.detail})"
    name = vector.get("anchor")
    if name and verdict.facts is not None:
        others = [anchor for other, anchor in anchors.items() if other != name]
        kind = _kind(judge(vector, others).facts)
        if kind is not AttestationKind.UNTRUSTED:
            return f"{kind} by anchors that are not its own"
    return None


def _kind(facts: Facts | None) -> AttestationKind | None:
    return facts.attestation.kind if isinstance(facts, passkeys.VerifiedRegistration) else None


# -- mutations


def mutate(vector: Vector, *, stride: int = 1, offset: int = 0) -> Iterator[tuple[str, Vector]]:
    """Copies of ``vector`` with one thing changed, named. ``stride`` takes every n-th place only."""
    if vector["kind"] == "assertion":
        fields: tuple[str, ...] = SIGNED_FIELDS
        # What was registered does not change with the message.
        data = base64url.decode(vector["authenticatorData"])
        vector = {"storedBackupEligible": parse_authenticator_data(data).backup_eligible, **vector}
        other_type = (b"webauthn.get", b"webauthn.create")
    else:
        fields = ("clientDataJSON", "attestationObject")
        other_type = (b"webauthn.create", b"webauthn.get")

    yield "another origin expected", {**vector, "origin": vector["origin"] + ".example"}
    yield "a prefix of the origin expected", {**vector, "origin": vector["origin"][:-1]}
    yield "another RP ID expected", {**vector, "rpId": "other." + vector["rpId"]}
    yield "another challenge expected", {**vector, "challenge": base64url.encode(bytes(32))}
    yield "the other ceremony", _with(vector, "clientDataJSON", lambda data: data.replace(*other_type))
    if vector.get("credentialId") and vector["kind"] == "registration":
        yield "another credential ID", {**vector, "credentialId": base64url.encode(bytes(16))}
    for field in fields:
        content = base64url.decode(vector[field])
        yield f"{field}: a byte more", _with(vector, field, lambda data: data + b"\x00")
        yield f"{field}: a byte less", _with(vector, field, lambda data: data[:-1])
        for length in range(1, len(content), max(1, len(content) // 16) * stride):
            yield f"{field}: {length} bytes", _with(vector, field, lambda data, length=length: data[:length])
        for at in range(offset % stride, len(content), stride):
            yield f"{field}: byte {at}", _with(vector, field, lambda data, at=at: _flip(data, at, at * 5 % 8))
        if field == "authenticatorData":
            for bit in range(8):
                yield f"flag {bit}", _with(vector, field, lambda data, bit=bit: _flip(data, 32, bit))


def _with(vector: Vector, field: str, change: Any) -> Vector:
    return {**vector, field: base64url.encode(change(base64url.decode(vector[field])))}


def _flip(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def find_fault(original: Vector, facts: Facts, mutant: Vector, verdict: Verdict) -> str | None:
    """Why a mutant should not have been accepted, or ``None`` when it was refused or the change is harmless."""
    if verdict.facts is None:
        return None
    if not isinstance(facts, passkeys.VerifiedRegistration) or not isinstance(
        verdict.facts, passkeys.VerifiedRegistration
    ):
        return "accepted, though all of an assertion is signed"
    changed = _changed_parts(original, mutant)
    if not changed:
        return "accepted, though it spells the same message differently"
    if facts.attestation.kind is AttestationKind.NONE:
        if not changed <= {"authData", "clientDataJSON"}:
            return f"accepted with another {changed}"
        if _read_facts(verdict.facts) == _read_facts(facts) and _read_parts(mutant) != _read_parts(original):
            return "accepted with the same facts, though what they are read from changed"
        return None
    if facts.attestation.format == "fido-u2f" and "AAGUID" in changed and verdict.facts.attested_aaguid is not None:
        return "accepted with an AAGUID that nobody signed"
    changed -= UNSIGNED.get(facts.attestation.format, set())
    if not changed:
        return None
    unsigned_from = 1 if facts.attestation.kind is AttestationKind.ATTESTED else 0
    if not all(part.startswith("x5c ") and int(part[4:]) >= unsigned_from for part in changed):
        return f"accepted, though {changed} is signed"
    if verdict.facts.attestation.trust_path == facts.attestation.trust_path:
        return "accepted with the same facts, though a certificate changed"
    return None


def _parts(vector: Vector) -> dict[str, object]:
    members = cbor.decode(base64url.decode(vector["attestationObject"]))
    assert isinstance(members, dict) and isinstance(members["attStmt"], dict)
    statement = dict(members["attStmt"])
    chain = statement.pop("x5c", [])
    assert isinstance(chain, list)
    if members["fmt"] == "fido-u2f":
        data = members["authData"]
        assert isinstance(data, bytes)
        statement |= {"sign count": data[33:37], "AAGUID": data[37:53]}
        members["authData"] = data[:33] + data[53:]
    return {
        **{f"x5c {place}": certificate for place, certificate in enumerate(chain)},
        **{str(name): value for name, value in statement.items()},
        "fmt": members["fmt"],
        "authData": members["authData"],
        "clientDataJSON": vector["clientDataJSON"],
        "credentialId": vector.get("credentialId"),
    }


def _changed_parts(one: Vector, other: Vector) -> set[str]:
    before, after = _parts(one), _parts(other)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def _read_facts(facts: passkeys.VerifiedRegistration) -> passkeys.VerifiedRegistration:
    """The facts without the messages they were read from."""
    return replace(facts, attestation_object=b"", client_data_json=b"")


def _read_parts(vector: Vector) -> tuple[object, ...]:
    """All a relying party reads of an unsigned registration."""
    authenticator_data = _parts(vector)["authData"]
    assert isinstance(authenticator_data, bytes)
    data = parse_authenticator_data(authenticator_data)
    flags = data.flags & (Flags.UP | Flags.UV | Flags.BE | Flags.BS)
    claimed = parse_client_data(base64url.decode(vector["clientDataJSON"]))
    return claimed, data.rp_id_hash, flags, data.sign_count, data.attested_credential


# -- the command


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a run found."""

    judged: int
    agreed: int
    disagreements: list[str]
    accepted: Counter[str]
    refused: Counter[str]
    not_judged: Counter[str]
    mutants: int = 0
    mutants_refused: Counter[str]
    faults: list[str]

    @property
    def is_clean(self) -> bool:
        return not self.disagreements and not self.faults

    def to_json(self) -> dict[str, object]:
        return {
            "judged": self.judged,
            "agreed": self.agreed,
            "disagreed": len(self.disagreements),
            "disagreements": self.disagreements,
            "accepted": dict(self.accepted),
            "refused": dict(self.refused),
            "not_judged": dict(self.not_judged),
            "mutants": self.mutants,
            "mutants_refused": dict(self.mutants_refused),
            "mutants_wrongly_accepted": self.faults,
        }


def run(vectors: list[Vector], anchors: Anchors, *, mutations: bool = False, stride: int = 1) -> Report:
    """Judge all of them, and with ``mutations`` what becomes of the accepted ones when they are changed."""
    judged = mutants = 0
    disagreements: list[str] = []
    faults: list[str] = []
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    mutants_refused: Counter[str] = Counter()
    for number, vector in enumerate(vectors):
        if outside := not_judged(vector):
            skipped[outside] += 1
            continue
        judged += 1
        verdict = judge_with(vector, anchors)
        if disagreement := find_disagreement(vector, verdict, anchors):
            disagreements.append(f"{vector['id']}: {disagreement}")
        if verdict.facts is None:
            refused[verdict.reason] += 1
            continue
        accepted[_kind(verdict.facts) or "assertion"] += 1
        if not mutations:
            continue
        for name, mutant in mutate(vector, stride=stride, offset=number):
            mutants += 1
            outcome = judge_with(mutant, anchors)
            mutants_refused[outcome.reason or "accepted with other facts"] += 1
            if fault := find_fault(vector, verdict.facts, mutant, outcome):
                faults.append(f"{vector['id']}: {name}: {fault}")
    return Report(
        judged=judged,
        agreed=judged - len(disagreements),
        disagreements=disagreements,
        accepted=accepted,
        refused=refused,
        not_judged=skipped,
        mutants=mutants,
        mutants_refused=mutants_refused,
        faults=faults,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.vectors", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--mutate", action="store_true", help="change accepted messages, one place at a time")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args()
    report = run(*read_file(arguments.file), mutations=arguments.mutate)
    if arguments.json:
        print(json.dumps(report.to_json(), indent=2))
        return 0 if report.is_clean else 1
    for line in report.disagreements + report.faults:
        print(line)
    print(
        f"judged {report.judged}, agreed {report.agreed}, disagreed {len(report.disagreements)}, "
        f"not judged {report.not_judged.total()}"
    )
    for title, counts in (
        ("accepted", report.accepted),
        ("refused", report.refused),
        ("not judged", report.not_judged),
        ("mutants", report.mutants_refused),
    ):
        for name, count in counts.most_common():
            print(f"  {title}: {name}: {count}")
    if report.mutants:
        print(f"mutants {report.mutants}, wrongly accepted {len(report.faults)}")
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
