"""Trials of the order on simulated practices: power at the planned size, and false claims.

The command: `python -m experiments.trial`.
"""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from experiments.allocation.compare import Asked
from experiments.trial.journaled import journaled_trial
from experiments.trial.running import Behaviour, drawn_clients, run_trial, true_effect
from experiments.trial.tally import MARGIN, Tally, tally_of
from experiments.trial.world import simulated_world
from experiments.trial.worlds import EFFECT, NULLS, SCENARIOS
from recommender.trial.planning import error_beyond, size_of
from recommender.trial.protocol import TrialProtocol
from recommender.trial.report import report_of

out = Console(width=130)


def main(
    trials: Annotated[int, typer.Option(min=2, help="Of each scenario, over practices.")] = 200,
    practices: Annotated[int, typer.Option(min=1, help="Simulated; trials are shared out.")] = 2,
    clinicians: Annotated[int, typer.Option(min=5, help="Of each practice.")] = 20,
    ratings: Annotated[int, typer.Option(help="That the model learned from.")] = 1_500,
    clients: Annotated[int, typer.Option(help="Of the practice, drawn from.")] = 300,
    follow: Annotated[float, typer.Option(help="Chance of beginning with the first.")] = 0.6,
    seed: Annotated[int, typer.Option(help="Of the first practice.")] = 1,
    whole: Annotated[bool, typer.Option(help="Also two trials by journal and server code.")] = True,
) -> None:
    """Plans a trial for the true effect and runs it many times, with the effect and without."""
    does, each = Behaviour(follow=follow), max(trials // practices, 2)
    plans = Table(
        "practice", "true d", "client part explains", "between clinicians", "planned rated",
        "planned power", "error beyond", title="Plans",
    )  # fmt: skip
    found: defaultdict[str, Tally] = defaultdict(Tally)
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
        plans.add_row(
            str(number + 1), f"{truth.effect:.2f}", f"{truth.assumed.explained:.2f}",
            f"{truth.assumed.icc:.2f}", f"{size.rated:,}", f"{truth.assumed.power:.2f}",
            f"x {error_beyond(size.rated, truth.assumed):.2f}",
        )  # fmt: skip
        for place, scenario in enumerate(SCENARIOS):
            first = 1_000_000 * number + 100_000 * place
            found[scenario] += tally_of(world, truth, protocol, does, scenario, each, first)
            out.print(f"practice {number + 1} of {practices}: {scenario}", style="dim")
        if number == 0:
            one = drawn_clients(world, int(MARGIN * size.randomised), does, seed)
            in_it, look = run_trial(one, protocol)
            out.print(report_of(in_it, protocol, look).sentence)
    out.print(plans)
    if found:
        _print_tallies(found)
    if whole:
        for effect in (1.0, 0.0):
            out.print(journaled_trial(effect, seed))


def _print_tallies(found: dict[str, Tally]) -> None:
    table = Table(
        "scenario", "trials", "benefit", "harm", "wrong claims", "interval has the effect",
        "also beyond", "rated at end", "error beyond",
        title="Trials of the order, intention to treat",
    )  # fmt: skip
    for scenario, each in found.items():
        counts = (each.benefit, each.harm, each.wrong, each.covered, each.beyond)
        table.add_row(
            scenario, str(each.trials), *(f"{number / each.trials:.3f}" for number in counts),
            f"{each.rated / each.trials:,.0f}", f"x {each.errors / each.trials:.2f}",
        )  # fmt: skip
    out.print(table)
    nulls = sum((found[name] for name in NULLS), Tally())
    own = found[EFFECT]
    out.print(
        f"Found in {own.benefit} of {own.trials} trials with an effect "
        f"({own.benefit / own.trials:.3f}; planned .80); claimed in {nulls.wrong} of "
        f"{nulls.trials} without ({nulls.wrong / nulls.trials:.3f}; at most .05)."
    )


if __name__ == "__main__":
    typer.run(main)
