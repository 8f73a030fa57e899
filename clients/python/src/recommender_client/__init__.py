"""Typed client of a recommender server; `generated` is made from the server's contract."""

from .client import Client
from .errors import (
    ApiError,
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from .retries import Retries

__all__ = [
    "ApiError",
    "Client",
    "ConflictError",
    "InvalidRequestError",
    "NotAllowedError",
    "NotFoundError",
    "RateLimitedError",
    "Retries",
    "UnavailableError",
]
