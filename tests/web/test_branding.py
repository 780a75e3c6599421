import pytest

from ostiary.web import branding
from ostiary.web.branding import contrast, correct, stylesheet

COLOURS = ["#ffe600", "#0d5260", "#e30613", "#111111", "#ffffff", "#000000", "#7b2ff7", "#00ff00", "#808080", "#0000ff"]


def test_contrast_is_wcag_s() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("colour", COLOURS)
def test_every_accent_can_be_read_in_both_modes(colour: str) -> None:
    accent = correct(colour)
    for ground in branding.LIGHT_GROUNDS:
        assert contrast(accent.light, ground) >= 4.5
    for ground in branding.DARK_GROUNDS:
        assert contrast(accent.dark, ground) >= 4.5
    assert contrast(accent.light, accent.light_text) >= 4.5
    assert contrast(accent.dark, accent.dark_text) >= 4.5
    assert contrast(accent.panel, accent.panel_text) >= 7


def test_what_can_be_read_already_stays_as_given() -> None:
    assert correct("#0D5260").light == "#0d5260"
    assert correct("#ffe600").dark == "#ffe600"


def test_a_correction_keeps_the_hue() -> None:
    for colour in ("#ffe600", "#00ff00", "#e30613"):
        hue = branding._oklch(colour)[2]
        assert branding._oklch(correct(colour).light)[2] == pytest.approx(hue, abs=0.12)


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#123456;}", "", "#1234567", "#123456\n"])
def test_only_six_hexadecimal_digits_are_a_colour(colour: str) -> None:
    with pytest.raises(ValueError, match="not a colour"):
        stylesheet(colour)


def test_the_stylesheet_sets_exactly_the_six_properties() -> None:
    sheet = stylesheet("#e30613")
    names = [line.split(":")[0].strip() for line in sheet.splitlines() if line.startswith("  --")]
    assert names == [
        "--accent-light",
        "--accent-light-text",
        "--accent-dark",
        "--accent-dark-text",
        "--accent-panel",
        "--accent-panel-text",
    ]


def test_without_an_accent_the_house_s_own_stands() -> None:
    assert stylesheet(None) == ""
