import threading
from pathlib import Path

import pytest

from recommender.rollout.bundle_cache import BundleCache, RegistryPointer

ONE, OTHER = "ab" * 32, "cd" * 32


@pytest.mark.parametrize(
    "offer",
    [
        RegistryPointer(),
        RegistryPointer(ONE),
        RegistryPointer(ONE, "BundleError"),
        RegistryPointer(unreachable=True),
        RegistryPointer(ONE, version=3),
    ],
)
def test_an_offer_is_read_as_it_was_written(offer: RegistryPointer, tmp_path: Path) -> None:
    bundle_cache = BundleCache(tmp_path / "shelf")
    bundle_cache.write_pointer(offer)

    assert bundle_cache.read_pointer() == offer


def test_an_empty_shelf_offers_nothing_and_knows_no_last_good(tmp_path: Path) -> None:
    assert BundleCache(tmp_path / "nowhere").read_pointer() is None
    assert BundleCache(tmp_path / "nowhere").last_good() is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"digest": "../elsewhere", "refused": null, "away": false}',
        '{"digest": 7, "refused": null, "away": false}',
        '{"digest": null}',
        "[" * 100_000,
    ],
)
def test_a_damaged_offer_is_none(text: str, tmp_path: Path) -> None:
    bundle_cache = BundleCache(tmp_path)
    bundle_cache.write_pointer(RegistryPointer(ONE))
    (tmp_path / "offer.json").write_text(text)

    assert bundle_cache.read_pointer() is None


@pytest.mark.parametrize("text", ["", "../elsewhere", "AB" * 32, ONE + "\n", "\x00"])
def test_a_damaged_note_of_the_last_good_one_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "last_good").write_text(text)

    assert BundleCache(tmp_path).last_good() is None


def test_forgetting_an_offer_keeps_what_answered_last(tmp_path: Path) -> None:
    bundle_cache = BundleCache(tmp_path)
    bundle_cache.write_pointer(RegistryPointer(ONE))
    bundle_cache.store_last_good(ONE)
    bundle_cache.clear_pointer()
    bundle_cache.clear_pointer()

    assert bundle_cache.read_pointer() is None
    assert bundle_cache.last_good() == ONE


def test_a_reader_finds_the_old_or_the_new_and_never_a_half(tmp_path: Path) -> None:
    bundle_cache, done = BundleCache(tmp_path), threading.Event()
    bundle_cache.store_last_good(ONE)

    def write() -> None:
        for turn in range(200):
            bundle_cache.store_last_good((OTHER, ONE)[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    found = set()
    while not done.is_set():
        found.add(bundle_cache.last_good())
    writer.join()

    assert found <= {ONE, OTHER}
    assert [path.name for path in tmp_path.iterdir()] == ["last_good"]
