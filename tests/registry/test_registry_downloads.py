"""Bundles on disk: whole or not there, downloaded once."""

import os
from pathlib import Path

import pytest

from recommender.errors import RegistryError
from recommender.registry.registry import ABANDONED_AFTER_SECONDS, install_bundle

DIGEST = "ab" * 32


def filled(directory: Path) -> Path:
    bundle = directory / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    return bundle


def interrupted(directory: Path) -> Path:
    filled(directory)
    raise KeyboardInterrupt


def never(_: Path) -> Path:
    raise AssertionError("downloaded again")


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_bundle_appears_under_its_digest_and_nothing_else_is_left(tmp_path: Path) -> None:
    settled = install_bundle(tmp_path / "bundles", DIGEST, filled)

    assert settled == tmp_path / "bundles" / DIGEST
    assert names(settled) == ["manifest.json"]
    assert names(tmp_path / "bundles") == [DIGEST]


def test_a_bundle_that_is_there_is_not_downloaded_again(tmp_path: Path) -> None:
    install_bundle(tmp_path, DIGEST, filled)

    assert install_bundle(tmp_path, DIGEST, never) == tmp_path / DIGEST


def test_a_download_that_was_stopped_leaves_no_bundle_and_the_next_one_succeeds(
    tmp_path: Path,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        install_bundle(tmp_path, DIGEST, interrupted)

    assert names(tmp_path) == []
    assert install_bundle(tmp_path, DIGEST, filled).is_dir()


def test_what_a_killed_process_left_is_never_taken_for_a_bundle(tmp_path: Path) -> None:
    filled(_left_behind(tmp_path, seconds_ago=0))
    settled = install_bundle(tmp_path, DIGEST, filled)

    assert names(settled) == ["manifest.json"]
    # Another process may still be filling it.
    assert names(tmp_path) == [".fetching-left", DIGEST]


def test_what_was_left_behind_long_ago_is_removed(tmp_path: Path) -> None:
    _left_behind(tmp_path, seconds_ago=2 * ABANDONED_AFTER_SECONDS)
    install_bundle(tmp_path, DIGEST, filled)

    assert names(tmp_path) == [DIGEST]


def test_the_first_of_two_processes_wins_and_both_get_the_bundle(tmp_path: Path) -> None:
    def overtaken(directory: Path) -> Path:
        install_bundle(tmp_path, DIGEST, filled)
        return filled(directory)

    assert install_bundle(tmp_path, DIGEST, overtaken) == tmp_path / DIGEST
    assert names(tmp_path) == [DIGEST]


@pytest.mark.parametrize("digest", ["", "../../etc", "AB" * 32, "ab" * 32 + "\n", "ab/cd" * 4])
def test_a_digest_that_could_name_another_place_is_refused(tmp_path: Path, digest: str) -> None:
    with pytest.raises(RegistryError, match="not a hexadecimal digest"):
        install_bundle(tmp_path, digest, never)


def _left_behind(into: Path, seconds_ago: float) -> Path:
    left = into / ".fetching-left"
    left.mkdir()
    changed = left.stat().st_mtime - seconds_ago
    os.utime(left, (changed, changed))
    return left
