"""What every test needs before it starts."""

import hypothesis
import pytest

# The same cases for everyone: a failure on one machine is a failure on all, and can be looked at.
hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    # mlflow 3.17 raises this about its own types while it is imported, and hides it from everyone
    # whose warnings are not errors.
    inferred = r"ignore:[\s\S]*Any type hint is inferred as AnyType:UserWarning"
    config.addinivalue_line("filterwarnings", inferred)
