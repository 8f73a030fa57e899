import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.errors import BundleError
from recommender.model.bundle.archive import ARRAYS, packed, unpacked
from recommender.model.bundle.io import load_bundle
from tests.support.broken_bundles import Arrays, sealed, with_arrays
from tests.support.builders import a_bundle

PRIOR, DRAWS = "additive.prior", "additive.draws.matches"


def put(name: str, change: Callable[[np.ndarray[Any, Any]], object]) -> Callable[[Arrays], object]:
    return lambda arrays: arrays.__setitem__(name, np.asarray(change(arrays[name])))


DAMAGE: dict[str, Callable[[Arrays], object]] = {
    "an array too many": lambda arrays: arrays.update(more=np.zeros(2)),
    "an array too few": lambda arrays: arrays.pop(PRIOR),
    "a number that is none": put(PRIOR, lambda a: np.where(a == a.max(), np.nan, a)),
    "a number without end": put(PRIOR, lambda a: np.where(a == a.max(), np.inf, a)),
    "a row too many": put(PRIOR, lambda a: np.append(a, 0.0)),
    "one axis too many": put(PRIOR, lambda a: a[None]),
    "narrower numbers": put(PRIOR, lambda a: a.astype(np.float32)),
    "wider draws": put(DRAWS, lambda a: a.astype(np.float64)),
    "fewer draws of one block": put(DRAWS, lambda a: a[:, :-1]),
    "no draws at all": put(DRAWS, lambda a: a[:, :0]),
    "words": put(PRIOR, lambda a: np.array(["a"] * len(a))),
    "objects": put(PRIOR, lambda a: a.astype(object)),
    "numbers the other way round": put(PRIOR, lambda a: a.astype(">f8")),
    "a spread of nothing": put("additive.match.spread", np.zeros_like),
    "a count below none": put("records.count", lambda a: a - 1_000),
    "a record too few": put("records.mean", lambda a: a[1:]),
    "a level that is none": put("records.level_count", lambda a: a[:, 1:]),
    "a client": put("additive.fit.client_codes", lambda a: np.array([7])),
    "a column beyond the rows": put("additive.products.client.places", lambda a: a + 1_000),
    "a column before the rows": put("additive.products.client.places", lambda a: a - 1_000),
    "a direction too few": put("additive.products.client.basis", lambda a: a[1:]),
    "a level beyond the rows": put("additive.level_products.client.places", lambda a: a + 1_000),
    "a direction of levels too few": put(
        "additive.level_products.clinician.basis", lambda a: a[1:]
    ),
    "a panel of fewer": put("panel.guides", lambda a: a[1:]),
    "a panel without end": put("panel.guides", lambda a: a * np.inf),
    "tags nobody declared": put("panel.offers", lambda a: np.hstack([a, a])),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_arrays_that_do_not_fit_the_definition_are_refused(damage: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        load_bundle(with_arrays(a_bundle(tmp_path), DAMAGE[damage]))


def test_a_change_of_nothing_is_accepted(tmp_path: Path) -> None:
    assert load_bundle(with_arrays(a_bundle(tmp_path), lambda arrays: None))


def test_what_is_packed_is_unpacked_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    arrays: Arrays = {
        "a": rng.normal(size=(3, 2)),
        "b": np.asfortranarray(rng.normal(size=(4, 3, 2))),
        "c": rng.normal(size=5).astype(np.float32),
        "d": np.arange(0),
        "e": np.array([np.nan, -0.0]),
    }
    found = unpacked(packed(arrays))

    assert packed(found) == packed(arrays)
    for name, array in arrays.items():
        assert found[name].tobytes() == array.tobytes()
        assert found[name].dtype == array.dtype


def test_a_header_that_claims_more_than_there_is_makes_no_room_for_it(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    whole = io.BytesIO()
    np.save(whole, np.zeros(3))
    claim = whole.getvalue().replace(b"(3,), }         ", b"(3333333333,), }")
    assert claim != whole.getvalue()
    with zipfile.ZipFile(bundle / ARRAYS, "w") as archive:
        archive.writestr("additive.prior.npy", claim)

    with pytest.raises(BundleError):
        load_bundle(sealed(bundle))


@pytest.mark.parametrize("name", ["additive.prior", "../additive.prior.npy", "prior.pkl"])
def test_a_name_no_array_has_is_refused(name: str, tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    with zipfile.ZipFile(bundle / ARRAYS, "a") as archive:
        archive.writestr(name, archive.read("additive.prior.npy"))

    with pytest.raises(BundleError):
        load_bundle(sealed(bundle))


def test_an_array_told_twice_is_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    with (
        zipfile.ZipFile(bundle / ARRAYS, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("additive.prior.npy", archive.read("additive.prior.npy"))

    with pytest.raises(BundleError):
        load_bundle(sealed(bundle))
