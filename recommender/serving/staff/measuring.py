"""Whether what was shown holds: ratings against their ranges, and the model that answers now.

Imported by `staff.router`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.alliance.label import labels
from recommender.journal.results import RatedMatch, rated_matches
from recommender.model import AllianceModel
from recommender.serving.keeping import keeper_of, read
from recommender.serving.staff import words
from recommender.serving.staff.page import MODEL, page
from recommender.serving.state import State
from recommender.serving.turns import computed, current

LAST, FEWEST = 100, 50
"""Rated matches that are looked at, and how many it takes to say anything."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Check:
    """How many rated matches had a range, and how many ratings fell inside."""

    rated: int
    inside: int

    def said(self, level: float) -> str:
        """The check in words; too few are said to be too few."""
        if self.rated < FEWEST:
            return words.too_few(self.rated, FEWEST)
        return words.checked(self.inside, self.rated, level)


@router.get(MODEL)
async def get_model_page(request: Request) -> Response:
    """The figures are counted when the page is asked for."""
    state = current(request.app)
    checked = words.UNSTORED
    if keeper_of(request.app) is not None:
        matches = await read(request, partial(rated_matches, most=LAST))
        found = await computed(request.app, partial(check, matches, state.model))
        checked = found.said(state.practice.alliance.interval)
    return page(
        request,
        "model.html",
        words.MEASURED,
        checked=checked,
        facts=_facts(state),
        card=[
            (name, getattr(state.practice.card, key) or words.NOT_SAID)
            for key, name in words.CARD_PARTS.items()
        ],
    )


@dataclass(frozen=True, slots=True)
class Held:
    """The early rating of a match in points, and the range it was shown with."""

    points: float
    lower: float
    upper: float


def check(matches: Sequence[RatedMatch], model: AllianceModel) -> Check:
    """How many ratings fell in the range their match was shown with."""
    found = held(matches, model)
    return Check(len(found), sum(each.lower <= each.points <= each.upper for each in found))


def held(matches: Sequence[RatedMatch], model: AllianceModel) -> tuple[Held, ...]:
    """Ratings as training reads them, each beside the range its match was shown with."""
    ranges = {each.pairing_id: shown for each in matches if (shown := _range(each)) is not None}
    known = [each for each in matches if each.pairing_id in ranges]
    if not known:
        return ()
    found = labels(
        _ratings(known),
        _pairings(known),
        model.practice.alliance,
        model.practice.instruments,
        model.harmoniser,
    )
    said = model.harmoniser.say(found["alliance"].to_numpy())
    return tuple(
        Held(value, ranges[str(name)]["lower"], ranges[str(name)]["upper"])
        for name, value in zip(found.index, said.tolist(), strict=True)
    )


def _range(match: RatedMatch) -> Mapping[str, float] | None:
    """What was shown for whom the match began with; None where they were not shown."""
    for each in json.loads(match.response)["shortlist"]:
        if each["clinician_id"] == match.clinician_id:
            shown: Mapping[str, float] | None = each["range"]
            return shown
    return None


def _pairings(matches: Sequence[RatedMatch]) -> pd.DataFrame:
    started = np.array([each.started_on for each in matches], dtype="datetime64[s]")
    return pd.DataFrame(
        {"pairing_id": [each.pairing_id for each in matches], "started_on": started}
    )


def _ratings(matches: Sequence[RatedMatch]) -> pd.DataFrame:
    rows = [
        {
            "pairing_id": rating.pairing_id,
            "session": rating.session,
            "rated_on": np.datetime64(rating.rated_on, "s"),
            "known_on": np.datetime64(rating.known_on or rating.rated_on, "s"),
            "instrument": rating.instrument,
            "rater": rating.rater,
            "metric": rating.metric,
            "score": np.nan if rating.score is None else rating.score,
            **{f"item_{number}": answer for number, answer in enumerate(rating.items, 1)},
        }
        for match in matches
        for rating in match.ratings
    ]
    return pd.DataFrame(rows)


def _facts(state: State) -> list[tuple[str, str]]:
    """What the model is and came from, those facts that are known."""
    manifest, practice = state.model.manifest, state.practice
    told: dict[str, Any] = {name: getattr(manifest, name, None) for name in words.FACTS}
    told["mode"] = words.REQUEST_MODES.get(manifest.mode, manifest.mode)
    told |= {"version": state.version, "digest": state.digest[:12]}
    told["practice"] = f"{practice.title}, {practice.version}"
    return [
        (name, str(told[key])) for key, name in words.FACTS.items() if told[key] not in ("", None)
    ]
