"""What every test needs before it starts."""

from collections.abc import Iterator

import hypothesis
import pytest

from experiments.bench.workers import Cluster, started

# The same cases for everyone: a failure on one machine is a failure on all, and can be looked at.
hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    # mlflow 3.17 raises this about its own types while it is imported, and hides it from everyone
    # whose warnings are not errors.
    inferred = r"ignore:[\s\S]*Any type hint is inferred as AnyType:UserWarning"
    config.addinivalue_line("filterwarnings", inferred)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers, for the tests of one file."""
    with started(tmp_path_factory.mktemp("cluster"), 2) as cluster:
        yield cluster
