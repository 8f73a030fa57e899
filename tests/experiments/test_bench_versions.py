"""Two checkouts answer the same requests in turn."""

import subprocess
from pathlib import Path

import pytest

from experiments.bench.versions import AT_ONCE, HERE, compare_versions, shares
from recommender.settings import Settings
from tests.support.server import a_request


@pytest.mark.slow
def test_a_checkout_gives_the_same_answers_as_itself(settings: Settings) -> None:
    assert settings.bundle is not None
    assert settings.roster is not None
    bodies = [a_request()] * (AT_ONCE + 3)
    found = compare_versions(HERE, settings.bundle, settings.roster, bodies)
    assert (found.clients, found.equal) == (3, 3)
    for taken in (found.new, found.known):
        assert [len(each) for each in taken] == [3, 3]
        assert min(map(min, taken)) > 0


@pytest.mark.slow
def test_a_folder_that_is_no_checkout_is_no_version(settings: Settings, tmp_path: Path) -> None:
    package = tmp_path / "recommender"
    package.mkdir()
    (package / "__init__.py").touch()
    assert settings.bundle is not None
    assert settings.roster is not None
    with pytest.raises(subprocess.CalledProcessError):
        compare_versions(tmp_path, settings.bundle, settings.roster, [a_request()] * 2 * AT_ONCE)


def test_this_version_is_compared_with_the_other() -> None:
    found = shares(([1.0, 2.0, 6.0], [1.0, 1.0, 1.0]))
    assert found == pytest.approx((2.0, 1.0, 0.5, 1 / 3))
