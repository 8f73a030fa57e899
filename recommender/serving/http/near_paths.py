"""The declared path that was probably meant by an address without a resource."""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from recommender.serving.http.field_names import SIMILAR

VERSION = "/v1"
USUAL: Mapping[str, str] = {
    **dict.fromkeys(
        ("/redoc", "/swagger", "/swagger-ui", "/swagger-ui.html", "/api-docs", "/apidocs"), "/docs"
    ),
    **dict.fromkeys(
        ("/swagger.json", "/openapi.yaml", "/openapi.yml", "/openapi", "/v1/openapi.json"),
        "/openapi.json",
    ),
}
"""Where other servers have their reference page and their contract, and where this one has them."""


def near_path(path: str, declared: Iterable[str]) -> str | None:
    """The declared path most similar to a path; None when none is similar.

    Parts in braces stand for any text. Nothing of the given path is in the result.

    Examples
    --------
    >>> paths = ["/livez", "/v1/recommendations", "/v1/recommendations/{recommendation_id}"]
    >>> near_path("/v1/recommendation/8fa2", paths)
    '/v1/recommendations/{recommendation_id}'
    >>> near_path("/recommendations/", paths)
    '/v1/recommendations'
    >>> near_path("/swagger/", ["/docs"])
    '/docs'
    >>> near_path("/index.php", paths)
    """
    asked, declared = path.rstrip("/"), tuple(declared)
    if USUAL.get(asked.lower()) in declared:
        return USUAL[asked.lower()]
    likeness = {
        template: max(_likeness(asked, template), _likeness(VERSION + asked, template))
        for template in declared
    }
    best = max(likeness, key=lambda template: (likeness[template], template), default=None)
    return best if best is not None and likeness[best] >= SIMILAR else None


def _likeness(path: str, template: str) -> float:
    """Similarity of the least similar part, 0 to 1; 0 when the numbers of parts differ."""
    parts, declared = path.split("/")[1:], template.split("/")[1:]
    if len(parts) != len(declared) or not parts:
        return 0.0
    pairs = [pair for pair in zip(parts, declared, strict=True) if not pair[1].startswith("{")]
    return min((SequenceMatcher(None, *pair).ratio() for pair in pairs), default=0.0)
