"""Runs the application until it is told to stop, in one process or in several.

Imported by `cli`.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from threadpoolctl import threadpool_limits
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from recommender.errors import RecommenderError
from recommender.serving.app import create_app
from recommender.serving.http.body_limits import TimeoutConfig
from recommender.serving.http.request_context import configure_logs
from recommender.settings import Settings

TOLD = "RECOMMENDER_SERVED_SETTINGS"
"""How the first process tells the others: in the environment, which other users cannot read."""
SWITCH_SECONDS = 0.0005
"""How long a thread computes before another may: the one that answers refusals, too, has to wait
for its turn. Python's own 5 ms let refusals wait half a second behind what is computed."""
START_SECONDS = 120
"""How long a process may take to open its model before it is taken to hang."""


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets requests in flight finish.

    It listens only after a model has answered an invented request. Of several processes each has
    its own model and takes up changes by itself; one that dies is replaced.

    Raises
    ------
    BundleError, TablesError
        When the model or the roster cannot be opened.
    RecommenderError
        When the server could not start, for one because its port is taken.
    """
    configure_logs(sys.stderr)
    sys.setswitchinterval(SWITCH_SECONDS)
    # One request is small matrices: threads of the linear algebra would wait for each other, and
    # for whatever else the machine does.
    with threadpool_limits(1):
        if settings.processes == 1:
            _run(uvicorn.Server(_config(create_app(settings), settings)))
        else:
            _run_several(settings)


def worker_app() -> FastAPI:
    """The application of one process among several, by what the first one was told."""
    configure_logs(sys.stderr)
    threadpool_limits(1)
    sys.setswitchinterval(SWITCH_SECONDS)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        return create_app(Settings.model_validate_json(os.environ[TOLD]))
    except RecommenderError as error:
        sys.stderr.write(f"{error}\n")
        # Any other end would be taken for an accident, and the process started again.
        sys.exit(STARTUP_FAILURE)


def _config(app: Any, settings: Settings, **more: Any) -> TimeoutConfig:
    return TimeoutConfig(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        head_seconds=settings.receive_seconds,
        most_connections=settings.connections,
        **more,
    )


def _run(server: uvicorn.Server) -> None:
    # Once it has stopped, uvicorn raises the signal again for whoever handled it before. By then
    # its work is done: a stop that was asked for must not end the process as a failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _already_stopped)
    try:
        server.run()
    except SystemExit:
        raise _not_started() from None


def _run_several(settings: Settings) -> None:
    os.environ[TOLD] = worker_environment(settings)
    config = _config(
        "recommender.serving.server:one_of_several",
        settings,
        factory=True,
        workers=settings.processes,
        timeout_worker_healthcheck=START_SECONDS,
    )
    with _listening(settings) as shared:
        supervisor = Multiprocess(config, sockets=[shared])
        supervisor.run()
    if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes):
        raise _not_started()


def worker_environment(settings: Settings) -> str:
    """Settings as `one_of_several` reads them, secrets included."""
    shown = settings.model_dump(mode="json")
    for name, value in settings:
        if isinstance(value, SecretStr):
            shown[name] = value.get_secret_value()
    return json.dumps(shown)


def _end_with(first: int) -> None:
    """Stops this process when the first one is gone: nobody would stop it, and it has the port."""
    while os.getppid() == first:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError:
        raise _not_started() from None


def _not_started() -> RecommenderError:
    remedy = "mend what the lines above name; a port may be taken"
    return RecommenderError("server", "could not start", remedy)


def _already_stopped(_: int, __: FrameType | None) -> None:
    """Does nothing."""
