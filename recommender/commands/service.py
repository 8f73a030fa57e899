"""Serving and asking: `serve`, `recommend`, `simulate`. Imported by `cli`.

mlflow and the web framework are imported by the commands that need them, when they run.
"""

import hashlib
import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from recommender import terminal
from recommender.commands.console import REGISTRY, Uri, err, must_exist, out, told
from recommender.errors import RecommenderError


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
        bundle = bundle or champion_bundle(registry, bundles)
        err.print(f"Serving http://{host}:{port} (POST /v1/recommendations, GET /openapi.json)")
        run(Settings(bundle=bundle, roster=roster, host=host, port=port))


def champion_bundle(uri: str, bundles: Path) -> Path:
    """The champion's bundle; while the registry is away, the one this registry gave last."""
    from recommender.errors import RegistryError
    from recommender.publishing.registry import Registry
    from recommender.publishing.versions import CHAMPION

    must_exist(uri)
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


def simulate(context: typer.Context) -> None:
    """Write the tables of a simulated practice with a known truth (see `simulate --help`)."""
    # The experiments use the engine, never the reverse: another process keeps that true.
    command = [sys.executable, "-m", "experiments.simulated_practice", *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
