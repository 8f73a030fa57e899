"""What the plan of a model and a roster costs: the time of compiling it, and its memory."""

import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from recommender.plan.compiling import compile_plan
from recommender.serving.snapshot.snapshot import open_snapshot
from recommender.settings import Settings

RUNS = 3


@dataclass(frozen=True, slots=True)
class PlanCost:
    """The cost of one plan.

    Attributes
    ----------
    milliseconds
        Processor time, of the fastest of several compilations.
    bytes_a_clinician
        Memory that stays allocated, over the number of clinicians.
    """

    milliseconds: float
    bytes_a_clinician: float


def plan_cost(bundle: Path, roster: Path) -> PlanCost:
    """The cost of the plan with which a server answers its requests."""
    snapshot = open_snapshot(Settings(bundle=bundle, roster=roster))
    model, encoding = snapshot.model, snapshot.encoding
    taken = []
    for _ in range(RUNS):
        started = time.process_time()
        compile_plan(model, encoding)
        taken.append(1000 * (time.process_time() - started))
    tracemalloc.start()
    try:
        plan = compile_plan(model, encoding)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return PlanCost(min(taken), held / len(plan.clinicians.index))
