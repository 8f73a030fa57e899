"""One question a practice asks of a client, or one fact it keeps of a clinician.

A field is declared in the practice definition and nowhere else. Imported by `practice` and above.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.errors import Fault
from recommender.practice.schema import (
    FLAG,
    NUMBER,
    TEXT,
    TEXTS,
    SettingSchema,
    is_present,
    one_of,
    read_settings,
)
from recommender.values.kinds import KINDS, NONE_NAMED, FieldKind, Point

Side = Literal["client", "clinician"]
USES = ("score", "filter", "audit")
NOT_SCORED = ("place", "weekly_hours", "date", "ids", "money")
"""Kinds that say nothing by themselves: only a match or a constraint compares them."""


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field.

    Attributes
    ----------
    name, side
        Unique together; `label` joins them.
    kind
        One of `recommender.values.kinds.KINDS`.
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
    postcodes
        Points a place may be named by, those of the practice; empty for every other kind.
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
    # A mapping has no hash; two fields that differ in nothing else merely share a bucket.
    postcodes: Mapping[str, Point] = attribute(default_factory=dict, hash=False, repr=False)

    @property
    def label(self) -> str:
        """Side and name, as they appear in feature names and faults."""
        return f"{self.side}.{self.name}"

    @property
    def behaviour(self) -> FieldKind:
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


SHAPES: Mapping[str, SettingSchema] = {
    "kind": one_of("kind", KINDS),
    "phrase": TEXT,
    "purpose": TEXT,
    "missing": TEXT,
    "use": one_of("use", USES),
    "group": TEXT,
    "unit": TEXT,
    "min": NUMBER,
    "max": NUMBER,
    "levels": TEXTS,
    "required": FLAG,
}
"""What a field's table in the definition may hold."""


def read_field(side: Side, name: str, declared: Mapping[str, Any]) -> tuple[Field, list[Fault]]:
    """A field from its table in the definition, with everything that is wrong about it."""
    where = f"{side}.{name}"
    told, faults = read_settings(where, "a field", declared, SHAPES)
    kind = KINDS.get(told.get("kind", ""))
    faults += _missing_settings(where, kind, declared)
    if kind is not None:
        faults += _idle_settings(where, kind, told)
    faults += (
        _wrong_use(where, side, told) + _wrong_levels(where, told) + _wrong_bounds(where, told)
    )
    plain = {"kind": "number", "phrase": "", "purpose": "", "missing": "", "use": "filter"}
    settings = plain | told | {"levels": tuple(told.get("levels", ()))}
    return Field(name=name, side=side, **settings), faults


def _missing_settings(
    where: str, kind: FieldKind | None, declared: Mapping[str, Any]
) -> list[Fault]:
    needed = ["kind", "phrase", "purpose", "missing", "use"]
    needed += sorted(kind.needs) if kind else []
    needed += ["group"] if declared.get("use") == "score" else []
    remedy = f"every {kind.name if kind else ''} field of this use needs it".replace("  ", " ")
    return [
        Fault(f"{where}.{key}", "is not given", remedy)
        for key in needed
        if not is_present(declared, key)
    ]


def _idle_settings(where: str, kind: FieldKind, told: Mapping[str, Any]) -> list[Fault]:
    """Faults of settings a kind would pass over: whoever wrote them meant something by them."""
    idle = {"unit", "min", "max", "levels"} - kind.needs - kind.allows
    return [
        Fault(f"{where}.{key}", f"is not a setting of a {kind.name}", "remove it or mend the kind")
        for key in sorted(idle & set(told))
    ]


def _wrong_use(where: str, side: Side, told: Mapping[str, Any]) -> list[Fault]:
    if told.get("use") == "audit" and side == "clinician":
        remedy = "use filter: a clinician's attributes only ever serve a client's stated wish"
        return [Fault(f"{where}.use", "audit is for clients", remedy)]
    if told.get("use") == "score" and told.get("kind") in NOT_SCORED:
        remedy = "use filter, and declare a match that compares it"
        return [Fault(f"{where}.use", "this kind cannot be scored by itself", remedy)]
    return []


def _wrong_levels(where: str, told: Mapping[str, Any]) -> list[Fault]:
    levels = told.get("levels", [])
    faults = []
    if len(set(levels)) != len(levels):
        faults.append(Fault(f"{where}.levels", "names a level twice", "name each level once"))
    if any(level != level.strip() or not level.isprintable() or not level for level in levels):
        remedy = "write each on one line, without space before or after it"
        faults.append(Fault(f"{where}.levels", "has a level nobody could answer", remedy))
    if any(";" in level or level.lower() == NONE_NAMED for level in levels):
        remedy = "choose another word: a semicolon separates tags, and none means no tag"
        faults.append(Fault(f"{where}.levels", "has a level that cannot be written", remedy))
    return faults


def _wrong_bounds(where: str, told: Mapping[str, Any]) -> list[Fault]:
    if "min" in told and "max" in told and not told["min"] < told["max"]:
        return [Fault(f"{where}.min", "is not below max", "put the smaller bound in min")]
    return []
