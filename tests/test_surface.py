"""What `import recommender` offers: cheap, complete, and clear where an extra is missing."""

import subprocess
import sys

import pytest

import recommender

TRAINING = ("mlflow", "matplotlib", "optuna", "recommender.training")
HEAVY = ("numpy", "pandas", "lightgbm", "sklearn", "mlflow", "matplotlib", "pydantic")


def test_importing_the_package_imports_nothing_that_takes_long() -> None:
    code = f"import recommender, sys; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_a_stored_model_is_used_without_what_training_alone_needs() -> None:
    names = ("check", "load_model", "load_practice", "load_tables", "recommend", "PracticeModel")
    code = f"import recommender, sys; [getattr(recommender, n) for n in {names}]; "
    code += f"print([m for m in {TRAINING} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", recommender.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(recommender, name)

    assert name in dir(recommender)
    assert len((found.__doc__ or "").splitlines()[0]) > 20


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        recommender.predict  # type: ignore[attr-defined]  # noqa: B018


def test_a_missing_extra_is_said_with_what_installs_it() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import recommender; "
    code += "recommender.AllianceRegressor"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert "needs sklearn" in found.stderr
    assert "run `pip install -e '.[train]'`" in found.stderr
