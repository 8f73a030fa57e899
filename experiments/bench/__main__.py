"""Prints every figure of `make bench`, as ratios of two things measured in this run."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, product
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from experiments.allocation.__main__ import FLOOR, measured, table_of
from experiments.allocation.compare import Asked
from experiments.bench import (
    beside_mlflow,
    cards,
    cluster,
    growth,
    latency,
    memory,
    pages,
    plan_costs,
    relaxing,
    scoring,
    screening,
    sizes,
    stages,
    training,
    varied_latency,
    versions,
)
from experiments.bench.varied_clients import CLIENTS, varied_requests
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_clients, read_tables
from recommender.training.dataset import dataset_of
from recommender.training.fit import fit

ROSTERS = (50, 200, 1_000)
LARGE, LARGE_CLIENTS = 50_000, 20
PAIRINGS = (300, 1_000, 10_000, 100_000)
RELAXED = 200
PAGED = 200
LEARNED = (10_000, 100_000, 1_000_000)
FACED = (500, 5_000, 50_000)
SCORED = (200, 1_000)
LISTS = 6
SERVED = (200, 2_000, 10_000)
TREE_WEIGHT = 0.5
out = Console(width=110)


def simulated(directory: Path, clinicians: int, ratings: int) -> Path:
    """Tables of a simulated practice of this size."""
    words = ["--clinicians", clinicians, "--ratings", ratings, "--test-clients", 10, "--seed", 1]
    line = [sys.executable, "-m", "experiments.simulated_practice", "--out", str(directory)]
    subprocess.run([*line, *map(str, words)], check=True, capture_output=True)
    return directory


def latencies(workspace: Path) -> Table:
    """One recommendation over HTTP at every size of roster."""
    bundle = _learned_bundle(workspace)
    table = Table(
        "clinicians", "eligible", "bytes", "ours p50, p99 ms", "bare p50, p99 ms", "ratio p50, p99",
        title="One recommendation over HTTP beside a bare FastAPI route returning the same bytes",
    )  # fmt: skip
    for clinicians in ROSTERS:
        out.print(f"asking with {clinicians} clinicians", style="dim")
        roster = simulated(workspace / f"roster{clinicians}", clinicians, 500) / "clinicians.csv"
        found = latency.compare(bundle, roster, clinicians)
        ours, bare = found.ours, found.bare
        table.add_row(
            f"{clinicians:,}",
            f"{found.eligible:,}",
            f"{found.answer_bytes:,}",
            f"{ours.median:.1f}, {ours.p99:.1f}",
            f"{bare.median:.2f}, {bare.p99:.2f}",
            f"{ours.median / bare.median:.1f}, {ours.p99 / bare.p99:.1f}",
        )
    return table


def varied_latencies(workspace: Path) -> Table:
    """One request each of many clients over HTTP, at every size of roster."""
    bundle, model = _weighted(workspace)
    table = Table(
        "clinicians", "ready s", "first ms", "p50, p99 ms", "bare", "bare alone", "ratio",
        "at once/s", "refused",
        title=f"Varied clients ({CLIENTS}; {LARGE_CLIENTS} at {LARGE:,}) over HTTP, p50 and p99 "
        "beside a bare FastAPI route returning the same bytes; trees of pairs with a weight of "
        f"{TREE_WEIGHT}; at last {varied_latency.CONNECTIONS} requests at once",
        padding=0,
    )  # fmt: skip
    for clinicians, has_store in product((*ROSTERS, LARGE), (False, True)):
        stored = "with" if has_store else "without"
        out.print(f"asking with {clinicians} clinicians, {stored} a store", style="dim")
        tables, many = _varied_tables(workspace, clinicians)
        clients = varied_requests(model.practice, tables, many)
        bodies = [json.dumps(each).encode() for each in clients]
        store = workspace / f"varied{clinicians}.db" if has_store else None
        found = varied_latency.compare_varied(bundle, tables / "clinicians.csv", bodies, store)
        ours, bare, alone = found.ours, found.bare, found.alone
        table.add_row(
            f"{clinicians:,}{', stored' if has_store else ''}",
            f"{found.ready:.1f}",
            f"{found.first:.0f}",
            f"{ours.median:.1f}, {ours.p99:.1f}",
            f"{bare.median:.2f}, {bare.p99:.2f}",
            f"{alone.median:.2f}, {alone.p99:.2f}",
            f"{ours.median / bare.median:.1f}, {ours.p99 / bare.p99:.1f}",
            f"{found.at_once:,.0f}",
            f"{found.refused:,}",
        )
    return table


def staged(workspace: Path) -> Table:
    """Processor time of one recommendation by stage."""
    bundle, model = _weighted(workspace)
    table = Table(
        "stage", *(f"{each:,} clinicians" for each in (*ROSTERS, LARGE)),
        title=f"Processor time of one recommendation by stage: p50, p99 and mean ms over {CLIENTS} "
        f"varied clients ({LARGE_CLIENTS} at {LARGE:,}), in one process; trees of pairs with a "
        f"weight of {TREE_WEIGHT}",
    )  # fmt: skip
    columns = []
    for clinicians in (*ROSTERS, LARGE):
        out.print(f"computing with {clinicians} clinicians", style="dim")
        tables, many = _varied_tables(workspace, clinicians)
        clients = varied_requests(model.practice, tables, many)
        columns.append(stages.quantiles(stages.stages(bundle, tables / "clinicians.csv", clients)))
    for name in columns[0]:
        cells = (", ".join(f"{each:.2f}" for each in column[name]) for column in columns)
        table.add_row(name, *cells)
    return table


def planned(workspace: Path) -> Table:
    """Time and memory of the plan, by the size of the roster."""
    table = Table("clinicians", "ms", "bytes a clinician", title="Compiling the plan")
    bundle, _ = _weighted(workspace)
    for clinicians in (*ROSTERS, LARGE):
        tables, _ = _varied_tables(workspace, clinicians)
        cost = plan_costs.plan_cost(bundle, tables / "clinicians.csv")
        table.add_row(
            f"{clinicians:,}", f"{cost.milliseconds:,.0f}", f"{cost.bytes_a_clinician:,.0f}"
        )
    return table


def _weighted(workspace: Path) -> tuple[Path, AllianceModel]:
    """A bundle whose trees have weight: without, they would never be scored."""
    bundle = workspace / "weighted_bundle"
    if not bundle.exists():
        model = _learned(simulated(workspace / "weighted", ROSTERS[0], 2_000))
        save_bundle(replace(model, tree_weight=TREE_WEIGHT), bundle)
    return bundle, load_bundle(bundle)


def _varied_tables(workspace: Path, clinicians: int) -> tuple[Path, int]:
    """Tables with a roster of this size, and how many clients ask.

    A very large roster is a smaller one's, over and over under new ids.
    """
    if clinicians != LARGE:
        directory = workspace / f"varied{clinicians}"
        if not directory.exists():
            simulated(directory, clinicians, 2_000)
        return directory, CLIENTS
    directory = workspace / f"varied{LARGE}"
    if not directory.exists():
        few = simulated(directory, ROSTERS[-1], 2_000) / "clinicians.csv"
        read = pd.read_csv(few, dtype=str, keep_default_na=False)
        many = read.iloc[np.arange(LARGE) % len(read)]
        many = many.assign(clinician_id=[f"k{number:06}" for number in range(LARGE)])
        many.to_csv(few, index=False)
    return directory, LARGE_CLIENTS


def compared_versions(workspace: Path, other: Path) -> Table:
    """The requests of `varied` answered by another checkout and by this one, in turn."""
    bundle, model = _weighted(workspace)
    table = Table(
        "clinicians", "clients", "other ms", "this ms", "ratio of medians", "of means", "equal",
        title="Processor time of whole answers by another checkout and by this one, in turn; how "
        "many answers are equal byte for byte",
    )  # fmt: skip
    for clinicians in ROSTERS:
        out.print(f"asking both with {clinicians} clinicians", style="dim")
        tables, many = _varied_tables(workspace, clinicians)
        clients = varied_requests(model.practice, tables, many)
        found = versions.compare_versions(other, bundle, tables / "clinicians.csv", clients)
        for name, taken in (("new", found.new), ("known", found.known)):
            theirs, ours, medians, means = versions.shares(taken)
            table.add_row(
                f"{clinicians:,}",
                f"{found.clients} {name}",
                f"{theirs:.2f}",
                f"{ours:.2f}",
                f"{medians:.2f}",
                f"{means:.2f}",
                f"{found.equal}" if name == "new" else "",
            )
    return table


def besides_mlflow(workspace: Path) -> Table:
    """The same hundred rows, scored by us and by `mlflow models serve`."""
    tables = simulated(workspace / "beside", 120, 2_000)
    bundle = workspace / "beside_bundle"
    save_bundle(_learned(tables), bundle)
    table = Table(
        "rows", "predictions/s", "mlflow/s", "ratio", "recommendations/s", "ratio", "furthest",
        title="Requests of one client with a hundred clinicians: ours, reasons and all, beside "
        "`mlflow models serve` of the same bundle (target: 10 times); points apart",
    )  # fmt: skip
    out.print("starting mlflow models serve", style="dim")
    found = beside_mlflow.compare(bundle, tables / "clinicians.csv", workspace / "packed")
    if found is None:
        table.caption = "mlflow did not come to serve on this machine, so nothing was measured."
        return table
    table.add_row(
        f"{found.rows:,}",
        f"{found.predictions:.1f}",
        f"{found.mlflow:.2f}",
        f"{found.predictions / found.mlflow:.1f}",
        f"{found.recommendations:.1f}",
        f"{found.recommendations / found.mlflow:.1f}",
        f"{found.furthest:.4f}",
    )
    return table


def trainings(workspace: Path) -> Table:
    """Time and memory of training at every number of pairings."""
    table = Table(
        "pairings", "ours s", "alone s", "ratio", "ours core s", "alone core s", "ratio",
        "ours MiB", "alone MiB", "ratio",
        title="Training, the fit alone, beside LightGBM alone on the same matrix",
    )  # fmt: skip
    for pairings in PAIRINGS:
        out.print(f"training on {pairings:,} pairings", style="dim")
        directory = workspace / f"trained{pairings}"
        tables = simulated(directory, 120, pairings)
        ours, alone = training.compare(tables, directory)
        table.add_row(
            f"{pairings:,}",
            f"{ours.seconds:.1f}",
            f"{alone.seconds:.1f}",
            f"{ours.seconds / alone.seconds:.1f}",
            f"{ours.processor:.1f}",
            f"{alone.processor:.1f}",
            f"{ours.processor / alone.processor:.1f}",
            f"{ours.peak_mib:,.0f}",
            f"{alone.peak_mib:,.0f}",
            f"{ours.peak_mib / alone.peak_mib:.1f}",
        )
    return table


def screenings(_: Path) -> Table:
    """Every constraint on rosters of three sizes, and where the time goes."""
    practice = shipped_practice()
    table = Table(
        "clinicians", "eligible", "screening ms", "one read ms", "ratio", "with reasons ms",
        "first ms",
        title=f"Screening against {len(practice.constraints)} constraints, all asked for, ledger "
        "included, beside one numpy pass over the same columns (target at 50,000: 5)",
    )  # fmt: skip
    costs = []
    for size in screening.SIZES:
        out.print(f"screening {size:,} clinicians", style="dim")
        found = screening.measured(practice, size, screening.RUNS[size])
        costs.append(found)
        table.add_row(
            f"{found.clinicians:,}",
            f"{found.eligible:,}",
            f"{found.screening:,.1f}",
            f"{found.read:,.2f}",
            f"{found.ratio:.1f}",
            f"{found.told:,.1f}",
            f"{found.first:,.1f}",
        )
    power = screening.exponent(
        [float(cost.clinicians) for cost in costs], [cost.screening for cost in costs]
    )
    verdicts = screening.dearest(practice, screening.MIDDLE)
    whole = sum(taken for _, taken in verdicts)
    dear = ", ".join(f"{name} {taken:.1f}" for name, taken in verdicts[:12])
    table.caption = (
        f"Time grows with the number of clinicians to the power {power:.2f} (target 1.1 or less). "
        f"At {screening.MIDDLE:,} all verdicts take {whole:.0f} ms, the dearest of them {dear}."
    )
    return table


def relaxings(workspace: Path) -> Table:
    """Ledger and relaxations of 200 clinicians, beside scoring them."""
    tables = simulated(workspace / "relaxed", RELAXED, 2_000)
    model = _learned(tables)
    out.print(f"asking for {relaxing.CLIENTS} clients", style="dim")
    costs = relaxing.measured(model, tables)
    table = Table(
        "requests", "with an offer", "scoring ms", "ledger ms", "relaxations ms", "ratio",
        title=f"Ledger and relaxations for {RELAXED} clinicians beside scoring them (target: 1)",
    )  # fmt: skip
    groups = {
        "all": costs,
        "somebody fits": [cost for cost in costs if cost.eligible],
        "nobody fits": [cost for cost in costs if not cost.eligible],
    }
    for name, some in groups.items():
        if some:
            table.add_row(
                f"{name}: {len(some)}",
                str(sum(cost.offered > 0 for cost in some)),
                *(
                    f"{median([getattr(cost, part) for cost in some]):.2f}"
                    for part in ("scoring", "ledger", "relaxing", "ratio")
                ),
            )
    table.caption = "Medians over requests."
    return table


def carded(workspace: Path) -> Table:
    """The cards of a shortlist, beside the recommendation they belong to."""
    tables = simulated(workspace / "carded", RELAXED, 2_000)
    costs = [each for each in cards.measured(_learned(tables), tables) if each.shown]
    table = Table(
        "shortlists", "cards", "recommending ms", "cards ms", "ratio", "bytes, clients", "staff",
        title=f"Cards of a shortlist from {RELAXED} clinicians beside the recommendation",
    )  # fmt: skip
    columns = ("shown", "recommending", "cards", "for_clients", "for_staff")
    shown, recommending, own, to_clients, to_staff = (
        median([getattr(cost, part) for cost in costs]) for part in columns
    )
    table.add_row(
        str(len(costs)),
        f"{shown:g}",
        f"{recommending:.2f}",
        f"{own:.2f}",
        f"{own / recommending:.2f}",
        f"{to_clients:,.0f}",
        f"{to_staff:,.0f}",
    )
    table.caption = "Medians over shortlists; milliseconds of processor time; bytes of the largest."
    return table


def growths(workspace: Path) -> Table:
    """The power of the number of pairings, and of clinicians, that time grows with."""
    table = Table(
        "what", "how many", "seconds", "MiB", "power of the number",
        title="How time grows (target: a power of 1.1 at most)",
    )  # fmt: skip
    learned = []
    for pairings in LEARNED:
        out.print(f"training on {pairings:,} pairings", style="dim")
        tables = simulated(workspace / f"grown{pairings}", 120, pairings)
        learned.append(growth.trained(tables))
        table.add_row(
            "training",
            f"{pairings:,}",
            f"{learned[-1].seconds:.1f}",
            f"{learned[-1].peak_mib:,.0f}",
            _power(LEARNED, [cost.seconds for cost in learned]),
        )
    model = load_bundle(_learned_bundle(workspace))
    roster, prepared = simulated(workspace / "faced", FACED[0], 500) / "clinicians.csv", []
    for clinicians in FACED:
        out.print(f"asking about {clinicians:,} clinicians", style="dim")
        prepared.append(growth.asked(model, roster, clinicians))
        table.add_row(
            f"one request, {prepared[-1].eligible:,} fit",
            f"{clinicians:,}",
            f"{prepared[-1].ms / 1000:.3f}",
            "",
            _power(FACED, [each.ms for each in prepared]),
        )
    return table


def scorings(workspace: Path) -> Table:
    """A file of clients at once beside the same asking one after another."""
    table = Table(
        "clinicians", "batch pairs/s", "batch ms a client", "HTTP pairs/s", "HTTP ms", "ratio",
        title="Pairs a second and core: a file of clients beside the same over HTTP (target: 20)",
    )  # fmt: skip
    bundle = _learned_bundle(workspace)
    for clinicians in SCORED:
        out.print(f"ranking {clinicians} clinicians", style="dim")
        tables = simulated(workspace / f"scored{clinicians}", clinicians, 2_000)
        files = tables / "clients.csv", tables / "clinicians.csv"
        batch, single = scoring.compare(bundle, *files, workspace / f"scored_out{clinicians}")
        table.add_row(
            f"{clinicians:,}",
            f"{batch.pairs:,.0f}",
            f"{batch.ms:.2f}",
            f"{single.pairs:,.0f}",
            f"{single.ms:.1f}",
            f"{batch.pairs / single.pairs:.1f}",
        )
    table.caption = "Seconds computed by each process, all it started included."
    return table


def cluster_ranks(workspace: Path, clients: int = 10_000, clinicians: int = 5_000) -> Table:
    """Two workers beside one at ranking."""
    table = Table(
        "who", "seconds", "times as fast",
        title=f"{clinicians:,} clinicians ranked for {clients:,} clients by the workers of a Dask "
        "cluster on this machine (target: 1.6 times)",
    )  # fmt: skip
    model, taken = load_bundle(_learned_bundle(workspace)), list[float]()
    tables = simulated(workspace / "crowd", clinicians, 2_000)
    people = scoring.some(read_clients(tables / "clients.csv", model.practice), clients)
    for workers in (1, 2):
        out.print(f"ranking, workers: {workers}", style="dim")
        to = workspace / f"crowd_out{workers}"
        taken.append(cluster.scored(model, people, tables / "clinicians.csv", to, workers))
        table.add_row(_who(workers), f"{taken[-1]:.1f}", f"{taken[0] / taken[-1]:.2f}")
    return table


def cluster_learns(workspace: Path, pairings: int = 1_000_000) -> Table:
    """Two workers beside one process at learning."""
    table = Table(
        "who", "seconds", "times as fast", "MiB", "largest worker MiB", "client-adjusted partial",
        title=f"Learning from the earlier of {pairings:,} pairings and judging by the later",
    )  # fmt: skip
    tables, all_found = simulated(workspace / "shared", 120, pairings), list[cluster.Learned]()
    for workers in (0, 2):
        out.print(f"learning, workers: {workers}", style="dim")
        found = cluster.learned(tables, workspace, workers)
        all_found.append(found)
        table.add_row(
            _who(workers),
            f"{found.seconds:.1f}",
            f"{all_found[0].seconds / found.seconds:.2f}",
            f"{found.peak_mib:,.0f}",
            f"{found.workers_mib:,.0f}",
            f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})",
        )
    return table


def _who(workers: int) -> str:
    return {0: "one process", 1: "one worker"}.get(workers, f"{workers} workers")


def memories(workspace: Path) -> Table:
    """What a live server takes, for every size of roster, without a store and with one."""
    table = Table(
        "clinicians", "MiB", "at most", "core ms", "MiB", "at most", "core ms", "file MiB",
        "KiB a request", "change s",
        title="One server, roster from a file, then in a store (SQLite): resident memory after "
        "requests, core time a request; the store's file and its part for each request; core time "
        "of one clinician's change",
    )  # fmt: skip
    bundle, found = _learned_bundle(workspace), []
    roster = simulated(workspace / "served", SERVED[0], 500) / "clinicians.csv"
    for clinicians in SERVED:
        out.print(f"serving {clinicians:,} clinicians", style="dim")
        each = memory.held(bundle, roster, clinicians)
        found.append(each)
        costs = (
            (f"{cost.resident:,.0f}", f"{cost.peak:,.0f}", f"{cost.request:.1f}")
            for cost in (each.file, each.store)
        )
        table.add_row(
            f"{clinicians:,}",
            *chain(*costs),
            f"{each.database:,.0f}",
            f"{each.kib_a_request:.0f}",
            f"{each.change:.2f}",
        )
    file = memory.per_clinician([(each.clinicians, each.file.resident) for each in found])
    store = memory.per_clinician([(each.clinicians, each.store.peak) for each in found])
    table.caption = (
        f"Each further clinician: {file:.1f} KiB from a file, "
        f"{store:.1f} KiB at most with a store. The process that follows the registry: "
        f"{memory.follower_mib(workspace / 'followed'):,.0f} MiB."
    )
    return table


def _power(sizes: Sequence[int], taken: Sequence[float]) -> str:
    """The exponent of the power law through what was measured so far."""
    if len(taken) < 2:
        return ""
    return f"{screening.exponent(list(map(float, sizes[: len(taken)])), list(taken)):.2f}"


def _learned_bundle(workspace: Path) -> Path:
    """A bundle learned from a practice of usual size."""
    bundle = workspace / "usual_bundle"
    if not bundle.exists():
        save_bundle(_learned(simulated(workspace / "usual", ROSTERS[0], 2_000)), bundle)
    return bundle


def _learned(tables: Path) -> AllianceModel:
    """What shipped settings learn from a practice's tables."""
    practice = shipped_practice()
    dataset = dataset_of(read_tables(tables, practice, None), practice)
    return fit(dataset, now=datetime.now(UTC)).model


def rendered(workspace: Path) -> Table:
    """The staff page of one request, beside the JSON answer to it."""
    tables = simulated(workspace / "paged", PAGED, 2_000)
    bundle = workspace / "paged_bundle"
    save_bundle(_learned(tables), bundle)
    out.print("opening the page of a request", style="dim")
    found = pages.compare(bundle, tables / "clinicians.csv")
    table = Table(
        "", "ms", "times the answer", "bytes",
        title=f"The staff page of a request with {found.clinicians} clinicians beside the JSON "
        "answer to the same request (target: 3)",
    )  # fmt: skip
    for name, taken, size in (
        ("JSON answer", found.answer, found.answer_bytes),
        ("page, rendered", found.page, found.page_bytes),
        ("form sent, page rendered", found.asked, found.page_bytes),
    ):
        table.add_row(name, f"{taken:.1f}", f"{taken / found.answer:.2f}", f"{size:,}")
    table.caption = "Medians."
    return table


def allocations(_: Path) -> Table:
    """A waiting list given out at once beside first come, first served; the truth is known."""
    asked = Asked(clients=2_000, clinicians=200, ratings=2_000, floor=FLOOR)
    return table_of(measured(asked, LISTS, 1), asked)


def answer_sizes(workspace: Path) -> Table:
    """Bytes of a default answer, by role and size of roster."""
    table = Table(
        "clinicians", "role", "default", "accepted", "gzip", "every part", "median", "largest",
        "exceeding",
        title="Bytes of an answer: to the request of the demo by default, compressed, with every "
        f"part; by default to {sizes.CLIENTS} simulated clients who answer every question",
    )  # fmt: skip
    for clinicians, accepted in sizes.LIMITS.items():
        tables = simulated(workspace / f"sized{clinicians}", clinicians, 500)
        for each in sizes.measured(tables, clinicians):
            table.add_row(
                f"{each.clinicians:,}",
                each.role,
                f"{each.demo:,}",
                f"{accepted:,}",
                f"{each.packed:,}",
                f"{each.whole:,}",
                f"{each.median:,.0f}",
                f"{each.largest:,}",
                f"{each.exceeding:,}",
            )
    return table


PARTS = {
    "mlflow": besides_mlflow,
    "latency": latencies,
    "varied": varied_latencies,
    "stages": staged,
    "plan": planned,
    "training": trainings,
    "screening": screenings,
    "relaxing": relaxings,
    "cards": carded,
    "pages": rendered,
    "size": answer_sizes,
    "growth": growths,
    "scoring": scorings,
    "cluster-score": cluster_ranks,
    "cluster-train": cluster_learns,
    "allocation": allocations,
    "memory": memories,
}


VERSIONS = "versions"


def main(
    only: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(PARTS)} or {VERSIONS}; all but the last without."),
    ] = None,
    other: Annotated[
        Path | None, typer.Option(help=f"Checkout that {VERSIONS} compares with this one.")
    ] = None,
    clients: Annotated[int, typer.Option(help="Whom the cluster ranks for.")] = 10_000,
    clinicians: Annotated[int, typer.Option(help="Whom the cluster ranks.")] = 5_000,
    pairings: Annotated[int, typer.Option(help="What the cluster learns from.")] = 1_000_000,
) -> None:
    """Time and memory of requests and of training, as ratios of two things measured in one run."""
    if only is not None and only not in (*PARTS, VERSIONS):
        raise typer.BadParameter(f"choose from {', '.join(PARTS)}, {VERSIONS}")
    if (only == VERSIONS) != (other is not None):
        raise typer.BadParameter(f"--only {VERSIONS} and --other CHECKOUT belong together")
    compared = {} if other is None else {VERSIONS: partial(compared_versions, other=other)}
    parts = (
        PARTS
        | compared
        | {
            "cluster-score": partial(cluster_ranks, clients=clients, clinicians=clinicians),
            "cluster-train": partial(cluster_learns, pairings=pairings),
        }
    )
    with tempfile.TemporaryDirectory() as directory:
        for name, measured in parts.items():
            if only in (None, name):
                out.print(measured(Path(directory)))


if __name__ == "__main__":
    typer.run(main)
