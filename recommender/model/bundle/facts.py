"""The facts of a bundle: JSON whose every name and kind of value is known beforehand.

Imported by `bundle`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any

from recommender.model.manifest import EVIDENCE_PRIOR, MODEL

Kinds = tuple[type, ...]
NUMBER: Kinds = (int, float)
TEXT: Kinds = (str,)
DAY: Kinds = (str, NoneType)


@dataclass(frozen=True, slots=True)
class Every:
    """A mapping from any name to values of one shape."""

    value: Any


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of values of one shape."""

    value: Any


LINK = {"basis": TEXT, "ratings": (int,)} | dict.fromkeys(
    ("mean", "sd", "to_mean", "to_sd"), NUMBER
)
MANIFEST = {
    **dict.fromkeys(("mode", "created_at", "practice_id", "practice_version"), TEXT),
    **dict.fromkeys(("practice_digest", "data_digest"), TEXT),
    **dict.fromkeys(("ratings", "pairings", "left_unrated", "seed"), (int,)),
    **dict.fromkeys(("first_day", "last_day", "known_until"), DAY),
    "features": Listed(TEXT),
    "versions": Every(TEXT),
}
FACTS = {
    "manifest": MANIFEST,
    "harmoniser": {
        **dict.fromkeys(("reference", "metric"), TEXT),
        **dict.fromkeys(("low", "high"), NUMBER),
        "links": Every(LINK),
    },
    "additive": {"fit": Every(object), "clinicians": (int,), "levels": (int,)},
    **dict.fromkeys(("client_mean", "client_share", "share", "stays"), NUMBER),
    "spread": {"low": NUMBER, "high": NUMBER},
    "panel_size": (int,),
    "clinician_ids": Listed(TEXT),
}
"""What a manifest file says. Shapes are tuples of exact types, mappings of exact names, `Every`,
`Listed`, or `object` where `fit_shape` says more."""
_OF_FIT = {
    **dict.fromkeys(("intercept", "sigma2", "tau2", "log_evidence"), NUMBER),
    "iterations": NUMBER,
    "converged": (bool,),
    "names": Listed(TEXT),
    "penalised": Listed(TEXT),
}


def read_facts(content: bytes) -> dict[str, Any]:
    """The facts in a manifest file.

    Raises
    ------
    ValueError, RecursionError
        When it is no JSON, says a name twice, a name nobody knows or none, or a value of another
        kind.
    """
    facts = read_json(content)
    _require(_fits(facts, FACTS))
    fit = facts["additive"]["fit"]
    _require(_fits(fit, fit_shape(fit)))
    _require(facts["manifest"]["mode"] in (MODEL, EVIDENCE_PRIOR))
    return facts


def read_json(content: bytes) -> dict[str, Any]:
    """A JSON object of finite numbers in which no name stands twice."""
    told = json.loads(
        content.decode(),
        object_pairs_hook=_once,
        parse_constant=_no_number,
        parse_float=_finite,
    )
    _require(isinstance(told, dict))
    return dict(told)


def fit_shape(fit: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of the mixed model's facts: two more numbers for each penalised block."""
    penalised = fit.get("penalised")
    _require(_fits(penalised, Listed(TEXT)))
    names = [f"{what}.{block}" for what in ("variances", "degrees") for block in penalised or ()]
    return _OF_FIT | dict.fromkeys(names, NUMBER)


def _fits(told: Any, shape: Any) -> bool:
    """Whether a value has a shape; kinds are exact, for true is no number here."""
    if isinstance(shape, tuple):
        return type(told) in shape
    if isinstance(shape, Listed):
        return isinstance(told, list) and all(_fits(each, shape.value) for each in told)
    if isinstance(shape, Every):
        return isinstance(told, dict) and all(_fits(e, shape.value) for e in told.values())
    if isinstance(shape, dict):
        same = isinstance(told, dict) and set(told) == set(shape)
        return same and all(_fits(told[name], part) for name, part in shape.items())
    return isinstance(told, shape)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    _require(len(told) == len(pairs))
    return told


def _no_number(_: str) -> float:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    _require(math.isfinite(number))
    return number


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError
