"""A bundle is what its digest says, holds no client, and scores as the model that was saved."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.errors import BundleError
from recommender.model.additive import Additive
from recommender.model.bundle.archive import LISTING
from recommender.model.bundle.io import bundle_digest, load_bundle, save_bundle
from recommender.model.evaluation_report import EvaluationReport, LearnerFigure
from recommender.model.interactions import LEVELS, NUMBERS
from tests.support.broken_bundles import sealed
from tests.support.builders import (
    a_bundle,
    a_dataset,
    a_model,
    an_encoding,
    an_intake,
    some_rows,
    some_tables,
)

FILES = [
    "arrays.npz",
    "client_trees.txt",
    LISTING,
    "manifest.json",
    "pairing_trees.txt",
    "practice.toml",
    "report.json",
]


def changed(bundle: Path, name: str, change: Callable[[str], str]) -> Path:
    path = bundle / name
    path.write_text(change(path.read_text()))
    sealed(bundle)
    return bundle


def test_a_loaded_model_scores_to_the_last_bit_as_the_one_saved(tmp_path: Path) -> None:
    dataset, encoding, loaded = a_dataset(), an_encoding(), load_bundle(a_bundle(tmp_path))
    before = a_model().score(dataset.clients, encoding, dataset.pairs)
    after = loaded.score(dataset.clients, loaded.encode_roster(encoding.roster), dataset.pairs)

    assert np.array_equal(before.pairing, after.pairing)
    assert np.array_equal(before.client, after.client)
    assert loaded.interval == a_model().interval
    assert loaded.manifest == a_model().manifest


def test_a_loaded_model_explains_as_the_one_saved(tmp_path: Path) -> None:
    dataset, encoding, loaded = a_dataset(), an_encoding(), load_bundle(a_bundle(tmp_path))
    before = a_model().contributions(dataset.clients, encoding, dataset.pairs)
    after = loaded.contributions(dataset.clients, encoding, dataset.pairs)

    assert np.array_equal(before.values, after.values)
    assert np.array_equal(before.start, after.start)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = save_bundle(a_model(), tmp_path / "one"), save_bundle(a_model(), tmp_path / "two")

    assert one == other == bundle_digest(tmp_path / "one")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_loaded_model_saved_again_has_the_same_digest(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)

    assert save_bundle(load_bundle(bundle), tmp_path / "again") == bundle_digest(bundle)


def test_a_figure_that_could_not_be_measured_does_not_lose_the_whole_training(
    tmp_path: Path,
) -> None:
    figure = LearnerFigure(learner="ours", metric="dyad partial", value=0.1, low=None)
    measured = replace(a_model(), report=EvaluationReport(figures=(figure,)))
    digest = save_bundle(measured, tmp_path / "bundle")
    report = load_bundle(tmp_path / "bundle").report

    assert report.figures == (figure,)
    assert report.figures[0].low is None
    assert save_bundle(load_bundle(tmp_path / "bundle"), tmp_path / "again") == digest


def test_the_day_it_was_made_is_told_but_not_part_of_the_digest(tmp_path: Path) -> None:
    later = replace(a_model(), manifest=replace(a_model().manifest, created_at="2027-01-01"))
    digest = save_bundle(later, tmp_path / "later")

    assert digest == bundle_digest(a_bundle(tmp_path))
    assert load_bundle(tmp_path / "later").manifest.created_at == "2027-01-01"


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_anywhere_is_refused(name: str, tmp_path: Path) -> None:
    path = a_bundle(tmp_path) / name
    whole = path.read_bytes()
    rng = np.random.default_rng(len(whole))
    inside = rng.integers(0, len(whole), 12 if name != LISTING else 200)
    for place in (0, len(whole) - 1, *inside.tolist()):
        broken = bytearray(whole)
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(broken))
        with pytest.raises(BundleError):
            load_bundle(path.parent)
        with pytest.raises(BundleError):
            bundle_digest(path.parent)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(name: str, tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (bundle / name).unlink()

    with pytest.raises(BundleError):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["notes.txt", "client_trees.txt.bak", "arrays.pkl"])
def test_an_added_file_is_refused(name: str, tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (bundle / name).write_text("")

    with pytest.raises(BundleError, match="does not list"):
        load_bundle(bundle)


def test_a_directory_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (bundle / "report.json").unlink()
    (bundle / "report.json").mkdir()

    with pytest.raises(BundleError):
        load_bundle(bundle)


def test_another_format_is_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    told = json.loads((bundle / LISTING).read_text())
    (bundle / LISTING).write_text(json.dumps(told | {"format": 99}))

    with pytest.raises(BundleError, match="another format"):
        load_bundle(bundle)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "files": [], "created_at": ""}'])
def test_a_listing_that_lists_nothing_readable_is_refused(text: str, tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    (bundle / LISTING).write_text(text)

    with pytest.raises(BundleError):
        load_bundle(bundle)


def test_a_feature_this_version_does_not_make_is_refused_by_its_name(tmp_path: Path) -> None:
    bundle = changed(
        a_bundle(tmp_path),
        "manifest.json",
        lambda text: text.replace("match.guidance", "match.old"),
    )

    told = r"added match\.guidance_apart, removed match\.old_apart"
    with pytest.raises(BundleError, match=told):
        load_bundle(bundle)


def test_features_in_another_order_are_refused(tmp_path: Path) -> None:
    def turn(text: str) -> str:
        facts = json.loads(text)
        facts["manifest"]["features"].reverse()
        return json.dumps(facts)

    with pytest.raises(BundleError, match=r"moved client\.concern"):
        load_bundle(changed(a_bundle(tmp_path), "manifest.json", turn))


def test_trees_that_read_other_columns_than_rows_have_are_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    text = (bundle / "client_trees.txt").read_text()

    with pytest.raises(BundleError, match="columns where rows have"):
        load_bundle(changed(bundle, "pairing_trees.txt", lambda _: text))


def test_facts_this_version_cannot_read_are_refused_and_do_not_stop_a_server(
    tmp_path: Path,
) -> None:
    for number, broken in enumerate(["{}", '{"manifest": {}}', "[1]"]):
        bundle = a_bundle(tmp_path / str(number))
        with pytest.raises(BundleError):
            load_bundle(changed(bundle, "manifest.json", lambda _, text=broken: text))  # type: ignore[misc]


def test_a_damaged_tree_under_a_fresh_digest_never_reaches_lightgbm(tmp_path: Path) -> None:
    bundle = changed(
        a_bundle(tmp_path),
        "pairing_trees.txt",
        lambda text: text.replace("left_child=-1", "left_child=99", 1),
    )

    with pytest.raises(BundleError, match="not a sound LightGBM model text"):
        load_bundle(bundle)


def test_arrays_that_unpack_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = a_bundle(tmp_path)
    packed = io.BytesIO()
    np.savez_compressed(packed, zeros=np.zeros(200_000))
    (bundle / "arrays.npz").write_bytes(packed.getvalue())
    sealed(bundle)
    monkeypatch.setattr("recommender.model.bundle.archive.MAX_FILE_BYTES", 1_000_000)

    with pytest.raises(BundleError):
        load_bundle(bundle)


def test_arrays_never_hold_pickles(tmp_path: Path) -> None:
    with np.load(a_bundle(tmp_path) / "arrays.npz", allow_pickle=False) as stored:
        kinds = {stored[name].dtype.kind for name in stored.files}

    assert kinds <= {"f", "i"}


def test_a_pickle_among_the_arrays_is_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=True, prior=np.array([{"a": 1}], dtype=object))
    (bundle / "arrays.npz").write_bytes(packed.getvalue())
    sealed(bundle)

    with pytest.raises(BundleError):
        load_bundle(bundle)


def test_a_bundle_is_never_written_over_another(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)

    with pytest.raises(BundleError, match="is not empty"):
        save_bundle(a_model(), bundle)


def test_no_client_is_in_a_bundle(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    contents = [path.read_bytes() for path in bundle.iterdir()]
    with zipfile.ZipFile(bundle / "arrays.npz") as packed:
        contents += [packed.read(name) for name in packed.namelist()]
    everything = b"\n".join(contents)

    assert some_rows()["clinicians"][1]["not_with"]
    # Whole words only: digests are hexadecimal and may hold any letter and four digits by chance.
    words = set(re.findall(rb"[A-Za-z0-9]+", everything))
    for client_id in some_tables().client_ids:
        assert client_id.encode() not in words
        assert client_id.encode("utf-32-le") not in everything


def test_no_size_in_a_bundle_is_the_number_of_clients(tmp_path: Path) -> None:
    with np.load(a_bundle(tmp_path) / "arrays.npz") as stored:
        sizes = {size for name in stored.files for size in stored[name].shape}

    assert not sizes & {len(a_dataset()), len(some_tables().client_ids)}


def test_a_model_without_trees_is_a_bundle_without_them(tmp_path: Path) -> None:
    small = replace(a_model(), trees=None, tree_weight=0.0, client_trees=None)
    save_bundle(small, tmp_path / "small")
    loaded = load_bundle(tmp_path / "small")
    client = an_intake().client

    assert not [p for p in (tmp_path / "small").iterdir() if re.search("trees", p.name)]
    assert np.array_equal(
        loaded.score(client, an_encoding()).alliance, small.score(client, an_encoding()).alliance
    )


def test_a_bundle_without_products_of_levels_loads_and_scores_as_it_did(tmp_path: Path) -> None:
    additive = a_model().additive
    coefficients = {n: c for n, c in additive.fit.coefficients.items() if n != LEVELS}
    fitted = replace(additive.fit, names=tuple(coefficients), coefficients=coefficients)
    products = {n: p for n, p in additive.frame.products.items() if n != LEVELS}
    draws = {n: d for n, d in additive.draws.items() if n != LEVELS}
    variances = {n: v for n, v in fitted.variances.items() if n != LEVELS}
    degrees = {n: v for n, v in fitted.degrees.items() if n != LEVELS}
    fitted = replace(fitted, variances=variances, degrees=degrees)
    frame = replace(additive.frame, products=products)
    earlier = replace(a_model(), additive=Additive(frame, fitted, draws))
    save_bundle(earlier, tmp_path / "earlier")
    loaded = load_bundle(tmp_path / "earlier")
    client = an_intake().client

    assert set(loaded.additive.frame.products) == {NUMBERS}
    assert np.array_equal(
        loaded.score(client, an_encoding()).alliance, earlier.score(client, an_encoding()).alliance
    )
