"""The command: `python -m experiments.promotion_rules`.

Simulates practices of 20 clinicians with half-yearly looks for four years under several rules of
promotion, and prints what each promotes, how soon, and what that gains.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from threadpoolctl import threadpool_limits

from experiments.promotion_rules.rules import RULES, THE_RULE
from experiments.promotion_rules.simulate import BAD, LOOKS, TABLES, Fault, Look, simulated

RATES = (100, 200, 400, 1_000)
HEADINGS = (
    "rule",
    "promotes worse",
    "promotes badly broken",
    "promotes from broken tables",
    "promotes better",
    "median years to the first",
    "mean cap over four years",
)
AT_FIRST = ("challenger at the first look", "agreement", "retained", "true gain", "promoted")
NEVER = "never"


def main(
    practices: Annotated[int, typer.Option(help="Practices of each rate.", min=1)] = 40,
    rates: Annotated[str, typer.Option(help="Ratings a year, separated by commas.")] = ",".join(
        map(str, RATES)
    ),
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    looks: Annotated[int, typer.Option(help="Half-yearly looks.", min=1)] = LOOKS,
    overstated: Annotated[
        float, typer.Option(help="Declared sizes as a multiple of the mean true ones.")
    ] = 1.0,
) -> None:
    """Prints the table of docs/method.md: a row a rule, in each cell a figure a rate.

    Then a row for each fault of a challenger at the first look, beside the declared sizes.
    For example, in a minute: python -m experiments.promotion_rules --practices 8
    """
    per_year = [int(rate) for rate in rates.split(",")]
    tables, broken, wrong, at_first = [], [], [], []
    for rate in per_year:
        by_rule: dict[str, list[list[Look]]] = defaultdict(list)
        seeds = range(first, first + practices)
        steps = track(seeds, f"{rate:,} ratings a year", console=Console(stderr=True))
        for seed in steps:
            # Threads on small matrices mostly wait for each other.
            with threadpool_limits(limits=1):
                found = list(simulated(seed, rate, looks, overstated))
            for rule in RULES:
                by_rule[rule].append([look for look in found if look.rule == rule])
        tables.append({rule: figures(own) for rule, own in by_rule.items()})
        # Every rule sees the same challengers.
        challengers = [look for own in by_rule[THE_RULE] for look in own]
        broken.append(sum(look.fault in BAD for look in challengers))
        wrong.append(sum(look.fault in TABLES for look in challengers))
        at_first.append([look for look in challengers if look.look == 1])
    typer.echo(f"{practices} practices each; {' / '.join(map(str, per_year))} ratings a year\n")
    _print(HEADINGS, {rule: [table[rule] for table in tables] for rule in RULES})
    typer.echo(f"\nbadly broken challengers: {' / '.join(map(str, broken))}")
    typer.echo(f"challengers from broken tables: {' / '.join(map(str, wrong))}\n")
    faults = (Fault.NONE, *BAD, *TABLES)
    _print(
        AT_FIRST, {fault: [fault_figures(looks, fault) for looks in at_first] for fault in faults}
    )


def _print(headings: Sequence[str], rows: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """A table; each cell joins the figures of all rates."""
    typer.echo(f"| {' | '.join(headings)} |")
    typer.echo("|" + "---|" * len(headings))
    for name, by_rate in rows.items():
        cells = [" / ".join(each) for each in zip(*by_rate, strict=True)]
        typer.echo(f"| {' | '.join([name, *cells])} |")


def fault_figures(looks: Sequence[Look], fault: Fault) -> tuple[str, ...]:
    """Means of what challengers with one fault look like; agreement with its deviation."""
    own = [look for look in looks if look.fault is fault]
    if not own:
        return ("-",) * (len(AT_FIRST) - 1)
    agreement, retained, gain, promoted = np.array(
        [(look.agreement, look.retained, look.gain, look.promoted) for look in own]
    ).T
    both = (f"{each.mean():.2f} ± {each.std():.2f}" for each in (agreement, retained))
    return *both, f"{gain.mean():+.2f}", f"{promoted.mean():.2f}"


def figures(practices: Sequence[Sequence[Look]]) -> tuple[str, ...]:
    """The cells of one rule at one rate."""
    looks = [look for own in practices for look in own]
    drawn = [look for look in looks if look.drawn]
    worse = [look.promoted for look in drawn if look.gain < 0 and look.fault not in BAD]
    broken = [look.promoted for look in looks if look.fault in BAD]
    wrong = [look.promoted for look in looks if look.fault in TABLES]
    better = [look.promoted for look in drawn if look.gain > 0]
    shares = (
        f"{np.mean(some):.{digits}f}" if some else "-"
        for some, digits in ((worse, 2), (broken, 3), (wrong, 2), (better, 2))
    )
    served = [[look for look in own if look.drawn] for own in practices]
    median = float(np.median([_first(own) for own in served]))
    when = f"{median:g}" if np.isfinite(median) else NEVER
    return *shares, when, f"{np.mean([_mean_cap(own) for own in served]):.3f}"


def _first(own: Sequence[Look]) -> float:
    """Years until the first promotion; infinite without one."""
    return next((look.look / 2 for look in own if look.promoted), float("inf"))


def _mean_cap(own: Sequence[Look]) -> float:
    """Over the eight half-years, the first of them before any look."""
    start = own[0].cap - (own[0].gain if own[0].promoted else 0.0)
    return float(np.mean([start, *(look.cap for look in own[: LOOKS - 1])]))


if __name__ == "__main__":
    typer.run(main)
