"""A file of clients gets what single requests get, and a run that was killed goes on."""

import json
import math
from datetime import date
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.errors import RecommenderError
from recommender.recommendation.batch_scoring import JobResult, score_clients
from recommender.recommendation.recommend import Intake, Recommendation, recommend
from recommender.recommendation.score_tables import JobSettings
from tests.support.builders import DAY, a_model, an_encoding, some_people

SIZE = 14


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.recommendation.batch_scoring.MIN_CHUNK_CLIENTS", 4)
    for limit in ("MAX_PAIRS", "SCREENED_PAIRS"):
        name = f"recommender.recommendation.scored_batch.{limit}"
        monkeypatch.setattr(name, 2 * len(an_encoding().roster))


def scored(
    out: Path, day: date = DAY, top_k: int = 4, size: int = SIZE, *, relaxations: bool = False
) -> JobResult:
    asked = JobSettings(an_encoding(), a_model(), day, top_k, relaxations)
    return score_clients(some_people(size), asked, "digest", out, lambda step, done: None)


def read(out: Path, table: str) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in sorted(out.glob(f"{table}-*.parquet"))])


def alone(row: int, top_k: int = 4) -> Recommendation:
    client = some_people(row + 1).columns.row(row)
    intake = Intake(client, some_people(row + 1).ids[row], ())
    return recommend(intake, an_encoding(), a_model(), day=DAY, top_k=top_k)


def test_every_client_gets_what_a_single_request_gives(tmp_path: Path) -> None:
    assert scored(tmp_path) == JobResult(chunks=4, computed=4, clients=SIZE)
    shown = read(tmp_path, "shortlist").set_index("client_id")
    clients = read(tmp_path, "clients").set_index("client_id")
    removed = read(tmp_path, "exclusions").set_index("client_id")

    for row, client_id in enumerate(some_people(SIZE).ids):
        found, own = alone(row), shown.loc[shown.index == client_id]
        assert (clients.loc[client_id, "mode"], clients.loc[client_id, "eligible"]) == (
            found.mode,
            found.eligible,
        )
        for column, name in (
            ("clinician_id", "clinician_id"), ("tie", "tie"), ("tie_broken_by", "tie_broken_by")
        ):  # fmt: skip
            said = [getattr(each, name) for each in found.shortlist]
            assert own[column].astype(object).where(own[column].notna(), None).tolist() == said
        for column, name in (("predicted_alliance", "predicted"), ("lower", "lower"),
                             ("upper", "upper"), ("ahead_of_next", "ahead")):  # fmt: skip
            said = [getattr(each, name) for each in found.shortlist]
            expected = np.array(said, dtype=np.float64)
            np.testing.assert_allclose(own[column].to_numpy(), expected, rtol=0, atol=1e-9)
        ledger = found.screening.constraint_counts
        counted = removed.loc[removed.index == client_id]
        assert counted.to_numpy().tolist() == [
            [r.constraint, r.removed, r.removed_only_by_it] for r in ledger
        ]


def test_every_client_gets_the_relaxations_of_a_single_request(tmp_path: Path) -> None:
    scored(tmp_path, top_k=20, size=20, relaxations=True)
    rows = read(tmp_path, "relaxations")
    expected = [
        (
            client_id,
            number,
            offer.text,
            [(change.field, change.answer) for change in offer.changes],
            offer.admits,
            offer.clinician_id,
            offer.predicted,
            offer.gain,
        )
        for row, client_id in enumerate(some_people(20).ids)
        for number, offer in enumerate(alone(row, 20).offers, 1)
    ]
    written = [
        (
            *row[:3],
            [(each["field"], json.loads(each["answer"])) for each in row[3]],
            *row[4:6],
            *(None if math.isnan(number) else number for number in row[6:]),
        )
        for row in rows.itertuples(index=False, name=None)
    ]
    not_agreeing, agreeing = "w19", "w11"
    assert {not_agreeing, agreeing} <= {row[0] for row in expected}
    assert written == expected


def test_relaxations_are_written_only_where_they_are_asked_for(tmp_path: Path) -> None:
    scored(tmp_path)
    assert not list(tmp_path.glob("relaxations-*"))
    with pytest.raises(RecommenderError, match="made from other clients"):
        scored(tmp_path, relaxations=True)


def test_a_killed_run_goes_on_and_ends_with_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    scored(whole)

    write_table, left = pq.write_table, iter(range(5))

    def killed(table: pa.Table, file: IO[bytes]) -> None:
        if next(left, None) is None:
            file.write(b"half a fi")
            raise KeyboardInterrupt
        write_table(table, file)

    broken = tmp_path / "broken"
    monkeypatch.setattr(pq, "write_table", killed)
    with pytest.raises(KeyboardInterrupt):
        scored(broken)
    monkeypatch.setattr(pq, "write_table", write_table)

    assert scored(broken) == JobResult(chunks=4, computed=3, clients=SIZE - 4)
    assert scored(broken) == JobResult(chunks=4, computed=0, clients=0)
    files = {path.name for path in whole.glob("*.parquet")}
    assert {path.name for path in broken.glob("*.parquet")} == files
    for name in files:
        pd.testing.assert_frame_equal(pd.read_parquet(whole / name), pd.read_parquet(broken / name))


def test_parts_of_another_day_are_not_mixed_in(tmp_path: Path) -> None:
    scored(tmp_path)
    with pytest.raises(RecommenderError, match="made from other clients"):
        scored(tmp_path, day=DAY.replace(day=24))


def test_a_list_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecommenderError, match="top_k"):
        scored(tmp_path, top_k=51)
