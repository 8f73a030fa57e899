"""Alliance instruments as numbers: items, response range, scoring rules and norms.

Item wording is never part of an instrument, since it is under copyright.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator
from pydantic import Field as Setting

from recommender.errors import DefinitionError, Fault, RecommenderError
from recommender.values.toml_settings import (
    Codes,
    Flag,
    Number,
    Text,
    Texts,
    Whole,
    one_of,
    read_settings,
    toml_table,
)

FloatArray = npt.NDArray[np.float64]

TOTAL_METRICS = ("sum", "mean", "pomp")
ITEMS, ITEMS_SCORED = "items", "items_scored"
ITEM_METRICS = (ITEMS, ITEMS_SCORED)
"""Answers item by item: as the client gave them, or with reverse-keyed items reversed already."""
METRICS = (*TOTAL_METRICS, *ITEM_METRICS)


def _in_order(window: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= window[0] <= window[1]:
        raise ValueError
    return window


Sessions = Annotated[tuple[Whole, Whole], AfterValidator(_in_order)]


@toml_table
@dataclass(frozen=True, slots=True)
class AllianceSettings:
    """Which ratings make the label, and on which scale predictions are reported.

    Session numbers and days are inclusive. `interval` is the level of the prediction interval, as
    a share (0.9 for 90 %). `missing_codes` are item answers in tables that mean: not answered.
    """

    instruments: Texts
    reference: Text
    metric: Annotated[str, one_of(("mean", "sum"))] = "mean"
    rater: Annotated[str, one_of(("client", "clinician"))] = "client"
    early_sessions: Sessions = (2, 5)
    fallback_sessions: Sessions | None = None
    within_days: Annotated[Whole, Setting(ge=1)] = 90
    interval: Annotated[Number, Setting(ge=0.5, lt=1)] = 0.9
    missing_codes: Codes = ()


@toml_table
@dataclass(frozen=True, slots=True)
class Instrument:
    """One alliance form: its items, its response range and its rule for missing items.

    Item numbers count from 1. `min` and `max` bound the response to one item. `reference_mean` and
    `reference_sd` are on POMP (percent of maximum possible, as a share from 0 to 1), `cut_offs` on
    the sum, the cut-off itself included.
    """

    name: str
    items: Whole
    min: Number
    max: Number
    min_items: Whole
    prorate: Whole
    step: Number = 1.0
    subscales: Mapping[str, tuple[Whole, ...]] = field(default_factory=dict, hash=False)
    reverse: tuple[Whole, ...] = ()
    min_per_subscale: Whole = 0
    accepts_items: Flag = True
    cut_offs: Mapping[str, Number] = field(default_factory=dict, hash=False)
    # Crits-Christoph 2011: generalisability of one client's rating of one session.
    reliability_one_session: Number = 0.77
    reliability_source: Text = "Crits-Christoph 2011"
    reference_mean: Number | None = None
    reference_sd: Number | None = None
    reference_source: Text = ""
    source: Text = ""
    status: Text = ""

    def bounds(self, metric: str) -> tuple[float, float]:
        """The lowest and the highest possible score on a metric.

        Raises
        ------
        RecommenderError
            If the metric is not a total: sum, mean or pomp.
        """
        if metric == "sum":
            return self.items * self.min, self.items * self.max
        if metric == "mean":
            return self.min, self.max
        if metric == "pomp":
            return 0.0, 1.0
        raise RecommenderError("metric", "is not a total", f"use one of {', '.join(TOTAL_METRICS)}")


def shipped_instruments() -> dict[str, Instrument]:
    """The instruments that ship with the package, by name."""
    return dict(_shipped())


@cache
def _shipped() -> Mapping[str, Instrument]:
    """Read once: every definition that is read needs them."""
    text = files("recommender").joinpath("practice/shipped/instruments.toml").read_text("utf-8")
    return read_instruments(tomllib.loads(text)["instruments"])


def read_instruments(mapping: Mapping[str, object]) -> dict[str, Instrument]:
    """Instruments declared in a definition, by name.

    Parameters
    ----------
    mapping
        The `instruments` table: a name to a table with at least items, min and max.

    Raises
    ------
    DefinitionError
        With every fault of every instrument.
    """
    faults: list[Fault] = []
    instruments: dict[str, Instrument] = {}
    for name, cells in mapping.items():
        where = f"instruments.{name}"
        if not isinstance(cells, Mapping) or not _NAME.fullmatch(name):
            faults.append(Fault(where, "is not a named table", "write [instruments.lower_case]"))
            continue
        instrument, _, wrong = read_settings(
            Instrument, where, "an instrument", _with_defaults(cells), {"name": name}
        )
        if instrument is not None:
            instruments[name] = instrument
            wrong += _broken_rules(where, instrument)
        faults += wrong
    if faults:
        raise DefinitionError(faults)
    return instruments


def _with_defaults(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Every item is needed for a total, and none is prorated, unless the table says otherwise."""
    items = cells.get("items")
    # If `items` is wrong it has its own fault; then any whole number will do.
    needed = cells.get("min_items", items if type(items) is int else 1)
    return {"min_items": needed, "prorate": needed} | dict(cells)


_NAME = re.compile(r"[a-z][a-z0-9_]*")

Rule = tuple[str, Callable[[Instrument], bool], str, str]
_RULES: tuple[Rule, ...] = (
    ("items", lambda i: i.items >= 1, "is below 1", "give the number of items"),
    ("max", lambda i: i.min < i.max, "is not above min", "give one item's response range"),
    (
        "step",
        lambda i: 0 < i.step <= i.max - i.min,
        "does not fit the response range",
        "give the smallest difference between two responses",
    ),
    (
        "subscales",
        lambda i: _fit(i, [number for numbers in i.subscales.values() for number in numbers]),
        "name an item that does not exist, or one item twice",
        "count items from 1 and give each to one subscale",
    ),
    (
        "reverse",
        lambda i: _fit(i, i.reverse),
        "names an item that does not exist, or one item twice",
        "count items from 1",
    ),
    (
        "min_items",
        lambda i: 1 <= i.min_items <= i.items,
        "is not between 1 and the number of items",
        "give how many answered items make a total",
    ),
    (
        "prorate",
        lambda i: 1 <= i.prorate <= i.min_items,
        "is not between 1 and min_items",
        "give the smallest number of answers a total is estimated from, or leave it out",
    ),
    (
        "min_per_subscale",
        lambda i: 0 <= i.min_per_subscale <= min(map(len, i.subscales.values()), default=0),
        "asks for more items than a subscale has",
        "give a number that every subscale can reach",
    ),
    (
        "cut_offs",
        lambda i: all(i.items * i.min <= cut <= i.items * i.max for cut in i.cut_offs.values()),
        "leave the range of the sum",
        "give cut-offs on the sum of all items",
    ),
    (
        "reliability_one_session",
        lambda i: 0 < i.reliability_one_session < 1,
        "is not between 0 and 1",
        "give the reliability of one session's rating, or leave it out",
    ),
    (
        "reference_mean",
        lambda i: (i.reference_mean is None) == (i.reference_sd is None),
        "is given without reference_sd, or the other way round",
        "give both or neither",
    ),
    (
        "reference_mean",
        lambda i: i.reference_mean is None or 0 < i.reference_mean < 1,
        "is not between 0 and 1",
        "give it on POMP: (score - min) / (max - min)",
    ),
    (
        "reference_sd",
        lambda i: i.reference_sd is None or 0 < i.reference_sd <= 0.5,
        "is not above 0 and at most .5",
        "give it on POMP: the score's SD / (max - min)",
    ),
)


def _fit(instrument: Instrument, numbers: Sequence[int]) -> bool:
    within = all(1 <= number <= instrument.items for number in numbers)
    return within and len(set(numbers)) == len(numbers)


def _broken_rules(where: str, instrument: Instrument) -> list[Fault]:
    return [
        Fault(f"{where}.{key}", problem, remedy)
        for key, holds, problem, remedy in _RULES
        if not holds(instrument)
    ]
