"""The commands `serve`, `recommend` and `simulate`; the web framework is imported when they run."""

import http.client
import importlib.util
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    REGISTRY,
    err,
    exit_on_error,
    missing_extras,
    must_exist,
    out,
    reads_tables,
)
from recommender.errors import RecommenderError, RegistryError
from recommender.registry.versions import registry_file
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.rollout.poller import polling, wait_for_pointer
from recommender.system_libraries import require_lightgbm_libraries
from recommender.values.table_format import TableFormat

PARTS, CONTRIBUTIONS = "exclusions,relaxations,unanswered", "contributions"
"""Values of `include` for every key, and for keys of staff."""


@reads_tables
def serve(
    roster: Annotated[
        Path,
        typer.Option(help="The clinicians, .csv, .parquet or .xlsx.", envvar="RECOMMENDER_ROSTER"),
    ] = Path("var/practice/clinicians.csv"),
    registry: Annotated[
        str | None, typer.Option(help=f"mlflow, whose champion is served; {REGISTRY} by default.")
    ] = None,
    practice: Annotated[
        str | None,
        typer.Option(
            help="The definition, a shipped name or a TOML file: models must be trained with it; "
            "without a model its declared sizes are served. By default the model's own.",
            envvar="RECOMMENDER_PRACTICE",
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Serve this bundle and no other, whatever is promoted.",
            envvar="RECOMMENDER_BUNDLE",
        ),
    ] = None,
    shadow: Annotated[
        str | None,
        typer.Option(
            help="A second model that scores every request and is never shown: `challenger`, a "
            "version of the registry, or the folder of a bundle. See `recommender shadow`.",
        ),
    ] = None,
    bundles: Annotated[
        Path,
        typer.Option(
            help="Where fetched bundles are cached, in case the registry is unreachable.",
            envvar="RECOMMENDER_BUNDLES",
        ),
    ] = Path("var/bundles"),
    host: Annotated[
        str, typer.Option(help="Address to listen on.", envvar="RECOMMENDER_HOST")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on.", envvar="RECOMMENDER_PORT", min=1, max=65535)
    ] = 8000,
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that share the port, each with its model.",
            envvar="RECOMMENDER_PROCESSES",
            min=1,
            max=64,
        ),
    ] = 1,
    root_path: Annotated[
        str | None,
        typer.Option(help="The path at which a reverse proxy shows this server, such as /match."),
    ] = None,
    forwarded_allow_ips: Annotated[
        list[str] | None,
        typer.Option(
            help="Address or network of a reverse proxy whose X-Forwarded-For and -Proto are "
            "believed; may be repeated. By default they are ignored."
        ),
    ] = None,
    *,
    written: TableFormat,
) -> None:
    """Serve the champion, and each new champion as it is promoted, until stopped.

    With RECOMMENDER_STORE and RECOMMENDER_PEPPER set callers need keys (see `keys --help`) and
    recommendations are recorded; without them it serves this machine only and records nothing.
    """
    where: dict[str, Any] = {
        **{"roster": roster, "practice": practice, "host": host, "port": port},
        "processes": workers,
        **asdict(written),
    }
    if root_path is not None:
        where["root_path"] = root_path
    if forwarded_allow_ips is not None:
        where["forwarded_allow_ips"] = tuple(forwarded_allow_ips)
    with exit_on_error():
        # Otherwise every model would be refused, and only declared sizes would order clinicians.
        require_lightgbm_libraries()
        if shadow is not None:
            where["shadow"] = _shadow_bundle(shadow, registry or REGISTRY, bundles)
        if bundle is not None:
            _serve(where | {"bundle": bundle})
            return
        if importlib.util.find_spec("mlflow") is None:
            if registry is not None or practice is None:
                raise missing_extras("serve without --bundle", "mlflow", "registry")
            err.print("mlflow is not installed: no registry is followed, and the definition's "
                      "declared sizes answer.")  # fmt: skip
            _serve(where | {"bundle": None})
            return
        if registry is not None:
            must_exist(registry)
        _follow_move(registry or REGISTRY)
        with polling(registry or REGISTRY, bundles) as bundle_cache:
            _serve(where | {"bundle": None, "bundles": bundle_cache.directory})


def _shadow_bundle(named: str, uri: str, bundles: Path) -> Path:
    """The folder of the second model's bundle, fetched from the registry unless it is a folder."""
    if Path(named).is_dir():
        return Path(named)
    if importlib.util.find_spec("mlflow") is None:
        raise missing_extras("serve --shadow with a registry", "mlflow", "registry")
    from recommender.registry.registry import Registry
    from recommender.registry.versions import CHAMPION

    must_exist(uri)
    registry = Registry(uri)
    second, champion = registry.resolve(named), registry.alias(CHAMPION)
    if champion is not None and champion.digest == second.digest:
        problem = f"is version {second.version}, the champion itself, so nothing is compared"
        remedy = "run `recommender train FOLDER`, then start again"
        err.print(f"--shadow {named}: {problem}; {remedy}", soft_wrap=True, markup=False)
    return registry.fetch(second.version, bundles / "shadow")


def _follow_move(uri: str) -> None:
    """Follows a registry that was moved; says why where that is refused, and what serves then.

    The poller would do the same, but nobody reads what it logs.
    """
    file = registry_file(uri)
    if file is None or not file.is_file():
        return
    from recommender.model.alliance_model import NAME
    from recommender.registry.locations import artifact_folder, follow_move

    try:
        follow_move(file, artifact_folder(file), NAME)
    except RegistryError as error:
        err.print(str(error), markup=False, soft_wrap=True)


def _serve(given: Mapping[str, Any]) -> None:
    # Loaded while the registry is asked for the first time: either takes seconds.
    from recommender.serving.server import serve as run
    from recommender.settings import read_settings, unknown_variables

    for name, meant in unknown_variables(os.environ):
        hint = f"did you mean {meant}?" if meant else "its spelling may be wrong"
        err.print(f"Warning: {name} in the environment is not a setting; {hint}", markup=False)
    server = read_settings(**given)
    if server.bundle is None and server.bundles is not None:
        err.print(_found(wait_for_pointer(BundleCache(server.bundles))), markup=False)

    def announce() -> None:
        at = f"http://{server.host}:{server.port}{server.root_path}"
        err.print(f"Serving {at} (POST /v1/recommendations, GET /openapi.json)")
        err.print(f"Pages for intake staff: {at}/staff")

    run(server, announce)


def _found(offer: RegistryPointer) -> str:
    """What the registry named, in words, and what answers meanwhile."""
    meanwhile = "the model that answered last, or else the definition's declared sizes, will serve"
    if offer.unreachable:
        return f"The registry cannot be asked: {meanwhile} until it can."
    if offer.rejected is not None:
        return f"The champion's bundle was refused ({offer.rejected}): {meanwhile}."
    if offer.digest is None:
        steps = "run `recommender train FOLDER`, then `recommender promote`; no restart is needed"
        return f"No champion yet: {meanwhile} until there is one ({steps})."
    return f"The champion is {offer.digest[:12]}."


def recommend(
    answers: Annotated[Path, typer.Argument(help="JSON file: the body of a request.")],
    url: Annotated[str, typer.Option(help="The running server.")] = "http://127.0.0.1:8000",
    raw: Annotated[bool, typer.Option("--json", help="Print the JSON response.")] = False,
) -> None:
    """Request one client's shortlist from a running server; the key is RECOMMENDER_KEY."""
    with exit_on_error():
        answer = _response(url, answers)
    out.print_json(data=answer) if raw else out.print(render.recommendation_view(answer))


def _response(url: str, answers: Path) -> dict[str, Any]:
    """The response with everything that this key may receive."""
    try:
        body = answers.read_bytes()
    except OSError:
        remedy = "name a JSON file such as experiments/demo/client.json"
        raise RecommenderError(str(answers), "cannot be read", remedy) from None
    try:
        try:
            return _asked(url, body, f"{PARTS},{CONTRIBUTIONS}")
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.FORBIDDEN:
                raise
            # Keys of matching tools may not ask for contributions.
            return _asked(url, body, PARTS)
    except urllib.error.HTTPError as error:
        raise _problem(error) from None
    except (OSError, ValueError, http.client.HTTPException):
        remedy = "start it with `recommender serve`, or fix --url"
        raise RecommenderError(url or "url", "does not answer as a recommender", remedy) from None


def _asked(url: str, body: bytes, include: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("RECOMMENDER_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    address = f"{url.rstrip('/')}/v1/recommendations?include={include}"
    request = urllib.request.Request(address, body, headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return dict(json.load(response))


def _problem(error: urllib.error.HTTPError) -> RecommenderError:
    """The problem details of a refusal; another kind of server is named as such."""
    try:
        problem = json.load(error)
        errors = problem.get("errors", [])
        faults = [f"{fault['pointer']} {fault['message']}".strip() for fault in errors]
        text = "; ".join(faults) or problem["detail"]
        return RecommenderError(
            problem["title"], text.rstrip("."), "fix the request and send it again"
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = f"answered {error.code}, not as a recommender does"
        return RecommenderError("url", problem, "fix --url")


def simulate(context: typer.Context) -> None:
    """Write the tables of a simulated practice with a known truth (see `simulate --help`)."""
    # experiments imports recommender, never the reverse: a process of its own keeps that true.
    clone = Path(__file__).parents[3]
    with exit_on_error():
        if not (clone / "experiments" / "simulated_practice").is_dir():
            remedy = "run `python -m experiments.simulated_practice` in a clone of the project"
            raise RecommenderError("simulate", "is not part of the installed package", remedy)
    command = [sys.executable, "-m", "experiments.simulated_practice", *context.args]
    paths = os.pathsep.join(filter(None, [str(clone), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": paths, "SIMULATE_AS": context.command_path}
    raise typer.Exit(subprocess.run(command, check=False, env=environment).returncode)
