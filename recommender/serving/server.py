"""Runs the application with uvicorn, in one process or in several."""

import errno
import gc
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from threadpoolctl import threadpool_limits
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from recommender.errors import RecommenderError
from recommender.serving.http.json_log import configure_logs
from recommender.serving.http.timeout_protocol import TimeoutConfig
from recommender.settings import Settings

SETTINGS_VARIABLE = "RECOMMENDER_SERVED_SETTINGS"
"""Environment variable with the settings of worker processes; other users cannot read it."""
SWITCH_INTERVAL_SECONDS = 0.0005
"""Thread switch interval. With Python's default of 5 ms, the event loop, which also sends refusals,
waited up to half a second for computing threads."""
YOUNG_OBJECTS = 5_000
"""New containers after which Python looks for cycles among them. With its default of 700 it did so
nearly twice a request, 4 % of its time; with 20,000 it did so rarely, but for 15 ms."""
STARTUP_TIMEOUT_SECONDS = 120
"""Longest time for a worker process to load its model."""


def _no_notice() -> None:
    """Does nothing."""


def serve(settings: Settings, on_ready: Callable[[], None] = _no_notice) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the requests in progress.

    The port is taken first, and opened after the warm-up request of the model. Each of several
    processes holds its own model and follows changes itself; a process that dies is replaced.

    Parameters
    ----------
    on_ready
        Called once, when requests are answered.

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
    with threadpool_limits(1), bound(settings) as port:
        if settings.processes == 1:
            _run(_Server(_config(_app(settings), settings), on_ready), port)
        else:
            _run_several(settings, port, on_ready)


def worker_app() -> FastAPI:
    """The application of one worker process, with the settings of the first process."""
    configure_logs(sys.stderr)
    threadpool_limits(1)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    threading.Thread(target=_stop_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        return _app(Settings.model_validate_json(os.environ[SETTINGS_VARIABLE]))
    except RecommenderError as error:
        sys.stderr.write(f"{error}\n")
        # With any other exit code the supervisor would restart the process.
        sys.exit(STARTUP_FAILURE)


def _app(settings: Settings) -> FastAPI:
    # Late: the process that starts several others needs no application, and a port that is in use
    # is found in half the time.
    # A quarter of a million objects are created meanwhile, and nearly all stay.
    gc.disable()
    try:
        from recommender.serving.app import create_app
        from recommender.serving.dependencies import app_state

        app = create_app(settings)
    finally:
        gc.enable()
        gc.set_threshold(YOUNG_OBJECTS)
    app_state(app).snapshots.on_new_model = _exclude_model_from_collections
    return app


def _exclude_model_from_collections() -> None:
    """Frees the former model, and excludes the present one from later garbage collections."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


class _Supervisor(Multiprocess):
    def __init__(
        self, config: TimeoutConfig, sockets: list[socket.socket], on_ready: Callable[[], None]
    ) -> None:
        super().__init__(config, sockets)
        self._on_ready = on_ready

    def init_processes(self) -> None:
        super().init_processes()
        if all(each.wait_until_ready(STARTUP_TIMEOUT_SECONDS) for each in self.processes):
            self._on_ready()


def _config(app: Any, settings: Settings, **options: Any) -> TimeoutConfig:
    return TimeoutConfig(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # Of what proxies send, only that of declared ones is read; see `create_app`.
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        head_seconds=settings.receive_timeout_seconds,
        max_connections=settings.max_connections,
        **options,
    )


def _run(server: uvicorn.Server, port: socket.socket) -> None:
    # After its shutdown uvicorn raises the signal again for the former handler, which would end the
    # process with an error.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore_signal)
    try:
        server.run(sockets=[port])
    except SystemExit:
        raise _not_started() from None


def _run_several(settings: Settings, port: socket.socket, on_ready: Callable[[], None]) -> None:
    os.environ[SETTINGS_VARIABLE] = worker_environment(settings)
    config = _config(
        "recommender.serving.server:worker_app",
        settings,
        factory=True,
        workers=settings.processes,
        timeout_worker_healthcheck=STARTUP_TIMEOUT_SECONDS,
    )
    supervisor = _Supervisor(config, [port], on_ready)
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


@contextmanager
def bound(settings: Settings) -> Iterator[socket.socket]:
    """The port, taken but not open yet: until the model is loaded, connections are refused."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sends small packets at once (TCP_NODELAY) only for a socket whose protocol is stated;
    # otherwise the body of an answer waits 40 ms for the client to acknowledge its headers.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            port.bind((settings.host, settings.port))
        except OSError as error:
            raise _not_bound(error, settings) from None
        yield port


def _not_bound(error: OSError, settings: Settings) -> RecommenderError:
    if error.errno == errno.EADDRINUSE:
        remedy = "stop the program that uses it, or give another with --port (RECOMMENDER_PORT)"
        return RecommenderError(f"port {settings.port}", "is in use", remedy)
    if error.errno == errno.EACCES:
        remedy = "give one above 1023 with --port, or let a reverse proxy listen there"
        return RecommenderError(f"port {settings.port}", "may not be used by this account", remedy)
    remedy = "give an address of this machine with --host (RECOMMENDER_HOST), such as 127.0.0.1"
    return RecommenderError("host", "is not an address of this machine", remedy)


def _not_started() -> RecommenderError:
    return RecommenderError("server", "cannot start", "fix the errors logged above")


def _ignore_signal(_: int, __: FrameType | None) -> None:
    """Does nothing."""
