"""Trials for a terminal: the plan, the progress without results, and the report."""

from collections.abc import Mapping, Sequence

from recommender.cli.record_table import RecordTable
from recommender.monitoring.shadow_comparison import TOP, ShadowComparison
from recommender.trial.planning import TrialSize
from recommender.trial.report import ArmCounts, TrialEstimate, TrialReport

YEARS = (1, 2, 4)
"""Years of clients for which a plan states the power."""
LONGEST_YEARS = YEARS[-1]
"""Years after which clinicians, definition and model have changed too much for one trial."""


def plan_table(
    sizes: Sequence[TrialSize],
    beyond: Sequence[float | None],
    powers: Sequence[Sequence[float]],
    per_month: float | None,
) -> RecordTable:
    """How many clients each effect needs, and what the next years' clients would find."""
    found_after = (f"found after {year} y" for year in YEARS[: len(powers[0])])
    headings = (
        "effect (sd)",
        "clients rated",
        "randomised",
        "months here",
        "error beyond",
        *found_after,
    )
    table = RecordTable("A trial of the order", headings)
    for size, others, power in zip(sizes, beyond, powers, strict=True):
        table.add_row(
            f"{size.effect:.1f}",
            _count(size.rated),
            _count(size.randomised),
            "unknown" if per_month is None else _count(size.months and round(size.months)),
            "" if others is None else f"x {others:.2f}",
            *(f"{each:.0%}" for each in power),
        )
    return table


def practical_effects(sizes: Sequence[TrialSize]) -> tuple[TrialSize, ...]:
    """Effects that a trial finds within `LONGEST_YEARS`; any that can be found without a rate."""
    return tuple(
        size
        for size in sizes
        if size.rated is not None and (size.months is None or size.months <= 12 * LONGEST_YEARS)
    )


def next_step(sizes: Sequence[TrialSize], usual: float) -> tuple[str, ...]:
    """Which effects no trial here can find in time, and the command for one that it can."""
    practical = practical_effects(sizes)
    lines = []
    if len(practical) < len(sizes):
        *most, last = [f"{size.effect:.1f}" for size in sizes if size not in practical]
        effects = f"{', '.join(most)} or {last}" if most else last
        lines.append(
            f"Not practical here: an effect of {effects} takes longer than "
            f"{LONGEST_YEARS} years. More clients who ask, more who follow the order and more who "
            "are rated shorten a trial; so does a lower --power, which misses an effect more often."
        )
    if practical:
        effect = min(practical, key=lambda size: abs(size.effect - usual)).effect
        lines.append(f"Next: recommender trial start --effect {effect:.1f} …")
    return tuple(lines)


def progress_lines(progress: Mapping[str, int], planned: int, due: int | None) -> tuple[str, ...]:
    """How far a trial is, without anything that tells the arms apart."""
    rated = progress["rated"]
    lines = (
        f"{progress['randomised']:,} clients randomised, {progress['began']:,} began, "
        f"{rated:,} rated, {progress['left_before_rating']:,} left before rating.",
        f"{rated:,} of {planned:,} planned ratings ({min(rated / planned, 1):.0%}).",
    )
    if due is None:
        return (*lines, "It has ended: recommender trial report.")
    if rated >= due:
        return (*lines, "A look is due: recommender trial look.")
    return (*lines, f"The next look is due at {due:,} ratings.")


def report_table(report: TrialReport) -> RecordTable:
    """Every analysis with its interval."""
    headings = ("model's order less usual order", "points", "95 % interval", "sd", "clients")
    table = RecordTable("Effect on the early alliance", headings)
    named: tuple[tuple[str, TrialEstimate | None], ...] = (
        ("randomised and rated (registered)", report.rated_alone),
        ("with an error for other clinicians too", report.beyond),
        ("and leavers imputed as low", report.leavers_imputed),
        ("who begin with the first because of it", report.compliers),
    )
    for name, each in named:
        if each is None:
            table.add_row(name, "not estimable", "", "", "")
            continue
        interval = f"{each.low:+.2f} to {each.high:+.2f}"
        in_sd = f"{each.estimate / report.sd:+.2f}"
        table.add_row(name, f"{each.estimate:+.2f}", interval, in_sd, f"{each.clients:,}")
    return table


def counts_table(report: TrialReport) -> RecordTable:
    """How far the clients of each arm came."""
    headings = (
        "order",
        "randomised",
        "began",
        "with the model's first",
        "rated",
        "left before rating",
    )
    table = RecordTable("Clients", headings)
    for name, each in (("model", report.model), ("usual", report.usual)):
        table.add_row(name, *_cells(each))
    return table


def shadow_lines(digest: str, found: ShadowComparison) -> tuple[str, ...]:
    """How far the second model agrees with what was shown, in words."""
    agreement = "unknown" if found.agreement is None else f"{found.agreement:.2f}"
    lines = (
        f"Second model {digest[:12]}: {found.requests:,} requests scored by both.",
        f"Correlation of scores within a request {agreement}; the first differs in "
        f"{found.first_differs:.0%}; of the first {TOP}, {found.overlap:.0%} are the same.",
    )
    if found.errors is None:
        return (*lines, "No later rating of a clinician whom both predicted yet.")
    shown, second = found.errors
    return (
        *lines,
        f"Mean absolute error on {found.paired:,} later ratings: {shown:.2f} points for the model "
        f"shown, {second:.2f} for the second. Clients chose: no figure here is an effect.",
    )


def shadow_table(found: ShadowComparison) -> RecordTable:
    """Later ratings by whom clients began with."""
    headings = ("began with", "rated clients", "mean rating", "95 % interval")
    table = RecordTable("Later ratings", headings)
    for each in found.ratings:
        mean = "" if each.mean is None else f"{each.mean:.2f}"
        known = each.low is not None and each.high is not None
        interval = f"{each.low:.2f} to {each.high:.2f}" if known else ""
        table.add_row(each.kind, f"{each.clients:,}", mean, interval)
    return table


def _cells(counts: ArmCounts) -> tuple[str, ...]:
    own = (counts.randomised, counts.began, counts.followed, counts.rated)
    return tuple(f"{each:,}" for each in (*own, counts.left_before_rating))


def _count(number: float | None) -> str:
    return "out of reach" if number is None else f"{number:,}"
