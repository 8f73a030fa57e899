"""What every test needs before it starts."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # mlflow 3.17 raises this about its own types while it is imported, and hides it from everyone
    # whose warnings are not errors.
    inferred = r"ignore:[\s\S]*Any type hint is inferred as AnyType:UserWarning"
    config.addinivalue_line("filterwarnings", inferred)
