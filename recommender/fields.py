"""One question a practice asks of a client, or one fact it keeps of a clinician.

A field is declared in the practice definition and nowhere else. Imported by `practice` and above.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.errors import Fault
from recommender.kinds import KINDS, Kind

Side = Literal["client", "clinician"]
USES = ("score", "filter", "audit")


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field.

    Attributes
    ----------
    name, side
        Unique together; `label` joins them.
    kind
        One of `recommender.kinds.KINDS`.
    phrase
        How staff say it aloud.
    purpose
        Why it is asked; printed in the privacy statement.
    missing
        What an empty answer means.
    use
        `score`: the model may see it. `filter`: only constraints and matches on a stated wish may.
        `audit`: only fairness reports may.
    group
        Explanation group, for scored fields.
    unit, min, max, levels
        Meaning and bounds of a value, where the kind has them. Money bounds are in whole currency.
    required
        Whether an empty answer is a fault.
    """

    name: str
    side: Side
    kind: str
    phrase: str
    purpose: str
    missing: str
    use: str
    group: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    levels: tuple[str, ...] = ()
    required: bool = False

    @property
    def label(self) -> str:
        """Side and name, as they appear in feature names and faults."""
        return f"{self.side}.{self.name}"

    @property
    def behaviour(self) -> Kind:
        """The kind that reads and encodes this field."""
        return KINDS[self.kind]

    def on_unit_range(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values put on 0..1 by the declared bounds, or by the number of levels."""
        if self.kind == "ordinal":
            return values / max(len(self.levels) - 1, 1)
        if self.kind == "flag":
            return values
        scale = 100.0 if self.kind == "money" else 1.0
        low, high = (self.min or 0.0) * scale, (1.0 if self.max is None else self.max) * scale
        return (values - low) / (high - low)


SETTINGS = frozenset(setting.name for setting in fields(Field)) - {"name", "side"}
"""What a field's table in the definition may hold."""


def read_field(side: Side, name: str, declared: Mapping[str, Any]) -> tuple[Field, list[Fault]]:
    """A field from its table in the definition, with everything that is wrong about it."""
    where = f"{side}.{name}"
    kind = KINDS.get(declared.get("kind", ""))
    if kind is None:
        remedy = f"set kind to one of {', '.join(KINDS)}"
        return _undeclared(side, name), [Fault(f"{where}.kind", "is not a known kind", remedy)]
    faults = [
        Fault(f"{where}.{key}", "is not a setting of a field", "remove it or mend its spelling")
        for key in sorted(set(declared) - SETTINGS)
    ]
    faults += _missing_settings(where, kind, declared)
    faults += _wrong_settings(where, side, declared)
    taken = {key: value for key, value in declared.items() if key in SETTINGS}
    taken["levels"] = tuple(declared.get("levels", ()))
    for key in ("phrase", "purpose", "missing", "use"):
        taken.setdefault(key, "")
    return Field(name=name, side=side, **taken), faults


def _undeclared(side: Side, name: str) -> Field:
    return Field(name, side, "number", "", "", "", "filter")


def _missing_settings(where: str, kind: Kind, declared: Mapping[str, Any]) -> list[Fault]:
    needed = ["phrase", "purpose", "missing", "use", *sorted(kind.needs)]
    if declared.get("use") == "score":
        needed.append("group")
    return [
        Fault(f"{where}.{key}", "is not given", f"every {kind.name} field of this use needs it")
        for key in needed
        if declared.get(key) in (None, "", [])
    ]


def _wrong_settings(where: str, side: Side, declared: Mapping[str, Any]) -> list[Fault]:
    faults = []
    if declared.get("use") not in (*USES, None):
        faults.append(Fault(f"{where}.use", "is not a known use", f"use one of {', '.join(USES)}"))
    if declared.get("use") == "audit" and side == "clinician":
        remedy = "use filter: a clinician's attributes only ever serve a client's stated wish"
        faults.append(Fault(f"{where}.use", "audit is for clients", remedy))
    if declared.get("use") == "score" and declared.get("kind") in _NOT_SCORED:
        remedy = "use filter, and declare a match that compares it"
        faults.append(Fault(f"{where}.use", "this kind cannot be scored by itself", remedy))
    levels = declared.get("levels", [])
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        faults.append(Fault(f"{where}.levels", "is not a list of texts", 'write ["a", "b"]'))
    elif len(set(levels)) != len(levels):
        faults.append(Fault(f"{where}.levels", "names a level twice", "name each level once"))
    elif any(";" in level or level.lower() == "none" for level in levels):
        remedy = "choose another word: a semicolon separates tags, and none means no tag"
        faults.append(Fault(f"{where}.levels", "has a level that cannot be written", remedy))
    return faults + _wrong_bounds(where, declared)


def _wrong_bounds(where: str, declared: Mapping[str, Any]) -> list[Fault]:
    given = [declared[key] for key in ("min", "max") if declared.get(key) is not None]
    if any(isinstance(bound, bool) or not isinstance(bound, int | float) for bound in given):
        return [Fault(f"{where}.min", "a bound is not a number", "write min and max as numbers")]
    if len(given) == 2 and not given[0] < given[1]:
        return [Fault(f"{where}.min", "is not below max", "put the smaller bound in min")]
    return []


_NOT_SCORED = ("place", "weekly_hours", "date", "ids", "money")
