"""The shortlist as people read it: strength and doubt in words first, then one thin picture.

Imported by `staff.sheet`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Self

from recommender.serving.staff import wording

WIDTH, ROW, LEFT = 320, 26, 8
"""Of the picture and each of its rows, in its own units."""
CLEARLY, SOMEWHAT = 0.05, 0.01
"""Shares of the scale's width from which a difference to the average is called so: a fifth and a
twenty-fifth of a point on a scale of 1 to 5. Ours; the words are to be tried with intake staff."""

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RangeMark:
    """Where a clinician stands in the picture."""

    name: str
    y: int
    start: float
    end: float
    dot: float
    said: str


@dataclass(frozen=True, slots=True)
class ShortlistCard:
    """One clinician of the shortlist in words; no figure where nothing was predicted."""

    rank: int
    clinician_id: str
    name: str
    strength: str
    points: str
    sure: str
    lower: str
    upper: str
    reason: str
    caution: str
    tie: str
    aloud: str
    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    reservations: tuple[str, ...]

    @classmethod
    def of(cls, told: Told, scale: Told) -> Self:
        """One clinician as a response tells of them."""
        said, ends = told["predicted_alliance"], told["range"]
        reservations = tuple(wording.reservation(each) for each in told["reservations"])
        for_them, against = tuple(told["in_favour"]), tuple(told["against"])
        return cls(
            rank=told["rank"],
            clinician_id=told["clinician_id"],
            name=told["name"],
            strength=wording.NOT_PREDICTED if said is None else _strength(told, scale),
            points="" if said is None else wording.points(said, scale),
            sure=wording.not_sure() if ends is None else wording.sure(ends),
            lower=wording.one(ends["lower"]) if ends else "",
            upper=wording.one(ends["upper"]) if ends else "",
            reason=next(iter((*told["reasons"], *for_them)), wording.NO_REASON),
            caution=next(iter((*reservations, *against)), wording.NO_CAUTION),
            tie=wording.sentence(told["tie_text"] or ""),
            aloud=wording.aloud(told["name"], told["reasons"]),
            in_favour=for_them,
            against=against,
            reservations=reservations,
        )


@dataclass(frozen=True, slots=True)
class TieGroup:
    """Clinicians who cannot be told apart; a single one stands alone.

    `order` is what broke the tie where it was the same for all, else each candidate has their own.
    """

    said: str
    order: str
    candidates: tuple[ShortlistCard, ...]


def ties_of(response: Told) -> tuple[TieGroup, ...]:
    """The shortlist, tie by tie; one list where nothing was predicted."""
    return tuple(
        _tie(list(tied), response["scale"])
        for _, tied in groupby(response["shortlist"], key=lambda each: each["tie"])
    )


def marks_of(response: Told) -> tuple[RangeMark, ...]:
    """The picture; empty where no range is known."""
    scale = response["scale"]
    low, width = scale["low"], scale["high"] - scale["low"]

    def place(points: float) -> float:
        return round(float(LEFT + (points - low) / width * (WIDTH - 2 * LEFT)), 1)

    return tuple(
        RangeMark(
            each["name"],
            ROW * number + ROW // 2,
            place(each["range"]["lower"]),
            place(each["range"]["upper"]),
            place(each["predicted_alliance"]),
            wording.mark(each),
        )
        for number, each in enumerate(response["shortlist"])
        if each["range"] is not None
    )


def _tie(tied: Sequence[Told], scale: Told) -> TieGroup:
    several = len(tied) > 1 and tied[0]["tie"] is not None
    said = wording.tie(tied[0]["rank"], tied[-1]["rank"]) if several else ""
    candidates = tuple(ShortlistCard.of(each, scale) for each in tied)
    broken = {each.tie for each in candidates[1:]}
    same = several and len(broken) == 1 and not candidates[0].tie
    return TieGroup(
        said, wording.order_of_tie(*broken) if same and "" not in broken else "", candidates
    )


def _strength(told: Told, scale: Told) -> str:
    """How a clinician stands to the average of those who fit."""
    ahead = sum(group["points"] for group in told["groups"]) / (scale["high"] - scale["low"])
    if ahead >= SOMEWHAT:
        return wording.CLEARLY_ABOVE if ahead >= CLEARLY else wording.SOMEWHAT_ABOVE
    if ahead <= -SOMEWHAT:
        return wording.CLEARLY_BELOW if ahead <= -CLEARLY else wording.SOMEWHAT_BELOW
    return wording.ABOUT_AVERAGE
