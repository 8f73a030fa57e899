"""Runs the application with uvicorn, in one process or in several."""

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
from recommender.serving.http.request_context import configure_logs
from recommender.serving.http.timeout_protocol import TimeoutConfig
from recommender.settings import Settings

SETTINGS_VARIABLE = "RECOMMENDER_SERVED_SETTINGS"
"""Environment variable with the settings of worker processes; other users cannot read it."""
SWITCH_INTERVAL_SECONDS = 0.0005
"""Thread switch interval. With Python's default of 5 ms, the event loop, which also sends refusals,
waited up to half a second for computing threads."""
STARTUP_TIMEOUT_SECONDS = 120
"""Longest time for a worker process to load its model."""


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the requests in progress.

    The port is opened after the warm-up request of the model. Each of several processes holds its
    own model and follows changes itself; a process that dies is replaced.

    Raises
    ------
    BundleError, TablesError
        When the model or the roster cannot be loaded.
    RecommenderError
        When the server cannot start, for example because its port is in use.
    """
    configure_logs(sys.stderr)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    # Requests use small matrices, for which threads of the linear algebra only add waiting.
    with threadpool_limits(1):
        if settings.processes == 1:
            _run(uvicorn.Server(_config(create_app(settings), settings)))
        else:
            _run_several(settings)


def worker_app() -> FastAPI:
    """The application of one worker process, with the settings of the first process."""
    configure_logs(sys.stderr)
    threadpool_limits(1)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    threading.Thread(target=_stop_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        return create_app(Settings.model_validate_json(os.environ[SETTINGS_VARIABLE]))
    except RecommenderError as error:
        sys.stderr.write(f"{error}\n")
        # With any other exit code the supervisor would restart the process.
        sys.exit(STARTUP_FAILURE)


def _config(app: Any, settings: Settings, **options: Any) -> TimeoutConfig:
    return TimeoutConfig(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        head_seconds=settings.receive_timeout_seconds,
        max_connections=settings.max_connections,
        **options,
    )


def _run(server: uvicorn.Server) -> None:
    # After its shutdown uvicorn raises the signal again for the former handler, which would end the
    # process with an error.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore_signal)
    try:
        server.run()
    except SystemExit:
        raise _not_started() from None


def _run_several(settings: Settings) -> None:
    os.environ[SETTINGS_VARIABLE] = worker_environment(settings)
    config = _config(
        "recommender.serving.server:worker_app",
        settings,
        factory=True,
        workers=settings.processes,
        timeout_worker_healthcheck=STARTUP_TIMEOUT_SECONDS,
    )
    with _listening(settings) as shared:
        supervisor = Multiprocess(config, sockets=[shared])
        supervisor.run()
    if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes):
        raise _not_started()


def worker_environment(settings: Settings) -> str:
    """Settings as JSON for `worker_app`; contains secrets."""
    values = settings.model_dump(mode="json")
    for name, value in settings:
        if isinstance(value, SecretStr):
            values[name] = value.get_secret_value()
    return json.dumps(values)


def _stop_with_parent(first: int) -> None:
    """Stops this process when its parent has died; it would keep the port open otherwise."""
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
    remedy = "fix the errors logged above; the port may be in use"
    return RecommenderError("server", "cannot start", remedy)


def _ignore_signal(_: int, __: FrameType | None) -> None:
    """Does nothing."""
