"""Simulate, check, train, promote, serve, ask: every step is a command anyone can type.

Run by `make demo`; `make serve` serves the same practice until it is stopped. All they write is
under `var/demo`.
"""

import shutil
import time
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from experiments.demo.access import KEY_FILE, Access, opened_access, store_roster
from experiments.demo.build import (
    DEFINITION,
    HOME,
    ROSTER,
    SERVE,
    build,
    check_installed,
    console,
    recommender,
    step,
)
from experiments.demo.practice import NAME, definition, write_clinicians
from experiments.demo.server import running, serve_until_stopped
from recommender.practice.definition import shipped_practice

CLIENT = Path("experiments/demo/client.json")
READY = HOME / "ready"
"""Exists once all of the practice was built."""
PORT = 8000
app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def demo(context: typer.Context) -> None:
    """The whole way, from nothing, in about a minute."""
    if context.invoked_subcommand is not None:
        return
    started = time.monotonic()
    check_installed()
    shutil.rmtree(HOME, ignore_errors=True)
    access = _set_up()
    console.rule("[bold]5  Serve, in a process of its own", align="left")
    with running(recommender(*SERVE), access.environment) as url:
        step(
            "6  Ask for one client's shortlist over HTTP",
            *("recommend", CLIENT, "--url", url),
            RECOMMENDER_KEY=access.key,
        )
    console.rule("[bold]Done", align="left")
    console.print(f"{time.monotonic() - started:.0f} seconds. The server has stopped. Now type:")
    console.print("  make serve                     the same server, until you stop it:")
    _print_pages(f"http://127.0.0.1:{PORT}", access)


@app.command()
def serve(port: Annotated[int, typer.Option(min=1, max=65535)] = PORT) -> None:
    """Serve the sample practice on this machine until stopped; builds it where it is missing."""
    access = _set_up()
    console.rule(f"[bold]{NAME}, a sample practice", align="left")
    console.print("Starting the server: some seconds.")
    command = recommender(*SERVE, "--host", "127.0.0.1", "--port", str(port))
    pages = partial(_print_pages, access=access)
    raise SystemExit(serve_until_stopped(command, access.environment, port, pages))


def _set_up() -> Access:
    """Builds what is missing or of another version, and counts the roster's dates from today."""
    today = _today()
    if not READY.exists() or DEFINITION.read_text("utf-8") != definition(today):
        check_installed()
        shutil.rmtree(HOME, ignore_errors=True)
        build(today)
        READY.touch()
    access = opened_access()
    write_clinicians(ROSTER, today)
    store_roster()
    return access


def _today() -> date:
    return datetime.now(ZoneInfo(shipped_practice().timezone)).date()


def _print_pages(url: str, access: Access) -> None:
    console.print(
        f"  {url}/match    the matching page, as clients see it",
        f"  {url}/staff    staff pages; sign in as one of:",
        *(f"      {name}, password {password}" for name, password in access.passwords.items()),
        f"  {url}/docs     for developers; the key of a matching tool: {KEY_FILE}",
        sep="\n",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    app()
