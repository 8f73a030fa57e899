"""From a latent alliance to a form's score: items with thresholds, ceilings and straight-liners.

Numbers reproduce published means, spreads and reliabilities at N = 200,000; no item has wording.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr

from experiments.simulated_practice.draws import Array, Random
from recommender.alliance.instruments import Instrument

SHARED = 0.69
"""Part of a form's variance all instruments share: cross-instrument r of about .6."""


class Form(Protocol):
    """How one instrument's items answer a latent alliance."""

    @property
    def load(self) -> float:
        """Correlation of an item with what the form measures."""

    def respond(self, item: Array) -> Array:
        """Responses to latent item values of unit variance, same shape."""


@dataclass(frozen=True, slots=True)
class Likert:
    """Items answered in ordered categories.

    Attributes
    ----------
    load, thresholds, lowest
        Loading; standard-normal thresholds between categories; the lowest category.
    """

    load: float
    thresholds: tuple[float, ...]
    lowest: int = 1

    def respond(self, item: Array) -> Array:
        """Categories, same shape."""
        passed = np.searchsorted(np.asarray(self.thresholds), item)
        return (self.lowest + passed).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Analogue:
    """Items answered on a line of 0 to 10 in steps of .1, with the ceiling seen for the SRS."""

    load: float

    def respond(self, item: Array) -> Array:
        """Marks, same shape."""
        fallen = 0.961 * np.maximum(0.0, 1.05 - item) ** 1.25
        return np.asarray(np.round(np.clip(10 - fallen, 0, 10), 1), dtype=np.float64)


FORMS: Mapping[str, Form] = {
    "wai_sr": Likert(0.78, (-2.4, -1.45, -0.5, 0.45)),
    "wai_s": Likert(0.76, (-2.7, -2.05, -1.45, -0.85, -0.2, 0.65)),
    "haq_ii": Likert(0.66, (-2.6, -2.1, -1.5, -0.7, 0.5)),
    "arm_5": Likert(0.75, (-2.6, -2.2, -1.7, -1.1, -0.4, 0.5)),
    "srs_v3": Analogue(0.80),
}


def answer(
    rng: Random, instrument: Instrument, latent: Array, specific: Array, straight: Array
) -> Array:
    """Sum scores of one form a row, (n,); parameters as in `responses`."""
    items = responses(rng, instrument, latent, specific, straight)
    return np.asarray(np.round(items.sum(axis=1), 1), dtype=np.float64)


def responses(
    rng: Random, instrument: Instrument, latent: Array, specific: Array, straight: Array
) -> Array:
    """Item scores of one form a row, reverse-keyed items reversed already, (n, items).

    Parameters
    ----------
    latent
        This session's alliance, unit variance, (n,).
    specific
        What only this instrument sees of the pair, unit variance, (n,).
    straight
        Probability of one and the same response to every item, (n,). Above the mean alliance that
        response is the highest one.
    """
    form = FORMS[instrument.name]
    seen = np.sqrt(SHARED) * latent + np.sqrt(1 - SHARED) * specific
    noise = rng.normal(0.0, np.sqrt(1 - form.load**2), (len(latent), instrument.items))
    each = form.respond(form.load * seen[:, None] + noise)
    same = np.where(latent > 0, instrument.max, form.respond(form.load * seen))
    alike = rng.random(len(latent)) < straight
    return np.where(alike[:, None], same[:, None], each)


def expected_mean(
    form: Likert, latent: Array, interval: float, straight: tuple[float, float]
) -> Array:
    """Expected mean item score for a known part of the alliance, same shape as `latent`.

    Averages over what is not known of the session: normal with standard deviation `interval`, the
    instrument's own part, the items' noise and straight-lining (probabilities below and above 0).
    Computed on a grid and interpolated; error below 1e-4.
    """
    nodes = np.linspace(-6, 6, 1201)
    # `scipy.stats` has these functions too, and takes half a second to import.
    density = np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    weights = density / density.sum()
    grid = np.linspace(-5, 5, 401)
    session = grid[:, None] + interval * nodes
    levels = _expected_given_session(form, session, straight)
    return np.asarray(np.interp(latent, grid, levels @ weights))


def _expected_given_session(form: Likert, session: Array, straight: tuple[float, float]) -> Array:
    loaded = form.load * np.sqrt(SHARED) * session
    own = form.load * np.sqrt(1 - SHARED)
    item = np.sqrt(own**2 + 1 - form.load**2)
    usual = form.lowest + sum(ndtr((loaded - edge) / item) for edge in form.thresholds)
    same = form.lowest + sum(ndtr((loaded - edge) / own) for edge in form.thresholds)
    highest = form.lowest + len(form.thresholds)
    low, high = straight
    above = (1 - high) * usual + high * highest
    below = (1 - low) * usual + low * same
    return np.asarray(np.where(session > 0, above, below))
