"""Files that every page loads, sent packed to browsers that unpack. They hold nobody's data.

Imported by the routes of `staff` that send one.
"""

import gzip
from dataclasses import dataclass
from importlib.resources import files
from typing import Self

from fastapi import Request
from starlette.responses import Response

_STATIC = files("recommender.serving.staff").joinpath("static")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, as it is and packed."""

    plain: bytes
    packed: bytes
    media_type: str

    @classmethod
    def read(cls, name: str, media_type: str) -> Self:
        """A file of the folder `static`."""
        plain = _STATIC.joinpath(name).read_bytes()
        return cls(plain, gzip.compress(plain, mtime=0), media_type)

    def sent(self, request: Request, **headers: str) -> Response:
        """As the browser that asks can read it."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["vary"] = "accept-encoding"
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.plain, media_type=self.media_type, headers=headers)
        headers["content-encoding"] = "gzip"
        return Response(self.packed, media_type=self.media_type, headers=headers)
