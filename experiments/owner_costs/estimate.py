"""From what was measured and what is assumed to a machine, its price, disk and hours."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.owner_costs.assumptions import Assumptions, Plan, WorkHours
from experiments.owner_costs.measure import Measured

MONTHS = 12
PAYLOAD_YEARS = 2
"""RECOMMENDER_PAYLOAD_MONTHS is 24 by default."""
WORKING_DAYS = 250
INSTALLED_GIB = 5
"""The operating system and the program with its libraries; assumed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one size of practice needs in a year.

    Attributes
    ----------
    core_seconds_a_day
        Of requests, on a working day.
    memory_gib
        Server, poller, a training at the same time, and the system.
    store_gib
        The store after two years, which is when answers begin to be deleted.
    disk_gib
        Store, copies of it as backups, and what is installed.
    plan
        The cheapest plan with enough memory and disk; None where none has.
    first_year, later_year
        Hours by who.
    """

    clinicians: int
    clients_a_year: float
    requests_a_year: float
    ratings_a_year: float
    core_seconds_a_day: float
    memory_gib: float
    store_gib: float
    disk_gib: float
    plan: Plan | None
    first_year: Mapping[str, float]
    later_year: Mapping[str, float]


def estimated(found: Measured, assumed: Assumptions) -> Estimate:
    """Multiplies; nothing is measured here."""
    volume, machine = assumed.practice, assumed.machine
    clients = MONTHS * volume.clients_a_month * found.clinicians
    requests = clients * volume.requests_a_client
    memory = found.server_mib + found.poller_mib + found.train_mib + machine.system_mib
    store = PAYLOAD_YEARS * requests * found.request_kib / 2**20
    disk = store * (1 + machine.backups) + INSTALLED_GIB
    return Estimate(
        found.clinicians,
        clients,
        requests,
        clients * volume.rated_share,
        requests / WORKING_DAYS * found.request_ms / 1000,
        memory / 1024,
        store,
        disk,
        _cheapest(machine.plans, memory / 1024, disk),
        {each.who: _hours(each, found.clinicians, clients, first=True) for each in assumed.hours},
        {each.who: _hours(each, found.clinicians, clients, first=False) for each in assumed.hours},
    )


def _cheapest(plans: tuple[Plan, ...], memory: float, disk: float) -> Plan | None:
    enough = [plan for plan in plans if plan.memory_gib >= memory and plan.disk_gib >= disk]
    return min(enough, key=lambda plan: plan.a_month, default=None)


def _hours(each: WorkHours, clinicians: int, clients: float, *, first: bool) -> float:
    always = each.a_year + clients * each.minutes_a_client / 60
    return always + first * (each.once + each.a_clinician * clinicians)
