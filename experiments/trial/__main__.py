"""Trials of the order on simulated practices: power at the planned size, and false claims.

The command: `python -m experiments.trial`.
"""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from experiments.allocation.compare import Asked
from experiments.trial.journaled import journaled_trial
from experiments.trial.running import (
    MARGIN,
    Behaviour,
    TrueEffect,
    drawn_clients,
    run_trial,
    true_effect,
)
from experiments.trial.world import TrialWorld, simulated_world
from recommender.trial.looks import BENEFIT, HARM
from recommender.trial.planning import size_of
from recommender.trial.protocol import TrialProtocol
from recommender.trial.report import report_of

out = Console(width=110)


def many_trials(
    world: TrialWorld, truth: TrueEffect, protocol: TrialProtocol, does: Behaviour,
    trials: int, *, with_effect: bool, seed: int,
) -> tuple[Counter[str], list[bool], list[int]]:  # fmt: skip
    """Decisions, whether each interval has the true effect, and rated clients at the end."""
    decisions: Counter[str] = Counter()
    covered, rated = [], []
    shift = 0.0 if with_effect else -truth.points
    size = int(MARGIN * protocol.randomised)
    for number in range(trials):
        clients = drawn_clients(world, size, does, shift, seed + number)
        _, look = run_trial(clients, protocol)
        low, high = look.interval
        decisions[look.decision] += 1
        covered.append(low <= truth.points + shift <= high)
        rated.append(look.rated)
    return decisions, covered, rated


def main(
    trials: Annotated[int, typer.Option(min=2, help="With an effect, and as many without.")] = 200,
    practices: Annotated[int, typer.Option(min=1, help="Simulated; trials are shared out.")] = 2,
    clinicians: Annotated[int, typer.Option(min=5, help="Of each practice.")] = 20,
    ratings: Annotated[int, typer.Option(help="That the model learned from.")] = 1_500,
    clients: Annotated[int, typer.Option(help="Of the practice, drawn from.")] = 400,
    follow: Annotated[float, typer.Option(help="Chance of beginning with the first.")] = 0.6,
    seed: Annotated[int, typer.Option(help="Of the first practice.")] = 1,
    whole: Annotated[bool, typer.Option(help="Also one trial by journal and server code.")] = True,
) -> None:
    """Plans a trial for the true effect, runs it many times, and once through the journal."""
    table = Table("practice", "true d", "planned rated", "with an effect", "found", "rated at end",
                  "covered", "without", "false benefit", "false harm",
                  title="Trials of the order, intention to treat")  # fmt: skip
    does, each = Behaviour(follow=follow), max(trials // practices, 2)
    found: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for number in range(practices):
        with tempfile.TemporaryDirectory() as directory:
            asked = Asked(clients, clinicians, ratings, floor=0.0)
            world = simulated_world(Path(directory), asked, seed + number)
        truth = true_effect(world, does)
        size = size_of(truth.effect, truth.assumed) if truth.points > 0 else None
        if size is None or size.rated is None or size.randomised is None:
            out.print(f"practice {number + 1}: no trial finds an effect of {truth.effect:.2f}")
            continue
        protocol = TrialProtocol("simulated", truth.effect, size.rated, size.randomised,
                                 truth.assumed.looks, truth.assumed.alpha, 0.5)  # fmt: skip
        own, covered, rated = many_trials(world, truth, protocol, does, each,
                                          with_effect=True, seed=10_000 * number)  # fmt: skip
        null, _, _ = many_trials(world, truth, protocol, does, each,
                                 with_effect=False, seed=10_000 * number + 5_000)  # fmt: skip
        found.update(own)
        false.update(null)
        table.add_row(
            str(number + 1), f"{truth.effect:.2f}", f"{size.rated:,}", str(each),
            f"{own[BENEFIT] / each:.3f}", f"{np.mean(rated):,.0f}", f"{np.mean(covered):.3f}",
            str(each), f"{null[BENEFIT] / each:.3f}", f"{null[HARM] / each:.3f}",
        )  # fmt: skip
        out.print(f"practice {number + 1} of {practices} done", style="dim")
        if number == 0:
            one = drawn_clients(world, int(MARGIN * size.randomised), does, 0.0, seed)
            in_it, look = run_trial(one, protocol)
            out.print(report_of(in_it, protocol, look).sentence)
    out.print(table)
    total, nulls = found.total(), false.total()
    if total:
        claims = false[BENEFIT] + false[HARM]
        out.print(f"Found in {found[BENEFIT]} of {total} trials with an effect "
                  f"({found[BENEFIT] / total:.3f}; planned .80); claimed in {claims} of {nulls} "
                  f"without ({claims / nulls:.3f}; at most .05).")  # fmt: skip
    if whole:
        for effect in (1.0, 0.0):
            out.print(journaled_trial(effect, seed))


if __name__ == "__main__":
    typer.run(main)
