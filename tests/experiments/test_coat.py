"""Coat ratings as tables, on invented coats: never on a row of the real files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.coat.first_ranks import first_ranks, shuffled
from experiments.coat.load import (
    CHOSEN,
    COATS,
    DEFINITION,
    PEOPLE,
    RANDOM,
    coat_ratings,
    load,
    named_practice,
    one_hot_answers,
)
from experiments.real_ratings import RealRatings, folds_of, open_dataset, open_each, write_tables
from recommender.practice.definition import load_practice
from recommender.tables.report import check_tables

PERSON = ("gender", "age", "location", "fashioninterest")
COAT = ("gender", "jackettype", "color", "onfrontpage")
OF = {"jackettype": "type", "color": "colour", "onfrontpage": "front_page"} | {
    "fashioninterest": "fashion_interest"
}


def levels_of(side: str, answer: str) -> tuple[str, ...]:
    """The levels that the definition declares for an answer of the file."""
    practice = load_practice(DEFINITION)
    field = (practice.client if side == "client" else practice.clinician)[OF.get(answer, answer)]
    return field.levels or ("yes", "no")


def write_features(folder: Path, name: str, side: str, answers: tuple[str, ...], rows: int) -> None:
    """Marks of so many people or coats, each level as often as the others, and their names."""
    marks, names = [], []
    for answer in answers:
        levels = levels_of(side, answer)
        marks.append(np.eye(len(levels), dtype=int)[np.arange(rows) % len(levels)])
        names += [f"{answer}:{level}" for level in levels]
    np.savetxt(folder / f"{name}.ascii", np.concatenate(marks, axis=1), fmt="%d")
    (folder / f"{name}_map.txt").write_text("\n".join(names), encoding="utf-8")


def write_files(folder: Path, people: int = 40, coats: int = 30, seed: int = 3) -> None:
    """A folder as the study gives it, in which coats cut for the person are liked."""
    rng = np.random.default_rng(seed)
    write_features(folder, PEOPLE, "client", PERSON, people)
    write_features(folder, COATS, "clinician", COAT, coats)
    suits = (np.arange(people)[:, None] - np.arange(coats)) % 2 == 0
    liked = np.clip(np.round(2 + 2 * suits + rng.normal(size=suits.shape)), 1, 5).astype(int)
    for name, share in ((CHOSEN, 0.4), (RANDOM, 0.3)):
        np.savetxt(folder / name, np.where(rng.random(liked.shape) < share, liked, 0), fmt="%d")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("coat")
    write_files(written)
    return written


@pytest.fixture(scope="module")
def ratings(folder: Path) -> RealRatings:
    return load(folder)


def test_the_tables_have_no_faults_with_either_definition(
    ratings: RealRatings, tmp_path: Path
) -> None:
    write_tables(ratings.tables, tmp_path)
    for practice in (ratings.practice, named_practice()):
        assert check_tables(tmp_path, practice).grouped() == ()


def test_only_the_named_definition_declares_a_match(ratings: RealRatings) -> None:
    unnamed, named = ratings.protocols
    without, practice = unnamed.practice or ratings.practice, named.practice or ratings.practice
    assert not without.matches
    assert set(practice.matches) == {"same_gender", "front_page_by_interest"}
    assert practice.client == without.client


def test_an_answer_is_the_level_marked_and_none_where_several_are(tmp_path: Path) -> None:
    (tmp_path / "x_map.txt").write_text("gender:men\ngender:women\nage:20-30\n", "utf-8")
    (tmp_path / "x.ascii").write_text("1 0 1\n1 1 0\n", "utf-8")
    answers = one_hot_answers(tmp_path, "x")
    assert answers["gender"][0] == "men"
    assert answers["age"][0] == "20-30"
    assert answers.isna().to_numpy().tolist() == [[False, False], [True, True]]


def test_a_rating_in_both_files_is_tested_and_never_learned_from() -> None:
    chosen, random = np.array([[4, 2], [0, 3]]), np.array([[4, 0], [1, 0]])
    people = pd.DataFrame({answer: [levels_of("client", answer)[0]] * 2 for answer in PERSON})
    coats = pd.DataFrame({answer: [levels_of("clinician", answer)[0]] * 2 for answer in COAT})
    found = coat_ratings(chosen, random, people, coats)
    assert found.notes[1].startswith("1 ratings are in both files")
    pairings = found.tables["pairings"]["pairing_id"].tolist()
    assert pairings == ["chosen-p0-c1", "chosen-p1-c1", "random-p0-c0", "random-p1-c0"]


def test_chosen_coats_are_learned_from_and_random_ones_tested(ratings: RealRatings) -> None:
    for protocol, dataset in zip(
        ratings.protocols, open_each(ratings, ratings.protocols), strict=True
    ):
        [fold] = folds_of(dataset, protocol)
        ids = np.array(dataset.pairing_ids)
        assert all(each.startswith("chosen-") for each in ids[fold.train])
        assert all(each.startswith("random-") for each in ids[fold.test])
        assert len(fold.train) + len(fold.test) == len(ratings.tables["pairings"])


def test_one_dataset_is_opened_for_each_definition(ratings: RealRatings) -> None:
    unnamed, named = ratings.protocols
    first, second, third = open_each(ratings, (unnamed, named, unnamed))
    assert first is third
    assert not first.practice.matches
    assert second.practice.matches


def test_ratings_dealt_out_again_are_the_same_ratings(ratings: RealRatings) -> None:
    real, null = (each.tables["ratings"]["score"] for each in (ratings, shuffled(ratings, 0)))
    assert sorted(real) == sorted(null)
    assert (real != null).any()


def test_first_ranks_count_every_client_once_and_agree_less_where_coats_suit_some(
    ratings: RealRatings,
) -> None:
    found = first_ranks(ratings, ratings.protocols[1])
    assert sum(found.counts) == found.concentration.clients
    assert list(found.counts) == sorted(found.counts, reverse=True)
    # Half of the coats suit a person, and the other half suit those of the other gender.
    assert found.agreement < 0.5
    assert len(open_dataset(ratings)) == len(ratings.tables["ratings"])
