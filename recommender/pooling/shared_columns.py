"""Which coefficients two practices have in common: declared matches, each with a digest.

Two practices may combine what they learned of a match if they compare the same answers in the same
way, and rate the alliance on the same scale. Words, sources and declared sizes may differ.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.matches import Match

COMPARED = ("name", "kind", "unit", "min", "max", "levels")
"""Attributes of a field on which the value of a match depends."""


def match_digests(practice: Practice) -> dict[str, str]:
    """By match the digest of what it compares and how, in the order of the definition."""
    return {name: _digest(_declaration(match)) for name, match in practice.matches.items()}


def outcome_digest(practice: Practice) -> str:
    """Digest of what is rated: the reference instrument, its metric, who rates, and when."""
    settings, form = practice.alliance, asdict(practice.reference)
    rated = {name: form[name] for name in ("name", "items", "min", "max", "reverse")}
    when = {
        name: getattr(settings, name)
        for name in ("metric", "rater", "early_sessions", "within_days")
    }
    return _digest(rated | when)


def _declaration(match: Match) -> Mapping[str, Any]:
    return {
        "name": match.name,
        "operator": match.operator,
        "client": [_compared(field) for field in match.client],
        "clinician": [_compared(field) for field in match.clinician],
        "indifferent": sorted(match.indifferent),
    } | ({"parts": [(part.level, part.at_least) for part in match.parts]} if match.parts else {})


def _compared(field: Field) -> Mapping[str, Any]:
    return {name: getattr(field, name) for name in COMPARED}


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
