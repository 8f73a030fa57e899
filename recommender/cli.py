"""The command line: every step of the way, each with what to type next.

The edge: reads the clock, files and settings, and hands them on. mlflow and the web framework are
imported only by the commands that need them, so that `--help` is quick.
"""

import hashlib
import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from recommender import terminal
from recommender.errors import FaultsError, RecommenderError
from recommender.practice import Practice, days_until, load_practice, shipped_practice

if TYPE_CHECKING:
    from pandas import DataFrame

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Predicts which clinicians a new client is likely to build the strongest early working "
    "alliance with.\n\nThe way: `simulate` (or your own tables) → `check` → `train` → `promote` → "
    "`serve` → `recommend`.",
)
practice_app = typer.Typer(no_args_is_help=True, help="Look at a practice definition.")
app.add_typer(practice_app, name="practice")

out, err = Console(), Console(stderr=True)

Definition = Annotated[
    str, typer.Option("--practice", help="A definition: `psychology`, or the path of a TOML file.")
]
Data = Annotated[Path, typer.Argument(help="Folder with clients, clinicians, pairings, ratings.")]
Uri = Annotated[
    str, typer.Option("--registry", help="mlflow: a database such as sqlite:///…, or http(s)://…")
]
REGISTRY = "sqlite:///var/mlflow.db"
WARN_DAYS = 60


class Split(StrEnum):
    """How pairings are held back."""

    forward = "forward"
    clients = "clients"
    clinicians = "clinicians"


@contextmanager
def told() -> Iterator[None]:
    """What we refuse is said on standard error with its remedy, and ends the command with 1."""
    try:
        yield
    except FaultsError as error:
        err.print(terminal.faults(error.faults, "refused"))
        raise typer.Exit(1) from None
    except RecommenderError as error:
        err.print(terminal.faults([str(error)], "refused"))
        raise typer.Exit(1) from None


def _practice(name: str) -> Practice:
    return load_practice(Path(name)) if name.endswith(".toml") else shipped_practice(name)


@practice_app.command("check")
def practice_check(
    file: Annotated[str, typer.Argument(help="A TOML file, or `psychology`.")] = "psychology",
) -> None:
    """Say everything that is wrong with a definition, and what ends soon."""
    with told():
        practice = _practice(file)
    today = datetime.now(ZoneInfo(practice.timezone)).date()
    counts = (
        f"{len(practice.client)} client fields, {len(practice.clinician)} clinician fields, "
        f"{len(practice.matches)} matches, {len(practice.constraints)} constraints"
    )
    out.print(f"{practice.title}: sound. {counts}.")
    for scheme, days in days_until(practice, today).items():
        if days < WARN_DAYS:
            ends = f"ended {-days} days ago" if days < 0 else f"end in {days} days"
            err.print(f"Funding rows of {scheme} {ends}: add the next year's rows.")


@practice_app.command("show")
def practice_show(
    file: Annotated[str, typer.Argument(help="A TOML file, or `psychology`.")] = "psychology",
) -> None:
    """Print what a definition asks, compares and requires."""
    with told():
        out.print(terminal.practice_table(_practice(file)))


@app.command()
def check(data: Data, practice: Definition = "psychology") -> None:
    """Report every fault of a practice's tables, and what is usable; exits 1 on any fault."""
    from recommender.tables.report import check_tables

    with told(), out.status("reading tables"):
        report = check_tables(data, _practice(practice), datetime.now(UTC).date())
    out.print(terminal.tables_report(report))
    if not report.sound:
        raise typer.Exit(1)
    out.print(f"Sound. Next: recommender train {data} --practice {practice}", soft_wrap=True)


@app.command()
def train(
    data: Data,
    practice: Definition = "psychology",
    registry: Uri = REGISTRY,
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 0,
) -> None:
    """Measure on later pairings, learn from all, and publish a challenger."""
    from recommender.publishing.registry import Registry
    from recommender.training.growth import FitSettings
    from recommender.training.run import train as retrain

    with told(), terminal.progress_bar(err) as progress:
        trained = retrain(
            data,
            _practice(practice),
            Registry(registry),
            now=datetime.now(UTC),
            settings=FitSettings(seed=seed),
            progress=progress,
        )
    if trained.evaluation is None:
        out.print("Too few ratings to learn from: the definition's declared sizes will serve.")
    else:
        _print_measured(trained.evaluation.table, trained.model.report)
    out.print(f"Published as challenger, version {trained.version.version}. "
              "Next: recommender promote")  # fmt: skip


def _print_measured(table: "DataFrame", report: Mapping[str, Any]) -> None:
    title = f"Measured on {report['rated']:,} later rated pairings"
    out.print(terminal.figures_table(table, title))
    held = report["range"]
    said = f"The stated range held {held['coverage']:.0%} of them ({held['level']:.0%} is said)."
    out.print(said)


@app.command()
def evaluate(
    data: Data,
    practice: Definition = "psychology",
    split: Annotated[Split, typer.Option(help="How pairings are held back.")] = Split.forward,
    folds: Annotated[
        Path | None, typer.Option(help="CSV of pairing_id,fold, instead of --split.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the figures to this CSV.")] = None,
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 0,
) -> None:
    """Compare our learner with every baseline on held-out pairings; publishes nothing."""
    from recommender.tables.checked import read_tables
    from recommender.training import folds as ways
    from recommender.training.dataset import Dataset, dataset_of
    from recommender.training.evaluate import evaluate as measure
    from recommender.training.growth import FitSettings

    made: dict[Split, Callable[[Dataset], tuple[ways.Fold, ...]]] = {
        Split.forward: ways.forward,
        Split.clients: ways.clients_left_out,
        Split.clinicians: ways.clinicians_left_out,
    }
    if save is not None and not save.parent.is_dir():
        raise typer.BadParameter("the folder of --save is not there")
    with told(), terminal.progress_bar(err) as progress:
        definition = _practice(practice)
        dataset = dataset_of(read_tables(data, definition), definition)
        chosen = ways.folds_from_file(dataset, folds) if folds else made[split](dataset)
        evaluation = measure(dataset, chosen, FitSettings(seed=seed), progress)
    rated = int(evaluation.tested.rated.sum())
    out.print(terminal.figures_table(evaluation.table, f"{rated:,} held-out rated pairings"))
    if save is not None:
        evaluation.table.to_csv(save, index=False)
        out.print(f"Written to {save}")


@app.command()
def promote(
    registry: Uri = REGISTRY,
    version: Annotated[int | None, typer.Option(help="Instead of the challenger.")] = None,
    reason: Annotated[str, typer.Option(help="Kept with the promotion.")] = "passed the gate",
    force: Annotated[
        bool, typer.Option(help="Promote against the gate; needs a --reason, and both are kept.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who decides; the account by default.")] = None,
) -> None:
    """Make the challenger champion if what was measured allows it."""
    from recommender.publishing.registry import Registry
    from recommender.training.gate import promote as decide

    if force and reason == "passed the gate":
        raise typer.BadParameter("--force needs a --reason of its own")
    with told(), out.status("reading what was measured"):
        _must_exist(registry)
        promoted = decide(
            Registry(registry),
            version,
            by=by or getuser(),
            at=datetime.now(UTC),
            reason=reason,
            force=force,
        )
    said = f"Version {promoted.version} is champion, by {promoted.by}: {promoted.reason}."
    out.print(escape(said), "Next: recommender serve")


@app.command()
def serve(
    roster: Annotated[Path, typer.Option(help="The clinicians, .csv or .parquet.")] = Path(
        "var/practice/clinicians.csv"
    ),
    registry: Uri = REGISTRY,
    bundle: Annotated[
        Path | None, typer.Option(help="Serve this bundle instead of the champion.")
    ] = None,
    bundles: Annotated[
        Path, typer.Option(help="Where fetched bundles are kept, should the registry be away.")
    ] = Path("var/bundles"),
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen.", min=1, max=65535)] = 8000,
) -> None:
    """Answer requests with the champion until told to stop."""
    from recommender.serving.server import serve as run
    from recommender.settings import Settings

    with told():
        bundle = bundle or _champion(registry, bundles)
        err.print(f"Serving http://{host}:{port} (POST /v1/recommendations, GET /openapi.json)")
        run(Settings(bundle=bundle, roster=roster, host=host, port=port))


def _champion(uri: str, bundles: Path) -> Path:
    """The champion's bundle; while the registry is away, the one this registry gave last."""
    from recommender.errors import RegistryError
    from recommender.publishing.registry import Registry
    from recommender.publishing.versions import CHAMPION

    _must_exist(uri)
    last = bundles / f"last_served_{hashlib.sha256(uri.encode()).hexdigest()[:12]}"
    try:
        champion = Registry(uri).alias(CHAMPION)
    except RegistryError as error:
        if not last.is_file():
            raise
        err.print(f"{error}; serving the last champion that was fetched", markup=False)
        return bundles / last.read_text(encoding="utf-8")
    found = Registry(uri).fetch(champion.version if champion else CHAMPION, bundles)
    last.write_text(found.name, encoding="utf-8")
    return found


def _must_exist(uri: str) -> None:
    """Refuses a database file that is not there: a mistyped path must not become a new registry."""
    path = uri.removeprefix("sqlite:///")
    if path != uri and not Path(path).is_file():
        remedy = "run `recommender train` first, or mend --registry"
        raise RecommenderError("registry", "is not there", remedy)


@app.command()
def recommend(
    answers: Annotated[Path, typer.Argument(help="JSON file: the body of a request.")],
    url: Annotated[str, typer.Option(help="The running server.")] = "http://127.0.0.1:8000",
    raw: Annotated[bool, typer.Option("--json", help="Print the JSON as it came.")] = False,
) -> None:
    """Ask a running server for one client's shortlist and show it."""
    with told():
        answer = _asked(url, answers)
    out.print_json(data=answer) if raw else out.print(terminal.recommendation(answer))


def _asked(url: str, answers: Path) -> dict[str, Any]:
    try:
        body = answers.read_bytes()
    except OSError:
        remedy = "name a JSON file such as experiments/demo/client.json"
        raise RecommenderError(str(answers), "cannot be read", remedy) from None
    try:
        request = urllib.request.Request(
            f"{url.rstrip('/')}/v1/recommendations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        raise _problem(error) from None
    except (OSError, ValueError, http.client.HTTPException):
        remedy = "start it with `recommender serve`, or mend --url"
        raise RecommenderError(url or "url", "does not answer as a recommender", remedy) from None


def _problem(error: urllib.error.HTTPError) -> RecommenderError:
    """What the server refused, in its own words; another server's words are not taken for them."""
    try:
        problem = json.load(error)
        told = [f"{fault['pointer']} {fault['message']}" for fault in problem.get("errors", [])]
        said = "; ".join(told) or problem["detail"]
        return RecommenderError(
            problem["title"], said.rstrip("."), "mend the request and ask again"
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = f"answered {error.code}, not as a recommender does"
        return RecommenderError("url", problem, "mend --url")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def simulate(context: typer.Context) -> None:
    """Write the tables of a simulated practice with a known truth (see `simulate --help`)."""
    # The experiments use the engine, never the reverse: another process keeps that true.
    command = [sys.executable, "-m", "experiments.simulated_practice", *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    app()
