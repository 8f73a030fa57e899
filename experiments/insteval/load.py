"""Lecture ratings as a practice's tables: students are clients, lecturers clinicians.

No trait is derived from a rating; when a lecture was heard only says when a pairing began.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.real_ratings import Protocol, RealRatings, single_ratings
from recommender.practice.definition import load_practice

FILE = "insteval.csv"
DEFINITION = Path(__file__).with_name("definition.toml")
COLUMNS = ("s", "d", "studage", "lectage", "service", "dept", "y")
LAST_SEMESTER = date(2010, 2, 22)
"""Invented: the file says how many semesters ago a lecture was heard, not when."""
SEMESTER = timedelta(weeks=26)
HIDDEN, SEED = 0.2, 0


def load(folder: Path) -> RealRatings:
    """The data set in a folder."""
    return insteval(pd.read_csv(folder / FILE, usecols=list(COLUMNS)))


def insteval(file: pd.DataFrame) -> RealRatings:
    """Tables, notes and protocols from the rows of the file."""
    practice = load_practice(DEFINITION)
    pairings = _pairings(file)
    ratings = single_ratings(pairings, file["y"].to_numpy(), practice)
    clients = _students(file)
    unknown = int(clients["department"].isna().sum())
    rows = file.set_axis(pairings["pairing_id"], axis="index")
    return RealRatings(
        title="lme4 InstEval",
        practice=practice,
        tables={
            "clients": clients,
            "clinicians": _lecturers(file),
            "pairings": pairings,
            "ratings": ratings,
        },
        rows=len(file),
        notes=(
            f"{len(file):,} ratings of {file['d'].nunique():,} lecturers by {len(clients):,} "
            "students; no row left out.",
            f"{unknown} students heard service lectures only: their own department is not known.",
            "Dates are invented from how many semesters ago a lecture was heard; ratings were "
            "collected afterwards, so this is the age of the lecture, not of the rating.",
        ),
        protocols=(hide_ratings(rows), last_semester(rows), hide_lecturers(rows)),
    )


def hide_ratings(rows: pd.DataFrame) -> Protocol:
    """Random ratings hidden; rows are indexed by pairing id."""
    hidden = np.random.default_rng(SEED).random(len(rows)) < HIDDEN
    split = pd.Series("hidden", index=rows.index[hidden])
    meaning = f"{HIDDEN:.0%} of the ratings hidden at random: both sides are known."
    return Protocol("warm", meaning, (split,))


def last_semester(rows: pd.DataFrame) -> Protocol:
    """Lectures of the last semester, of students who rated older ones too."""
    recent = rows["lectage"] == 1
    older = rows.loc[~recent, "s"]
    split = pd.Series("last semester", index=rows.index[recent & rows["s"].isin(older)])
    meaning = (
        "Lectures of the last semester by students who rated older ones; learned from all lectures "
        f"before it. {int(recent.sum()) - len(split)} ratings of the last semester by other "
        "students are neither learned from nor tested."
    )
    return Protocol("forward", meaning, (split,), forward=True)


def hide_lecturers(rows: pd.DataFrame) -> Protocol:
    """Random lecturers hidden with all their ratings."""
    lecturers = np.unique(rows["d"])
    hidden = lecturers[np.random.default_rng(SEED).random(len(lecturers)) < HIDDEN]
    split = pd.Series("hidden", index=rows.index[rows["d"].isin(hidden)])
    meaning = f"{HIDDEN:.0%} of the lecturers hidden with all their ratings: the student is known."
    return Protocol("cold", meaning, (split,))


def _pairings(file: pd.DataFrame) -> pd.DataFrame:
    clients, clinicians = _ids(file["s"], "s"), _ids(file["d"], "d")
    ago = file["lectage"].to_numpy() - 1
    return pd.DataFrame(
        {
            "pairing_id": clients + "-" + clinicians,
            "client_id": clients,
            "clinician_id": clinicians,
            "started_on": [LAST_SEMESTER - int(semesters) * SEMESTER for semesters in ago],
        }
    )


def _ids(numbers: "pd.Series[int]", prefix: str) -> "pd.Series[str]":
    return (prefix + numbers.astype("str")).reset_index(drop=True)


def _students(file: pd.DataFrame) -> pd.DataFrame:
    # Each student's lectures that are not service are of one department (14 of 2,972 have none).
    own = file[file["service"] == 0].groupby("s")["dept"].first().astype("str")
    students = file.groupby("s")["studage"].first()
    return pd.DataFrame(
        {
            "client_id": _ids(students.index.to_series(), "s").to_numpy(),
            "semesters": students.to_numpy(),
            "department": own.reindex(students.index).to_numpy(),
        }
    )


def _lecturers(file: pd.DataFrame) -> pd.DataFrame:
    by_lecturer = file.groupby("d")
    department, share = by_lecturer["dept"].first(), by_lecturer["service"].mean()
    return pd.DataFrame(
        {
            "clinician_id": _ids(department.index.to_series(), "d").to_numpy(),
            "department": department.to_numpy(),
            "service_share": share.to_numpy(),
        }
    )
