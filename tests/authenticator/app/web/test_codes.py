"""One-time codes: adding in three ways, each refusal with its next step, and deleting."""

import io

import httpx2 as httpx
import pytest
import segno

from tests.authenticator.app.web.running import Reader, RunningApp

LINK = "otpauth://totp/Contoso:ada?secret=JBSWY3DPEHPK3PXP&issuer=Contoso"


def picture(*texts: str) -> tuple[bytes, int, int]:
    """Greyscale pixels, a byte each, of QR codes beside each other."""
    matrices = [[*map(list, segno.make(text, micro=False).matrix_iter(scale=6, border=4))] for text in texts]
    height = max(map(len, matrices))
    rows = []
    for y in range(height):
        row = bytearray()
        for matrix in matrices:
            row += bytes(0 if dark else 255 for dark in matrix[y]) if y < len(matrix) else b"\xff" * len(matrix[0])
        rows.append(bytes(row))
    return b"".join(rows), len(rows[0]), height


def post_picture(app: RunningApp, reader: Reader, pixels: bytes, width: object, height: object) -> httpx.Response:
    return reader.client.post(
        f"{reader.root}/codes/picture",
        params={"width": str(width), "height": str(height)},
        content=pixels,
        headers={"origin": app.origin, "sec-fetch-site": "same-origin"},
    )


def test_empty_list_leads_to_adding(reader: Reader) -> None:
    assert "No codes yet" in reader.get("/codes").text


def test_adds_by_text(app: RunningApp, reader: Reader) -> None:
    assert reader.goes_to(reader.post("/codes/add/link", link=f"  {LINK}\n")) == "/codes"
    code = app.service.codes()[0]
    page = reader.get("/codes").text
    assert f"{code.code[:3]} {code.code[3:]}" in page and "Contoso" in page


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://contoso.example", "not the text of a one-time code"),
        ("otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP&counter=1", "counts presses"),
        ("", "not the text of a one-time code"),
    ],
)
def test_refuses_other_text(reader: Reader, link: str, words: str) -> None:
    answer = reader.post("/codes/add/link", link=link)
    assert answer.status_code == 422 and words in answer.text and 'id="link-problem"' in answer.text


def test_refuses_the_same_code_twice(reader: Reader) -> None:
    reader.post("/codes/add/link", link=LINK)
    answer = reader.post("/codes/add/link", link=LINK)
    assert answer.status_code == 422 and "is here already" in answer.text


def test_adds_by_hand(app: RunningApp, reader: Reader) -> None:
    answer = reader.post("/codes/add/key", issuer="Fabrikam", name="ada", secret="jbsw y3dp ehpk 3pxp")
    assert reader.goes_to(answer) == "/codes"
    assert app.service.codes()[0].issuer == "Fabrikam"


def test_refuses_a_wrong_key_and_keeps_what_was_typed(reader: Reader) -> None:
    answer = reader.post("/codes/add/key", issuer="Fabrikam", name="ada", secret="0189!")
    assert answer.status_code == 422 and 'id="secret-problem"' in answer.text and 'value="Fabrikam"' in answer.text
    assert "0189!" not in answer.text


def test_refuses_missing_names(reader: Reader) -> None:
    answer = reader.post("/codes/add/key", issuer=" ", name="ada", secret="JBSWY3DPEHPK3PXP")
    assert answer.status_code == 422 and "Something is missing." in answer.text


def test_adds_by_picture(app: RunningApp, reader: Reader) -> None:
    answer = post_picture(app, reader, *picture(LINK))
    assert answer.status_code == 200 and answer.json() == {"to": f"{reader.root}/codes"}
    assert app.service.codes()[0].name == "ada"


def test_refuses_a_picture_without_a_code(app: RunningApp, reader: Reader) -> None:
    answer = post_picture(app, reader, b"\xff" * 10_000, 100, 100)
    assert answer.status_code == 422 and "no QR code" in answer.json()["title"] and answer.json()["next"]


def test_refuses_a_picture_with_two_codes(app: RunningApp, reader: Reader) -> None:
    answer = post_picture(app, reader, *picture(LINK, LINK.replace("ada", "eve")))
    assert answer.status_code == 422 and "several" in answer.json()["title"]


@pytest.mark.parametrize(("width", "height"), [(10, 10), (0, 0), (-4, -25), ("x", 1), (99_999, 99_999), ("٤", 25)])
def test_refuses_pixels_that_are_no_picture(app: RunningApp, reader: Reader, width: object, height: object) -> None:
    answer = post_picture(app, reader, io.BytesIO(b"\xff" * 99).getvalue(), width, height)
    assert answer.status_code == 422 and answer.json()["title"]


def test_deleting_asks_first_and_warns(app: RunningApp, reader: Reader) -> None:
    reader.post("/codes/add/link", link=LINK)
    code = app.service.codes()[0]
    page = reader.get(f"/codes/{code.id}/delete").text
    assert "lock yourself out" in page and len(app.service.codes()) == 1
    assert reader.goes_to(reader.post(f"/codes/{code.id}/delete")) == "/codes"
    assert app.service.codes() == ()


def test_locked_meanwhile_leads_to_the_lock(app: RunningApp, reader: Reader) -> None:
    app.service.lock()
    assert reader.goes_to(reader.post("/codes/add/link", link=LINK)).startswith("/unlock")
