"""Hypothesis strategies that several test modules draw from."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import ndtr

from recommender.features.feature import Array
from recommender.recommendation.ranking import (
    Places,
)

MAYBE = {
    "concern": st.sampled_from(["anxiety", "grief", "sleep"]),
    "wanted": st.lists(st.sampled_from(["act", "cbt", "emdr"]), unique=True),
    "directive": st.integers(-10, 10),
    "max_fee": st.integers(0, 500),
    "home": st.sampled_from(["-33.87,151.1", "-33.9,151.2", "-35,149"]),
    "max_km": st.integers(0, 200),
    "free": st.sampled_from(["mon 09:00-12:00", "tue 09:00-09:30; wed 18:00-20:00", "none"]),
    "not_with": st.lists(st.sampled_from(["k01", "k02", "k07"]), unique=True),
    "agrees": st.booleans(),
}


INTAKES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=MAYBE)


CLIENT_IDS = st.sampled_from([None, "c0001", "c0002", "c0300"])


SCORES = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, Array, Places]:
    """Pairing parts, falling, the leads that doubts of every size leave, and reservations."""
    pairing = np.array(sorted(draw(SCORES), reverse=True)) / 10
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    doubt = rng.uniform(0.01, 0.6, (len(pairing), len(pairing)))
    leads = ndtr((pairing[:, None] - pairing) / np.maximum(doubt, doubt.T))
    return pairing, leads, rng.integers(0, 3, len(pairing)).astype(np.intp)
