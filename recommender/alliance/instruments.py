"""Alliance instruments: items, response ranges and scoring rules, without item wording."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from recommender.errors import DefinitionError, Fault, RecommenderError

FloatArray = npt.NDArray[np.float64]

TOTAL_METRICS = ("sum", "mean", "pomp")
METRICS = (*TOTAL_METRICS, "items")


@dataclass(frozen=True, slots=True)
class AllianceSettings:
    """Which ratings make the label, and the scale of predictions.

    Session numbers and days are inclusive. `interval` is the level of prediction intervals, 0-1.
    """

    instruments: tuple[str, ...]
    reference: str
    metric: str = "mean"
    rater: str = "client"
    early_sessions: tuple[int, int] = (2, 5)
    fallback_sessions: tuple[int, int] | None = None
    within_days: int = 90
    interval: float = 0.9


@dataclass(frozen=True, slots=True)
class Instrument:
    """One alliance form: its items, its response range and its rule for missing items.

    Item numbers count from 1. `min` and `max` are the ends of one item's response scale;
    `reference_mean` and `reference_sd` are on POMP (0-1); `cut_offs` are on the sum, inclusive.
    """

    name: str
    items: int
    min: float
    max: float
    min_items: int
    prorate: int
    step: float = 1.0
    subscales: Mapping[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    reverse: tuple[int, ...] = ()
    min_per_subscale: int = 0
    accepts_items: bool = True
    cut_offs: Mapping[str, float] = field(default_factory=dict, hash=False)
    # Crits-Christoph 2011: generalisability of one client's rating of one session.
    reliability_one_session: float = 0.77
    reliability_source: str = "Crits-Christoph 2011"
    reference_mean: float | None = None
    reference_sd: float | None = None
    reference_source: str = ""
    source: str = ""
    status: str = ""

    def bounds(self, metric: str) -> tuple[float, float]:
        """Lowest and highest possible score on a metric.

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
        values, wrong = _values(where, cells)
        if not wrong:
            instruments[name] = Instrument(name=name, **values)
            wrong = _broken_rules(where, instruments[name])
        faults += wrong
    if faults:
        raise DefinitionError(faults)
    return instruments


def _values(where: str, cells: Mapping[str, object]) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {}
    faults = [
        Fault(f"{where}.{key}", "is missing", "every instrument says it")
        for key in ("items", "min", "max")
        if key not in cells
    ]
    for key, cell in cells.items():
        if key not in _KEYS:
            faults.append(Fault(f"{where}.{key}", "is not known", f"use {', '.join(_KEYS)}"))
            continue
        parse, expected = _KEYS[key]
        try:
            values[key] = parse(cell)
        except (TypeError, ValueError):
            faults.append(Fault(f"{where}.{key}", f"is not {expected}", f"give {expected}"))
    values.setdefault("min_items", values.get("items"))
    values.setdefault("prorate", values["min_items"])
    return values, faults


def _whole(cell: object) -> int:
    if isinstance(cell, bool) or not isinstance(cell, int):
        raise TypeError
    return cell


def _number(cell: object) -> float:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not np.isfinite(cell):
        raise TypeError
    return float(cell)


def _numbers(cell: object) -> tuple[int, ...]:
    if not isinstance(cell, list | tuple):
        raise TypeError
    return tuple(_whole(number) for number in cell)


def _text(cell: object) -> str:
    if not isinstance(cell, str):
        raise TypeError
    return cell


def _yes_or_no(cell: object) -> bool:
    if not isinstance(cell, bool):
        raise TypeError
    return cell


def _table(parse: Callable[[object], Any]) -> Callable[[object], dict[str, Any]]:
    def read(cell: object) -> dict[str, Any]:
        if not isinstance(cell, Mapping):
            raise TypeError
        return {str(name): parse(value) for name, value in cell.items()}

    return read


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_KEYS: dict[str, tuple[Callable[[object], Any], str]] = {
    **dict.fromkeys(
        ("items", "min_items", "prorate", "min_per_subscale"), (_whole, "a whole number")
    ),
    **dict.fromkeys(
        ("min", "max", "step", "reliability_one_session", "reference_mean", "reference_sd"),
        (_number, "a number"),
    ),
    "subscales": (_table(_numbers), "a table of lists of item numbers"),
    "reverse": (_numbers, "a list of item numbers"),
    "cut_offs": (_table(_number), "a table of numbers"),
    "accepts_items": (_yes_or_no, "true or false"),
    **dict.fromkeys(
        ("source", "reliability_source", "reference_source", "status"), (_text, "text")
    ),
}

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
        "name an item that is not there, or one item twice",
        "count items from 1 and give each to one subscale",
    ),
    (
        "reverse",
        lambda i: _fit(i, i.reverse),
        "names an item that is not there, or one item twice",
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
        "give the fewest answered items that still make a marked total, or leave it out",
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
        "and reference_sd do not come together",
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
