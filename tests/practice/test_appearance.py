import re
from pathlib import Path

import pytest

from recommender.errors import DefinitionError
from recommender.practice.appearance import (
    CONTRAST,
    DARK_GROUND,
    LIGHT_GROUND,
    MAX_LOGO_BYTES,
    appearance_faults,
    contrast,
    in_dark,
    load_logo,
)
from recommender.practice.definition import read_practice
from recommender.serving.match.page import STATIC_FOLDER as MATCHING_FOLDER
from recommender.serving.match.page import STYLE as MATCHING_STYLE
from recommender.serving.staff.page import STATIC_FOLDER, STYLE
from tests.support.builders import DEFINITION

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path d="M0 0h2v1z"/></svg>'
PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG picture of that size."""
    return PNG_START + width.to_bytes(4) + height.to_bytes(4) + bytes(20)


def test_contrast_is_that_of_the_examples_of_wcag() -> None:
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("accent", ["#000000", "#0b6e6e", "#7a1fa2", "#a1231c"])
def test_an_accent_is_as_readable_on_dark_pages_as_on_light_ones(accent: str) -> None:
    assert appearance_faults(accent, None) == []
    assert contrast(in_dark(accent), DARK_GROUND) >= CONTRAST


def test_no_page_has_a_ground_closer_to_an_accent_than_the_one_it_is_checked_on() -> None:
    style = (STATIC_FOLDER / STYLE).read_text(encoding="utf-8")
    staff = re.findall(r"--(?:background|card|muted): light-dark\((#\w+), (#\w+)\);", style)
    style = (MATCHING_FOLDER / MATCHING_STYLE).read_text(encoding="utf-8")
    clients = [re.findall(rf"--{name}: (#\w+);", style) for name in ("ground", "paper", "soft")]
    assert (len(staff), [len(each) for each in clients]) == (3, [3, 3, 3])
    # The third of each is that on paper, which is white.
    for light, dark in [*staff, *(each[:2] for each in clients)]:
        assert contrast(_long(light), "#000000") >= contrast(LIGHT_GROUND, "#000000")
        assert contrast(_long(dark), "#ffffff") >= contrast(DARK_GROUND, "#ffffff")


@pytest.mark.parametrize(
    ("settings", "where", "problem"),
    [
        ('accent = "teal"', "practice.accent", "is not a colour"),
        (
            'accent = "#8ad0d0"',
            "practice.accent",
            "is too pale to be read on the pages: a contrast of 1.5:1",
        ),
        ('logo = "../logo.svg"', "practice.logo", "is not the name of a picture"),
        ('logo = "https://example.org/logo.svg"', "practice.logo", "is not the name of a picture"),
        ('logo = "logo.gif"', "practice.logo", "is not the name of a picture"),
    ],
)
def test_a_colour_too_pale_and_a_picture_from_elsewhere_are_faults(
    settings: str, where: str, problem: str
) -> None:
    text = DEFINITION.read_text(encoding="utf-8").replace(
        "[practice]\n", f"[practice]\n{settings}\n"
    )
    with pytest.raises(DefinitionError) as refused:
        read_practice(text)
    [fault] = refused.value.faults
    assert (fault.where, fault.problem) == (where, problem)


def test_a_logo_is_read_with_its_media_type(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(SVG)
    (tmp_path / "logo.png").write_bytes(png(64, 32))
    assert load_logo(tmp_path, "logo.svg").media_type == "image/svg+xml"
    assert load_logo(tmp_path, "logo.png").content == png(64, 32)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("logo.svg", None, "cannot be read"),
        ("logo.svg", b"<html></html>", "is not an SVG picture"),
        ("logo.svg", SVG + b" " * MAX_LOGO_BYTES, "has more than 32 KiB"),
        ("logo.png", SVG, "is not a PNG picture"),
        ("logo.png", png(4000, 10), "is more than 1024 pixels wide or high"),
    ],
)
def test_a_logo_that_is_not_what_its_name_says_is_a_fault(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DefinitionError) as refused:
        load_logo(tmp_path, name)
    assert [fault.problem for fault in refused.value.faults] == [problem]


def _long(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(part * 2 for part in colour[1:])
