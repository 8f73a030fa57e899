"""Estimates as Markdown tables, sizes of practice as columns."""

from collections.abc import Iterable, Sequence

from experiments.owner_costs.assumptions import Assumptions, MachineChoice
from experiments.owner_costs.estimate import Estimate
from experiments.owner_costs.measure import Measured

Row = tuple[str, Sequence[str]]


def measured_table(found: Sequence[Measured]) -> str:
    """What processes took."""
    days = ", ".join(sorted({each.measured_on for each in found}))
    return _table(
        f"measured on {days}",
        [each.clinicians for each in found],
        [
            ("ratings the training learned from", [f"{each.ratings:,}" for each in found]),
            ("processor time of one request, ms", [f"{each.request_ms:.0f}" for each in found]),
            ("memory of the server, MiB", [f"{each.server_mib:.0f}" for each in found]),
            (
                "memory of the process that looks for new models, MiB",
                [f"{each.poller_mib:.0f}" for each in found],
            ),
            ("disk of one request, KiB", [f"{each.request_kib:.0f}" for each in found]),
            ("processor time of a training, s", [f"{each.train_seconds:.0f}" for each in found]),
            ("memory of a training, MiB", [f"{each.train_mib:,.0f}" for each in found]),
        ],
    )


def machine_table(estimates: Sequence[Estimate], machine: MachineChoice) -> str:
    """What has to be rented."""
    price = f"price of it, {machine.currency} a month, read {machine.read_on}"
    return _table(
        "computed",
        [each.clinicians for each in estimates],
        [
            ("new clients a year (assumed)", [f"{each.clients_a_year:,.0f}" for each in estimates]),
            ("requests a year (assumed)", [f"{each.requests_a_year:,.0f}" for each in estimates]),
            (
                "processor time of the requests of a working day, s",
                [f"{each.core_seconds_a_day:.2f}" for each in estimates],
            ),
            ("memory needed, GiB", [f"{each.memory_gib:.1f}" for each in estimates]),
            ("store after two years, GiB", [f"{each.store_gib:.2f}" for each in estimates]),
            ("disk needed with backups, GiB", [f"{each.disk_gib:.0f}" for each in estimates]),
            ("smallest plan that has it", [_plan(each) for each in estimates]),
            (price, [f"{each.plan.a_month:g}" if each.plan else "-" for each in estimates]),
        ],
    )


def hours_table(estimates: Sequence[Estimate], assumed: Assumptions) -> str:
    """Hours of people in the first year and in each later one."""
    rows: list[Row] = [
        (
            each.who,
            [
                f"{one.first_year[each.who]:,.0f}, then {one.later_year[each.who]:,.0f}"
                for one in estimates
            ],
        )
        for each in assumed.hours
    ]
    total = [
        f"{sum(one.first_year.values()):,.0f}, then {sum(one.later_year.values()):,.0f}"
        for one in estimates
    ]
    sizes = [each.clinicians for each in estimates]
    return _table(
        "assumed hours: first year, then each year", sizes, [*rows, ("**in all**", total)]
    )


def _plan(each: Estimate) -> str:
    if each.plan is None:
        return "none of those listed"
    return f"{each.plan.cores} cores, {each.plan.memory_gib:g} GiB, {each.plan.disk_gib:g} GiB disk"


def _table(title: str, sizes: Iterable[int], rows: Iterable[Row]) -> str:
    heads = [title, *(f"{size} clinicians" for size in sizes)]
    lines = [heads, ["---"] * len(heads), *([name, *cells] for name, cells in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
