"""Match operators that a practice adds to those that ship: how they are checked and found."""

import re
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.practice.comparisons import Side
from recommender.practice.match_operators import Operator, add_own_operator
from recommender.practice.sums import Array
from recommender.values.kinds import KINDS

ENTRY_POINTS = "recommender.match_operators"
"""Group of entry points under which an installed package names its operators."""
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
ROWS, LEVELS, FIELDS = 24, 4, 3
"""Size of the answers on which an operator is tried: enough that each row differs."""
ROUNDING = 1e-9
UNTRIED = "the array it is given for this kind is described at recommender.practice.columns.Columns"


def register_operator(operator: Operator) -> Operator:
    """Adds a match operator, so that `operator = "NAME"` in a definition may name it.

    It is tried on made-up answers first. An operator registered again replaces the earlier one:
    train again, since a model holds the name of an operator and not its code. Every program that
    reads the definition needs the operator. A server or a command finds it as an entry point of an
    installed package (group `recommender.match_operators`); a notebook registers it here.

    Parameters
    ----------
    operator
        Its name has a dot, such as `harbour.same_decade`, so that it is never that of an operator
        that ships, or of another practice. `named` operators must have `weight`: what compares
        levels by name is better declared with one that ships.

    Returns
    -------
    Operator
        The same.

    Raises
    ------
    RecommenderError
        When the name has no dot or capital letters, kinds are no sets of known kinds, `phrase_side`
        is neither 1 nor -1, or the operator breaks what every comparison must hold: one value
        a pairing, (n,), that depends on no other pairing; NaN where either side did not answer;
        within its `bounds`; nothing changed that it reads.

    Examples
    --------
    >>> from recommender.practice.match_operators import NUMBERS
    >>> def lower(client, clinician):
    ...     "The lower of both, each on 0 to 1 of its bounds."
    ...     return np.fmin(client[0], clinician[0])
    >>> try:
    ...     register_operator(Operator("docs.lower", NUMBERS, NUMBERS, lower, ranged=True))
    ... except RecommenderError as error:
    ...     print(error.problem)
    has a value where a side did not answer
    """
    _check_declaration(operator)
    _check_values(operator)
    add_own_operator(operator)
    return operator


def is_own_name(name: object) -> bool:
    """Whether a name can be that of an operator that does not ship.

    >>> is_own_name("harbour.same_decade"), is_own_name("Harbour.Same"), is_own_name("product")
    (True, False, False)
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


@cache
def load_installed_operators() -> None:
    """Registers the operators of installed packages, once.

    Raises
    ------
    RecommenderError
        When one of them cannot be imported, is no `Operator` or breaks a rule.
    """
    for point in entry_points(group=ENTRY_POINTS):
        try:
            found = point.load()
        except Exception as error:
            problem = f"cannot be imported from {point.value} ({type(error).__name__})"
            remedy = "correct or uninstall the package that declares it"
            raise RecommenderError(f"operator {point.name}", problem, remedy) from error
        if not isinstance(found, Operator):
            remedy = "name an object of recommender.practice.match_operators.Operator there"
            raise RecommenderError(f"operator {point.name}", "is no Operator", remedy)
        register_operator(found)


def _refused(operator: Operator, problem: str, remedy: str) -> RecommenderError:
    return RecommenderError(f"operator {operator.name}", problem, remedy)


def _check_declaration(operator: Operator) -> None:
    if not isinstance(operator, Operator):
        remedy = "give an Operator of recommender.practice.match_operators"
        raise RecommenderError("operator", f"is of type {type(operator).__name__}", remedy)
    remedy = "name it like harbour.same_decade: whose it is, a dot, what it is"
    if not isinstance(operator.name, str):
        raise _refused(operator, "has a name that is no text", remedy)
    package, dot, name = operator.name.partition(".")
    if not (dot and package and name):
        raise _refused(operator, "has a name without a dot", remedy)
    if not is_own_name(operator.name):
        remedy = "use small letters, digits and _, as harbour.same_decade does"
        raise _refused(operator, "has a name with other characters", remedy)
    _check_kinds(operator)
    if operator.phrase_side not in (1, -1):
        remedy = "give 1 where the phrase describes large values, -1 where it describes small ones"
        raise _refused(operator, "has a phrase_side other than 1 or -1", remedy)
    if not operator.meaning:
        remedy = "say in the first line of the function's docstring what it computes"
        raise _refused(operator, "does not say what it computes", remedy)
    if operator.named and not operator.weight:
        remedy = "use equal, contains, overlap or wish, or compare numbers"
        raise _refused(operator, "compares levels by name alone", remedy)


def _check_kinds(operator: Operator) -> None:
    known = ", ".join(sorted(KINDS))
    for side in ("client", "clinician", "weight"):
        kinds = getattr(operator, side)
        if not isinstance(kinds, frozenset | set):
            problem = f"has {side} of type {type(kinds).__name__}, not a set of kinds"
            remedy = f'give a set, such as frozenset({{"number"}}), of {known}'
            raise _refused(operator, problem, remedy)
        if not (kinds or side == "weight"):
            raise _refused(operator, f"has no kinds of {side}", f"name one or more of {known}")
        if not all(kind in KINDS for kind in kinds):
            raise _refused(operator, f"has a kind of {side} that is not known", f"name of {known}")


def _check_values(operator: Operator) -> None:
    rng = np.random.default_rng(0)
    fields = FIELDS if operator.several else 1
    for kind in sorted(operator.client):
        for other in sorted(operator.clinician):
            client = [_answers(kind, rng) for _ in range(fields)]
            client += [rng.random(ROWS)] if operator.weight else []
            _check_pairs(operator, client, [_answers(other, rng) for _ in range(fields)])


def _check_pairs(operator: Operator, client: Side, clinician: Side) -> None:
    before = [values.copy() for values in (*client, *clinician)]
    found = _computed(operator, client, clinician)
    if found.shape != (ROWS,) or found.dtype.kind != "f":
        problem = f"gives {found.dtype} of shape {found.shape} for {ROWS} pairings"
        raise _refused(operator, problem, "give one float a pairing, (n,)")
    after = (*client, *clinician)
    if any(not _equal(one, other) for one, other in zip(before, after, strict=True)):
        raise _refused(operator, "changes the answers it reads", "compute on a copy")
    low, high = operator.bounds
    known = found[~np.isnan(found)]
    if ((known < low - ROUNDING) | (known > high + ROUNDING)).any():
        raise _refused(operator, f"leaves its bounds {low:g} to {high:g}", "declare its bounds")
    for one in (*client, *clinician):
        answers = one.copy()
        one[...] = np.nan
        silent = _computed(operator, client, clinician)
        one[...] = answers
        if not operator.several and not np.isnan(silent).all():
            remedy = "give NaN there: what is not known is neither 0 nor a match"
            raise _refused(operator, "has a value where a side did not answer", remedy)
    for row in range(ROWS):
        alone = [values[row : row + 1] for values in client]
        repeated = _computed(operator, alone, clinician)
        apart = _computed(operator, alone, [values[row : row + 1] for values in clinician])
        own = found[row : row + 1]
        if not (_equal(repeated[row : row + 1], own) and _equal(apart, own)):
            remedy = "compute each row from its own two rows; one row of the client may be for all"
            raise _refused(operator, "depends on other pairings", remedy)
    if operator.elementwise:
        both = [np.stack([values, values]) for values in (client[0], clinician[0])]
        if not _equal(operator.compare((both[0],), (both[1],)), np.stack([found, found])):
            remedy = "compare element by element: several matches are computed at once, (k, n)"
            raise _refused(operator, "cannot be stacked", remedy)


def _computed(operator: Operator, client: Side, clinician: Side) -> Array:
    try:
        computed = operator.compute(client, clinician)
    except Exception as error:
        problem = f"cannot be computed ({type(error).__name__}: {error})"
        raise _refused(operator, problem, UNTRIED) from error
    if not isinstance(computed, np.ndarray | np.generic):
        problem = f"gives a {type(computed).__name__}, not an array of numpy"
        raise _refused(operator, problem, "give np.asarray(...) of it, one float a pairing, (n,)")
    found = np.asarray(computed)
    return np.broadcast_to(found, (len(clinician[0]),)) if found.shape == (1,) else found


def _equal(one: Array, other: Array) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def _answers(kind: str, rng: np.random.Generator) -> Array:
    """Answers of a kind as columns hold them, a third of them missing."""
    if kind == "tags":
        values = (rng.random((ROWS, LEVELS)) < 0.5).astype(np.float64)
    elif kind in ("category", "ordinal"):
        values = rng.integers(0, LEVELS, ROWS).astype(np.float64)
        if kind == "ordinal":
            values /= LEVELS - 1
    elif kind == "flag":
        values = rng.integers(0, 2, ROWS).astype(np.float64)
    elif kind == "place":
        values = rng.uniform(-1, 1, (ROWS, 2, 2)) * [90, 180]
    elif kind in ("weekly_hours", "availability"):
        start = rng.integers(0, 1000, (ROWS, 2))
        parts: list[NDArray[Any]] = [rng.integers(0, 7, (ROWS, 2)), start, start + 60]
        if kind == "availability":
            parts += [np.zeros((ROWS, 2)), np.zeros((ROWS, 2)), np.ones((ROWS, 2))]
            parts += [np.zeros((ROWS, 2))]
        values = np.stack(parts, axis=-1).astype(np.float64)
    else:
        values = rng.random(ROWS)
    values[rng.random(ROWS) < 1 / 3] = np.nan
    return values
