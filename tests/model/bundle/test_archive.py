import json
import os
import shutil
from pathlib import Path

import pytest

from recommender.errors import BundleError
from recommender.model.bundle.archive import ARRAYS, LISTING, PAIRING, listing
from recommender.model.bundle.io import bundle_digest, load_bundle
from tests.support.broken_bundles import sealed
from tests.support.builders import a_bundle


def test_a_file_no_bundle_has_is_refused_even_when_it_is_listed(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (bundle / "more.pkl").write_bytes(b"")

    with pytest.raises(BundleError, match="no bundle has"):
        bundle_digest(sealed(bundle))


@pytest.mark.parametrize("name", ["../arrays.npz", "/etc/passwd", "", "arrays.npz/"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    shutil.copy(bundle / ARRAYS, tmp_path / ARRAYS)
    told = json.loads((bundle / LISTING).read_text())
    told["files"][name] = told["files"].pop(ARRAYS)
    (bundle / LISTING).write_bytes(listing(told["files"], told["created_at"]))

    with pytest.raises(BundleError):
        bundle_digest(bundle)


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (bundle / ARRAYS).rename(tmp_path / "elsewhere")
    (bundle / ARRAYS).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BundleError, match="no file"):
        load_bundle(bundle)


def test_a_pipe_in_place_of_a_file_does_not_wait_for_ever(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (bundle / PAIRING).unlink()
    os.mkfifo(bundle / PAIRING)

    with pytest.raises(BundleError):
        load_bundle(bundle)


def test_a_file_larger_than_any_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = a_bundle(tmp_path)
    monkeypatch.setattr("recommender.model.bundle.archive.MAX_FILE_BYTES", 1_000)

    with pytest.raises(BundleError, match="too large"):
        load_bundle(bundle)


@pytest.mark.parametrize("made", ["yesterday", 7, ["2026-11-23"]])
def test_a_day_that_is_none_is_refused(made: object, tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    told = json.loads((bundle / LISTING).read_text())
    (bundle / LISTING).write_bytes(listing(told["files"], made))  # type: ignore[arg-type]

    with pytest.raises(BundleError):
        load_bundle(bundle)
