"""Verdicts that are known before a client is screened, and what they do to n clinicians."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.constraint import Constraint, Mode
from recommender.screening.codes import MET, Codes, VerdictCodes, codes_of
from recommender.screening.layout import Layout

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedConstraint:
    """The verdict of one constraint on n clinicians, and what it does in one mode.

    Attributes
    ----------
    narrow : (n,)
        1 pass, 0 fail, NaN unknown, in 16 bits: many are stored, and few are read again.
    mode
        The mode that the codes are for.
    codes
        None where all are `MET`.
    """

    narrow: NDArray[np.float16]
    mode: Mode
    codes: VerdictCodes | None

    @property
    def verdict(self) -> Array:
        """1 pass, 0 fail, NaN unknown, (n,)."""
        return self.narrow.astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class JudgedGroup:
    """Some judged constraints of a layout, and the codes of those that somebody does not meet.

    Attributes
    ----------
    judged
        The constraints, by name.
    codes
        Codes by place in the layout; None for codes that are all `MET` where those they take the
        place of are not.
    """

    judged: Mapping[str, JudgedConstraint]
    codes: tuple[tuple[int, VerdictCodes | None], ...]


@dataclass(frozen=True, slots=True, eq=False)
class KnownVerdicts:
    """Verdicts that are known before a client is screened.

    Attributes
    ----------
    codes : (2, k, n)
        What the verdicts of the first group exclude, and where they are a reservation.
    groups
        The verdicts of a later group take the place of earlier ones.
    unknown
        The constraints that do not depend on the way of meeting and are in no group.
    """

    codes: Codes
    groups: tuple[JudgedGroup, ...]
    unknown: tuple[Constraint, ...]

    def written_codes(self) -> Codes:
        """The codes of all groups, (2, k, n), in an array of their own."""
        codes = self.codes.copy()
        for group in self.groups[1:]:
            for place, own in group.codes:
                write_codes(codes, place, own)
        return codes

    def judged_as(self, name: str) -> JudgedConstraint:
        """One constraint of the groups."""
        return next(each.judged[name] for each in reversed(self.groups) if name in each.judged)

    def judged(self) -> dict[str, JudgedConstraint]:
        """The constraints of all groups, by name."""
        judged: dict[str, JudgedConstraint] = {}
        for group in self.groups:
            judged.update(group.judged)
        return judged


def write_codes(codes: Codes, place: int, own: VerdictCodes | None) -> None:
    """Writes the codes of one constraint to its place among those of all, (2, k, n)."""
    codes[:, place] = MET if own is None else own.both


def known_of(layout: Layout, judged: Mapping[str, JudgedConstraint], size: int) -> KnownVerdicts:
    """Some constraints, judged on n clinicians in any mode, as known in the modes of a layout."""
    group = group_of(layout, judged)
    codes = np.zeros((2, len(layout.constraints), size), dtype=np.int8)
    for place, own in group.codes:
        write_codes(codes, place, own)
    unknown = tuple(each for each in layout.direct if each.name not in judged)
    return KnownVerdicts(codes, (group,), unknown)


def group_of(
    layout: Layout,
    judged: Mapping[str, JudgedConstraint],
    instead_of: JudgedGroup | None = None,
) -> JudgedGroup:
    """Some constraints, judged in any mode, in the modes of a layout.

    Where they are written in the place of another group, `instead_of` is that.
    """
    own = {
        name: _in_mode(layout, name, each) for name, each in judged.items() if name in layout.places
    }
    replaced = {} if instead_of is None else dict(instead_of.codes)
    coded = [(layout.places[name], each.codes) for name, each in own.items()]
    return JudgedGroup(
        own, tuple((place, codes) for place, codes in coded if codes or place in replaced)
    )


def _in_mode(layout: Layout, name: str, judged: JudgedConstraint) -> JudgedConstraint:
    mode = layout.modes[name]
    if judged.mode == mode:
        return judged
    codes = codes_of(layout.constraints[layout.places[name]], mode, judged.verdict)
    return JudgedConstraint(judged.narrow, mode, codes)


def judged_constraint(constraint: Constraint, mode: Mode, verdict: Array) -> JudgedConstraint:
    """A verdict with what it does in a mode."""
    return JudgedConstraint(verdict.astype(np.float16), mode, codes_of(constraint, mode, verdict))
