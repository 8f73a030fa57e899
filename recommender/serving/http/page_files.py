"""What pages are made of: static files that browsers store for good, and templates."""

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

IMMUTABLE = "public, max-age=31536000, immutable"


class ImmutableFiles(StaticFiles):
    """Static files whose addresses change with their content."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, to be cached for good."""
        response = super().file_response(*args, **options)
        response.headers["cache-control"] = IMMUTABLE
        return response


def compressed_files(folder: Path) -> ASGIApp:
    """The files of a folder, compressed; they hold nobody's data.

    Pages are never compressed: the size of a compressed page would reveal a secret that stands
    beside text chosen by an attacker (BREACH).
    """
    return GZipMiddleware(ImmutableFiles(directory=folder))


def versioned_address(at: str, folder: Path, name: str) -> str:
    """The address below `at` of a file of a folder, with a digest of its content."""
    return address_of(f"{at}/{name}", (folder / name).read_bytes())


def address_of(path: str, content: bytes) -> str:
    """The address at which a content is, with a digest of it."""
    return f"{path}?v={hashlib.sha256(content).hexdigest()[:12]}"


def templates_of(package: str) -> Environment:
    """The templates of a package; they escape everything, and every name must be given."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
