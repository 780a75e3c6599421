"""Text with values in it: English as it is, and translated where a page shows it."""

import copy
from pathlib import Path

import pytest

from ostiary.authenticator.app.errors import AppError
from ostiary.authenticator.app.instance import Instance
from ostiary.authenticator.app.otp import parse_uri
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.web.problems import problem_of
from ostiary.authenticator.app.web.translations import LANGUAGES, translate
from ostiary.authenticator.ports import NewCredential

ENGLISH, ARABIC = LANGUAGES["en"], LANGUAGES["ar"]


def test_is_english_text_and_its_translation() -> None:
    said = phrase(N_("Choose another with --data."))
    assert said == "Choose another with --data." == translate(ENGLISH, said)
    said = phrase(N_("Port %(port)d is taken: %(why)s."), port=8080, why="in use")
    assert said == "Port 8080 is taken: in use." == str(said) == copy.deepcopy(said)
    assert "8080" in translate(ARABIC, said) and "Port" not in translate(ARABIC, said)


def test_values_are_no_placeholders() -> None:
    said = phrase(N_("%(place)s belongs to somebody else."), place="100%(place)s")
    assert said == "100%(place)s belongs to somebody else."
    assert "100%(place)s" in translate(ARABIC, said)


def test_what_is_refused_with_a_value_is_said_in_the_readers_language(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AppError) as refused:
        Instance(tmp_path / "file" / "data")
    problem = problem_of(refused.value, ARABIC, {})
    assert str(tmp_path) in problem.title and "cannot" not in problem.title and "Choose" not in problem.next


@pytest.mark.parametrize(
    "uri",
    ["otpauth://totp/a?issuer=b", "otpauth://totp/a?secret=JBSWY3DP&period=5", "otpauth://totp/a?secret=A&secret=B"],
)
def test_what_is_wrong_with_a_code_is_said_in_the_readers_language(uri: str) -> None:
    with pytest.raises(AppError) as refused:
        parse_uri(uri)
    assert "Copy it again." in refused.value.next
    assert "Copy" not in problem_of(refused.value, ARABIC, {}).next


def test_a_deletion_is_told_in_the_readers_language(ready: AuthenticatorService) -> None:
    ready.keys.add(NewCredential("contoso.example", "Contoso", b"1", "ada", "Ada", -7, 0))
    deletion = ready.delete_passkey(ready.passkeys()[0].id)
    told = translate(ARABIC, deletion.next)
    assert "contoso.example" in told and "Delete" not in told
