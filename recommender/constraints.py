"""Who may be shown to a client: every constraint on every clinician, with every reason.

Rules come before scores, so that no learned number can buy its way past one.
Imported by `recommend` and above.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.definition.columns import Columns
from recommender.definition.rules import Asking, Constraint, judge
from recommender.practice import Practice
from recommender.roster import Roster

Array = NDArray[np.float64]
Codes = NDArray[np.int8]

_MET, _FAILED, _UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Reason:
    """One constraint a clinician does not meet, or is not known to meet.

    `say` follows the clinician's name; with `unknown` it is a question rather than a fact.
    """

    constraint: str
    family: str
    say: str
    unknown: bool


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A clinician who may not be shown, with every reason in the order of the definition."""

    clinician_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Concern:
    """What staff should know of a clinician but does not exclude, in the order of the definition.

    Soft constraints failed or unknown, and hard ones that are unknown but pass.
    """

    clinician_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """How many clinicians a hard constraint removed, and how many nothing else removed."""

    constraint: str
    removed: int
    removed_only_by_it: int


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """The roster as it stands for one client.

    Attributes
    ----------
    eligible
        (n,) whether each clinician may be shown, in the roster's order.
    exclusions
        Everyone else, in the roster's order.
    ledger
        One line for each hard constraint, in the order of the definition.
    concerns
        Clinicians with something to mention, eligible or not, in the roster's order.
    verdicts
        Constraint to (n,) of 1 pass, 0 fail, NaN unknown, for all that were evaluated.
    """

    eligible: NDArray[np.bool_]
    exclusions: tuple[Exclusion, ...]
    ledger: tuple[Removal, ...]
    concerns: tuple[Concern, ...]
    verdicts: Mapping[str, Array]


def screen(
    practice: Practice, client: Columns, client_id: str | None, roster: Roster, day: date
) -> Screening:
    """Who of the roster may be shown to the client, and why the others may not.

    Parameters
    ----------
    practice
        Whose constraints hold.
    client
        One row of the client's fields.
    client_id
        None for a person the practice has no id for yet.
    roster
        The clinicians as they are now; eligible and excluded together are always all of them.
    day
        The day asked, on the practice's calendar.
    """
    asking = Asking(
        day, client_id, roster.ids, practice.funding, practice.client, practice.clinician
    )
    constraints = [c for c in practice.constraints.values() if c.mode != "off"]
    verdicts = {c.name: judge(c, client, roster.columns, asking) for c in constraints}
    hard = [c for c in constraints if c.mode == "hard"]
    barred = _stacked([_bars(c, verdicts[c.name]) for c in hard], len(roster.ids))
    noted = _stacked([_notes(c, verdicts[c.name]) for c in constraints], len(roster.ids))
    excluded = _reasons(hard, barred)
    mentioned = _reasons(constraints, noted)
    return Screening(
        eligible=np.asarray(~barred.any(axis=1)),
        exclusions=tuple(Exclusion(roster.ids[row], why) for row, why in excluded.items()),
        ledger=_ledger(hard, barred > 0),
        concerns=tuple(Concern(roster.ids[row], why) for row, why in mentioned.items()),
        verdicts=verdicts,
    )


def _codes(verdict: Array) -> Codes:
    return np.where(np.isnan(verdict), _UNKNOWN, np.where(verdict == 1, _MET, _FAILED)).astype(
        np.int8
    )


def _bars(constraint: Constraint, verdict: Array) -> Codes:
    """What a hard constraint excludes: failures, and the unknown where it says so."""
    codes = _codes(verdict)
    passes = (codes == _UNKNOWN) & (constraint.unknown == "pass")
    return np.where(passes, _MET, codes).astype(np.int8)


def _notes(constraint: Constraint, verdict: Array) -> Codes:
    """What a constraint leaves to be mentioned: all it did not find met and did not exclude."""
    codes = _codes(verdict)
    barred = constraint.mode == "hard" and _bars(constraint, verdict) > 0
    return np.where(barred, _MET, codes).astype(np.int8)


def _stacked(columns: Sequence[Codes], size: int) -> Codes:
    """Codes side by side, (n, constraints); a practice may have none."""
    return np.stack(columns, axis=1) if columns else np.zeros((size, 0), dtype=np.int8)


def _reasons(constraints: Sequence[Constraint], codes: Codes) -> Mapping[int, tuple[Reason, ...]]:
    """Reasons of each row that has any. Rosters repeat few patterns, so each is built once."""
    built: dict[bytes, tuple[Reason, ...]] = {}
    reasons = {}
    for row in np.flatnonzero(codes.any(axis=1)):
        pattern = codes[row].tobytes()
        if pattern not in built:
            built[pattern] = tuple(
                Reason(c.name, c.family, c.say, bool(code == _UNKNOWN))
                for c, code in zip(constraints, codes[row], strict=True)
                if code != _MET
            )
        reasons[int(row)] = built[pattern]
    return reasons


def _ledger(hard: Sequence[Constraint], barred: NDArray[np.bool_]) -> tuple[Removal, ...]:
    alone = barred & (barred.sum(axis=1) == 1)[:, None]
    return tuple(
        Removal(constraint.name, int(barred[:, place].sum()), int(alone[:, place].sum()))
        for place, constraint in enumerate(hard)
    )
