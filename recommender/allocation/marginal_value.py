"""What one more place would be worth, and with whom.

The solver's prices bound every gain from above; from the highest bound down the list is solved
again with the place added, until nobody left could come before those found. Imported by `allocate`.
"""

from dataclasses import dataclass

import numpy as np

from recommender.allocation.problem import AssignmentProblem, Places, nested
from recommender.allocation.solver import AssignmentOptimum, marginal_place_values, solve
from recommender.compute.progress import Progress

NOTHING = 1e-6
"""Points below which a place adds nothing but rounding."""
MOST_TRIED = 12
"""A list is solved again at most so often: ties of prices could keep it going for long."""


@dataclass(frozen=True, slots=True, eq=False)
class MarginalGain:
    """One more place with one clinician.

    Attributes
    ----------
    clinician
        Place on the roster.
    placed
        How many more of each rank get somebody; a first one may cost a later one.
    value
        What is added to the sum of values.
    taken
        The pairs of the allocation with it.
    """

    clinician: int
    placed: tuple[int, ...]
    value: float
    taken: Places


def marginal_gains(
    problem: AssignmentProblem, found: AssignmentOptimum, few: int, progress: Progress
) -> tuple[MarginalGain, ...]:
    """The few places that would add most, the most first; fewer where fewer add anything.

    Exact where limits are nested and the bounds settle it within `MOST_TRIED` solutions, as they
    do unless many clinicians are alike.
    """
    tried: list[tuple[float, int, MarginalGain]] = []
    order = np.lexsort((np.arange(len(found.bounds)), -found.bounds))
    hopeful = [place for place in order.tolist() if found.bounds[place] > NOTHING][:MOST_TRIED]
    for number, place in enumerate(hopeful if few else []):
        enough = len(tried) >= few and tried[few - 1][0] <= -found.bounds[place]
        if enough and nested(problem.caps):
            break
        progress("what one more place would add", number / len(hopeful))
        gain = _gain(problem, found, place)
        tried.append((-_size(problem, gain), place, gain))
        tried.sort(key=lambda each: each[:2])
    return tuple(gain for size, _, gain in tried[:few] if -size > NOTHING)


def _gain(problem: AssignmentProblem, found: AssignmentOptimum, place: int) -> MarginalGain:
    more = problem.with_a_place_more(place)
    taken = solve(more).chosen
    before, after = problem.placed(found.chosen), more.placed(taken)
    placed = tuple(new - old for new, old in zip(after, before, strict=True))
    return MarginalGain(place, placed, more.total(taken) - problem.total(found.chosen), taken)


def _size(problem: AssignmentProblem, gain: MarginalGain) -> float:
    return float(marginal_place_values(problem) @ np.array(gain.placed) + gain.value)
