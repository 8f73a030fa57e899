"""The commands `allocate` and `score`, for many clients; imports happen when they run."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from recommender.cli import render
from recommender.cli.commands.console import (
    REGISTRY,
    ClusterAddress,
    Uri,
    err,
    exit_on_error,
    must_exist,
    out,
    print_warning,
    reads_tables,
    uses_extras,
)
from recommender.errors import RecommenderError
from recommender.values.table_format import TableFormat

if TYPE_CHECKING:
    from recommender.compute.runner import TaskRunner
    from recommender.model.alliance_model import AllianceModel
    from recommender.tables.roster import Roster

Clients = Annotated[
    Path,
    typer.Option(
        help="Their answers: a clients table, .csv, .parquet or .xlsx.", show_default=False
    ),
]
Clinicians = Annotated[
    Path,
    typer.Option("--roster", help="The clinicians, .csv, .parquet or .xlsx.", show_default=False),
]
Out = Annotated[Path, typer.Option("--out", help="Folder to write to.", show_default=False)]
Bundle = Annotated[
    Path | None, typer.Option(help="Score with this bundle instead of the champion.")
]
Bundles = Annotated[Path, typer.Option(help="Where fetched bundles are cached.")]
Day = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        help="The day of the request; today in the practice's time zone by default.",
    ),
]
BUNDLES = Path("var/bundles")


class OutputForm(StrEnum):
    """File formats of what is written."""

    csv = "csv"
    parquet = "parquet"


def champion_bundle(uri: str, bundles: Path) -> Path:
    """The champion's bundle, fetched where it is not on disk yet."""
    from recommender.registry.registry import Registry
    from recommender.registry.versions import CHAMPION

    must_exist(uri)
    return Registry(uri).fetch(CHAMPION, bundles)


@uses_extras("registry,parquet")
@reads_tables
def allocate(
    clients: Clients,
    roster: Clinicians,
    to: Out,
    waiting: Annotated[
        Path | None,
        typer.Option(
            "--list",
            help="The waiting list: client_id and optionally priority (class, 1 first), weight, "
            "waiting_since, told (the clinician they were promised, who stays). "
            "By default every client in --clients, with equal priority.",
        ),
    ] = None,
    places: Annotated[
        Path | None,
        typer.Option(help="clinician_id and places; by default the roster's open places."),
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            help="An earlier allocation: its clients stay, unless a move gains more than "
            "0.005 points."
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="At most so many clients with one level of a field for each clinician: "
            "`risk_level=level_3:2`, or `risk_level=level_3:1@k0007` for one. Repeat for more."
        ),
    ] = None,
    floor_points: Annotated[
        float | None,
        typer.Option(
            min=0, help="Nobody is assigned a clinician so many points below their first choice."
        ),
    ] = None,
    floor_level: Annotated[
        float | None, typer.Option(help="Nobody is assigned a predicted alliance below this.")
    ] = None,
    longest_wait: Annotated[
        int | None,
        typer.Option(min=1, help="Days; clients who have waited longer come first of all."),
    ] = None,
    worth_of: Annotated[
        int,
        typer.Option(
            min=0, max=20, help="Report for so many clinicians what one more place is worth."
        ),
    ] = 3,
    registry: Uri = REGISTRY,
    bundle: Bundle = None,
    bundles: Bundles = BUNDLES,
    day: Day = None,
    form: Annotated[
        OutputForm, typer.Option("--format", help="Of what is written.")
    ] = OutputForm.csv,
    *,
    written: TableFormat,
) -> None:
    """Assign the clients of a waiting list to clinicians, all at once.

    As many clients as possible are assigned, higher priority classes first; among all such
    assignments the sum of predicted alliance is largest. Places and hard constraints are respected.
    """
    from recommender.allocation.allocate import allocate as assign
    from recommender.allocation.files import (
        read_list,
        read_places,
        with_former_clinicians,
        write_tables,
    )
    from recommender.allocation.outcome import allocation_warnings
    from recommender.allocation.terms import (
        Floor,
        Terms,
        WaitingClient,
        forgotten_clinicians,
        read_limit,
    )
    from recommender.cli.allocation_tables import summary
    from recommender.tables.loader import read_clients
    from recommender.tables.references import table_warnings, unresolved_by_client

    with exit_on_error(), render.progress_bar(err) as progress:
        progress("reading", 0.0)
        model, clinicians = _opened(bundle or champion_bundle(registry, bundles), roster, written)
        people = read_clients(clients, model.practice, written, print_warning, clinicians)
        today = _day(day, model)
        if waiting:
            listed = read_list(waiting, people.ids, clinicians.ids, today, written, print_warning)
        else:
            listed = [WaitingClient(name) for name in people.ids]
        if previous:
            listed = with_former_clinicians(listed, previous, written, print_warning)
        terms = Terms(
            places=read_places(places, clinicians.ids, written, print_warning) if places else None,
            limits=tuple(read_limit(text) for text in limit or ()),
            floor=Floor(floor_points, floor_level),
            longest_wait_days=longest_wait,
            marginal_value_for=worth_of,
        )
        listed = with_former_clinicians(listed, previous) if previous else listed
        waiting_people = people.take(_rows_of(people.ids, {each.client_id for each in listed}))
        warnings = (
            *table_warnings(model.practice, waiting_people, clinicians, every_client=False),
            *forgotten_clinicians(listed, clinicians),
        )
        outcome = assign(
            people,
            listed,
            model.encode_roster(clinicians),
            model,
            terms,
            day=today,
            progress=progress,
        )
        texts = {name: c.say for name, c in model.practice.constraints.items()}
        unresolved = unresolved_by_client(model.practice, waiting_people, clinicians)
        paths = write_tables(outcome, texts, unresolved, to, form.value)
    render.print_warnings(err, (*warnings, *allocation_warnings(outcome)))
    if not listed:
        out.print("Nobody is waiting: there is nothing to allocate.")
    out.print(summary(outcome, texts))
    out.print(f"Written: {', '.join(map(str, paths))}", markup=False, soft_wrap=True)


@uses_extras("registry,parquet")
@reads_tables
def score(
    clients: Clients,
    roster: Clinicians,
    to: Out,
    top_k: Annotated[
        int, typer.Option(min=1, max=50, help="Clinicians shown to each client at most.")
    ] = 5,
    registry: Uri = REGISTRY,
    bundle: Bundle = None,
    bundles: Bundles = BUNDLES,
    day: Day = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=256,
            help="Processes that rank side by side, each on a core and with the roster in memory.",
        ),
    ] = 1,
    cluster: ClusterAddress = None,
    relaxations: Annotated[
        bool,
        typer.Option(
            "--relaxations",
            help="Also write which changed answers would admit whom; takes several times as long.",
        ),
    ] = False,
    *,
    written: TableFormat,
) -> None:
    """Rank the roster for every client of a file, as single requests would.

    Writes Parquet in parts: `shortlist-*` (ranks, predicted alliance and its interval, ties),
    `exclusions-*` (the number each constraint excluded for each client), `clients-*` (with the ids
    in the client's answers that are nobody on the roster), and with --relaxations
    `relaxations-*` (smallest changes of answers and the strongest clinician they admit). Stopped or
    killed, the same command resumes; parts that exist are not computed again. On a cluster a lost
    worker costs the parts it was computing.
    """
    import pyarrow  # noqa: F401  # The files are Parquet; a missing extra is named at once.

    from recommender.model.bundle.io import bundle_digest
    from recommender.recommendation.batch_scoring import score_clients
    from recommender.recommendation.score_tables import JobSettings
    from recommender.tables.loader import read_clients
    from recommender.tables.references import table_warnings

    with exit_on_error(), render.progress_bar(err) as progress:
        progress("reading", 0.0)
        source = bundle or champion_bundle(registry, bundles)
        model, clinicians = _opened(source, roster, written)
        people = read_clients(clients, model.practice, written, print_warning, clinicians)
        settings = JobSettings(
            model.encode_roster(clinicians), model, _day(day, model), top_k, relaxations
        )
        warnings = table_warnings(model.practice, people, clinicians, every_client=False)
        runner, digest = _runner(processes, cluster), bundle_digest(source)
        result = score_clients(people, settings, digest, to, progress, runner)
    render.print_warnings(err, warnings)
    if not result.computed:
        out.print(f"Nothing to do: all {result.chunks} parts are in {to}.", soft_wrap=True)
    else:
        parts = f"{result.computed} of {result.chunks} parts written"
        out.print(f"{result.clients:,} clients ranked, {parts} to {to}.", soft_wrap=True)


def _rows_of(ids: Sequence[str], some: set[str]) -> NDArray[np.intp]:
    """Places of the ids that are among some."""
    return np.array([place for place, each in enumerate(ids) if each in some], dtype=np.intp)


def _runner(processes: int, cluster: str | None) -> "TaskRunner":
    """What does the work: this process, several of this machine, or the workers of a cluster."""
    from recommender.compute.processes import runner_in
    from recommender.compute.runner import run_serially, runner_on

    if cluster is not None:
        return runner_on(cluster)
    return run_serially if processes == 1 else runner_in(processes)


def _opened(bundle: Path, roster: Path, written: TableFormat) -> tuple["AllianceModel", "Roster"]:
    from recommender.model.bundle.io import load_bundle
    from recommender.tables.loader import read_roster

    model = load_bundle(bundle)
    if not roster.is_file():
        raise RecommenderError("roster", "is not a file", "name a table of the clinicians")
    taken_at = datetime.fromtimestamp(roster.stat().st_mtime, UTC)
    return model, read_roster(roster, model.practice, taken_at, written, print_warning)


def _day(given: datetime | None, model: "AllianceModel") -> date:
    return given.date() if given else model.practice.day_at(datetime.now(UTC))
