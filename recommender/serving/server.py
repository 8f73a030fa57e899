"""Runs the application until it is told to stop. Imported by `cli`."""

import signal
import sys
from types import FrameType

import uvicorn
from threadpoolctl import threadpool_limits

from recommender.errors import RecommenderError
from recommender.serving.app import create_app
from recommender.serving.logs import configure_logs
from recommender.settings import Settings


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets requests in flight finish.

    It listens only after a model has answered an invented request.

    Raises
    ------
    BundleError, TablesError
        When the model or the roster cannot be opened.
    RecommenderError
        When the server could not start, for one because its port is taken.
    """
    configure_logs(sys.stderr)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.grace_seconds,
    )
    # One request is small matrices: threads of the linear algebra would wait for each other, and
    # for whatever else the machine does.
    with threadpool_limits(1):
        _run(uvicorn.Server(config))


def _run(server: uvicorn.Server) -> None:
    # Once it has stopped, uvicorn raises the signal again for whoever handled it before. By then
    # its work is done: a stop that was asked for must not end the process as a failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _already_stopped)
    try:
        server.run()
    except SystemExit:
        remedy = "mend what the lines above name; a port may be taken"
        raise RecommenderError("server", "could not start", remedy) from None


def _already_stopped(_: int, __: FrameType | None) -> None:
    """Does nothing."""
