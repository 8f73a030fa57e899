"""How the pages of a server look like the practice's own: its name, colour and logo.

Anybody may load the style and the logo: the page to sign in shows them.
"""

from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from recommender.practice.appearance import Logo, in_dark, load_logo
from recommender.practice.definition import Practice
from recommender.serving.http.page_files import IMMUTABLE, address_of
from recommender.serving.http.problems import NOT_FOUND, ProblemError

STYLE, LOGO = "/appearance/accent.css", "/appearance/logo"
ON_ACCENT = "light-dark(#fff, #0d1516)"
ASK_ABOUT_ACCOUNTS = "the person at your practice who looks after accounts"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Appearance:
    """What every page shows of the practice; read once, when the server starts.

    Attributes
    ----------
    title
        The practice's name.
    contact
        Whom staff ask about accounts and forgotten passwords.
    style
        A style sheet with the practice's accent colour; empty without one.
    logo
        The practice's logo; None without one.
    style_address, logo_address
        Where the style sheet and the logo are; None without one.
    """

    title: str
    contact: str
    style: str
    logo: Logo | None
    style_address: str | None
    logo_address: str | None


def open_appearance(practice: Practice, named: str | None) -> Appearance:
    """The appearance that a practice definition declares.

    Parameters
    ----------
    named
        The definition that the server is given: a file or the name of a shipped one. A logo is
        looked for beside a file only; a bundle holds the definition without it.

    Raises
    ------
    DefinitionError
        When the logo beside the definition's file cannot be used.
    """
    logo, accent = None, practice.accent
    if practice.logo is not None and named is not None and named.endswith(".toml"):
        logo = load_logo(Path(named).parent, practice.logo)
    style = ""
    if accent is not None:
        colour = f"light-dark({accent}, {in_dark(accent)})"
        style = f":root {{ --brand: {colour}; --on-brand: {ON_ACCENT}; }}\n"
    return Appearance(
        practice.title,
        practice.accounts or ASK_ABOUT_ACCOUNTS,
        style,
        logo,
        address_of(STYLE, style.encode()) if style else None,
        address_of(LOGO, logo.content) if logo else None,
    )


def appearance_of(app: FastAPI) -> Appearance:
    """The appearance of a running application."""
    appearance: Appearance = app.state.appearance
    return appearance


@router.get(STYLE)
async def get_accent(request: Request) -> Response:
    """The style sheet with the practice's colour."""
    style = appearance_of(request.app).style
    if not style:
        raise ProblemError(NOT_FOUND)
    return Response(style, media_type="text/css", headers={"cache-control": IMMUTABLE})


@router.get(LOGO)
async def get_logo(request: Request) -> Response:
    """The practice's logo."""
    logo = appearance_of(request.app).logo
    if logo is None:
        raise ProblemError(NOT_FOUND)
    headers = {"cache-control": IMMUTABLE}
    return Response(logo.content, media_type=logo.media_type, headers=headers)
