"""How a practice's pages look: its accent colour, checked for contrast, and its logo."""

import re
from dataclasses import dataclass
from pathlib import Path

from recommender.errors import DefinitionError, Fault

CONTRAST = 4.5
"""Least ratio between text and what is behind it: WCAG 2.2, success criterion 1.4.3, level AA."""
LIGHT_GROUND, DARK_GROUND = "#e6f0ed", "#22383a"
"""The darkest ground in light colours, the lightest in dark ones, that an accent is written on."""
MAX_LOGO_BYTES = 32_768
MAX_LOGO_PIXELS = 1024
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(svg|png)")
_PNG = b"\x89PNG\r\n\x1a\n"
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture and its media type."""

    content: bytes
    media_type: str


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb` (WCAG 2.2), from 1 to 21.

    >>> round(contrast("#ffffff", "#000000"))
    21
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def in_dark(accent: str) -> str:
    """The accent for dark pages: as much lighter as text on dark grey needs to be readable.

    >>> in_dark("#ffffff")
    '#ffffff'
    """
    parts = _parts(accent)
    for step in range(_STEPS):
        lighter = (round(part + (255 - part) * step / _STEPS) for part in parts)
        colour = "#" + "".join(f"{part:02x}" for part in lighter)
        if contrast(colour, DARK_GROUND) >= CONTRAST:
            return colour
    return "#ffffff"


def appearance_faults(accent: str | None, logo: str | None) -> list[Fault]:
    """What is wrong with the settings `accent` and `logo` of a practice."""
    faults = []
    if accent is not None and not _COLOUR.fullmatch(accent):
        remedy = 'write it as six hexadecimal digits, such as "#0b6e6e"'
        faults.append(Fault("practice.accent", "is not a colour", remedy))
    elif accent is not None and contrast(accent, LIGHT_GROUND) < CONTRAST:
        ratio = contrast(accent, LIGHT_GROUND)
        problem = f"is too pale to be read on the pages: a contrast of {ratio:.1f}:1"
        remedy = f"choose a darker shade, of at least {CONTRAST}:1 on {LIGHT_GROUND}"
        faults.append(Fault("practice.accent", problem, remedy))
    if logo is not None and not _FILE.fullmatch(logo):
        remedy = "name an SVG or PNG file in the definition's folder, without a path"
        faults.append(Fault("practice.logo", "is not the name of a picture", remedy))
    return faults


def load_logo(folder: Path, name: str) -> Logo:
    """The logo of that name in the folder of a definition.

    Raises
    ------
    DefinitionError
        When it cannot be read, is too large, or is not what its name says.
    """
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError:
        remedy = "put the file beside the definition, or remove the setting"
        raise _fault("cannot be read", remedy) from None
    if len(content) > MAX_LOGO_BYTES:
        remedy = "give a smaller one: every page loads it"
        raise _fault(f"has more than {MAX_LOGO_BYTES // 1024} KiB", remedy)
    if path.suffix == ".png":
        _check_png(content)
    elif b"<svg" not in content:
        raise _fault("is not an SVG picture", "export it again as SVG, or as PNG")
    return Logo(content, MEDIA_TYPES[path.suffix])


def _check_png(content: bytes) -> None:
    if not content.startswith(_PNG) or content[12:16] != b"IHDR":
        raise _fault("is not a PNG picture", "export it again as PNG, or as SVG")
    # Width and height follow the name of the first chunk, as four bytes each.
    sides = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
    if max(sides) > MAX_LOGO_PIXELS:
        remedy = "give a smaller one: it is shown 32 pixels high"
        raise _fault(f"is more than {MAX_LOGO_PIXELS} pixels wide or high", remedy)


def _fault(problem: str, remedy: str) -> DefinitionError:
    return DefinitionError([Fault("practice.logo", problem, remedy)])


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2), from 0 to 1."""
    shares = (part / 255 for part in _parts(colour))
    light = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares
    )
    return sum(each * weight for each, weight in zip(light, (0.2126, 0.7152, 0.0722), strict=True))
