"""Links several instruments to one reference scale, as learned from training ratings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recommender.alliance.instruments import FloatArray, Instrument
from recommender.errors import RecommenderError

# A convention of this project (November 2026), not a published rule: with fewer ratings the means
# and SDs of a practice are less certain than those published for the instrument.
MIN_RATINGS = 100
# An SD below one ten-thousandth of the scale is a constant with rounding noise.
MIN_SD = 1e-4


@dataclass(frozen=True, slots=True)
class Link:
    """Linear link from one instrument's POMP to the reference's: equal z, so equal mean and SD.

    `basis` names the source of the moments: training (this practice's ratings), stated (both
    instruments' declared values), pomp (the identity, for lack of both), reference (itself).
    """

    basis: str
    ratings: int
    mean: float = 0.0
    sd: float = 1.0
    to_mean: float = 0.0
    to_sd: float = 1.0

    def apply(self, pomp: FloatArray) -> FloatArray:
        """POMP on the reference instrument, unclipped."""
        return self.to_mean + self.to_sd * ((pomp - self.mean) / self.sd)


@dataclass(frozen=True, slots=True)
class InstrumentLinker:
    """Converts scores of any accepted instrument to the reference instrument's scale.

    Mean-sigma linking (Kolen and Brennan 2014, section 4.2). Instruments correlate .5 to .7, so
    linked scores are comparable on average only, and only where the groups that answered each
    instrument are alike.

    Examples
    --------
    >>> from recommender.alliance.instruments import shipped_instruments
    >>> forms = {name: shipped_instruments()[name] for name in ("wai_sr", "srs_v3")}
    >>> ratings = pd.DataFrame({"instrument": ["wai_sr", "srs_v3"], "pomp": [0.7, 0.9]})
    >>> linker = InstrumentLinker.fit(ratings, forms, reference="wai_sr")
    >>> linker.links["srs_v3"].basis
    'stated'
    >>> linker.alliance([0.88, 0.97], "srs_v3").round(2).tolist()
    [0.73, 0.91]
    >>> linker.on_scale([0.0, 0.75, 1.0]).tolist()
    [1.0, 4.0, 5.0]
    """

    reference: str
    metric: str
    low: float
    high: float
    links: Mapping[str, Link]

    @classmethod
    def declared(
        cls, instruments: Mapping[str, Instrument], reference: str, metric: str = "mean"
    ) -> Self:
        """Links by the moments that instruments declare, without ratings; see `fit`."""
        nothing = pd.DataFrame(
            {"instrument": pd.Series(dtype="str"), "pomp": pd.Series(dtype=float)}
        )
        return cls.fit(nothing, instruments, reference, metric)

    @classmethod
    def fit(
        cls,
        scores: pd.DataFrame,
        instruments: Mapping[str, Instrument],
        reference: str,
        metric: str = "mean",
    ) -> Self:
        """Fits one link per instrument on the ratings of the training pairings.

        Means and SDs of the training ratings are used when both the instrument and the reference
        have at least 100; otherwise those declared for both; otherwise POMP is left unchanged.
        The moments of two instruments always come from the same population.

        Parameters
        ----------
        scores
            One row per training rating: instrument, pomp (0-1, own scale). Missing pomp is ignored.
        instruments
            The accepted instruments by name, the reference among them.
        reference
            The instrument on whose scale the alliance is given.
        metric
            mean, sum or pomp of the reference instrument.

        Raises
        ------
        RecommenderError
            If the reference is not among the instruments or the metric is no total.
        """
        if reference not in instruments:
            raise RecommenderError(
                "alliance.reference", "is not an accepted instrument", "name one that is"
            )
        known = scores.loc[scores["pomp"].notna(), ["instrument", "pomp"]]
        moments = known.groupby("instrument", observed=True)["pomp"].agg(["size", "mean", "std"])
        links = {
            name: _link(instrument, instruments[reference], moments)
            for name, instrument in instruments.items()
        }
        low, high = instruments[reference].bounds(metric)
        return cls(reference, metric, low, high, links)

    def alliance(self, pomp: npt.ArrayLike, instrument: object) -> FloatArray:
        """POMP on the reference instrument, unclipped; NaN stays NaN.

        Parameters
        ----------
        pomp
            Shape (n,), each on its own instrument, 0-1.
        instrument
            Names, shape (n,), or one name for all.

        Raises
        ------
        RecommenderError
            If an instrument has no link.
        """
        values = np.asarray(pomp, dtype=np.float64)
        given = np.broadcast_to(np.asarray(instrument, dtype=object), values.shape)
        codes, names = pd.factorize(given.ravel())
        unknown = sorted({str(name) for name in names} - set(self.links))
        if unknown or (codes < 0).any():
            raise RecommenderError(
                "instrument",
                f"{', '.join(unknown) or 'a missing name'} has no link",
                f"use one of {', '.join(sorted(self.links))}",
            )
        which = codes.reshape(values.shape)
        linked = np.full(values.shape, np.nan)
        for code, name in enumerate(names):
            linked[which == code] = self.links[name].apply(values[which == code])
        return linked

    def on_scale(self, pomp: npt.ArrayLike) -> FloatArray:
        """Reference POMP on the reference instrument's own scale and metric, unclipped."""
        return self.low + np.asarray(pomp, dtype=np.float64) * (self.high - self.low)

    def to_displayed(self, value: npt.ArrayLike) -> FloatArray:
        """An alliance on the reference's own scale, clipped to the scale's ends.

        For display only: labels, scores and their order stay unclipped.
        """
        return np.clip(np.asarray(value, dtype=np.float64), self.low, self.high)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` restores an equal linker."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The linker that `to_dict` serialised."""
        links = {name: Link(**link) for name, link in stored["links"].items()}
        return cls(**{**stored, "links": links})


def _link(instrument: Instrument, reference: Instrument, moments: pd.DataFrame) -> Link:
    n, mean, sd = _moments(instrument.name, moments)
    if instrument.name == reference.name:
        return Link("reference", n)
    to_n, to_mean, to_sd = _moments(reference.name, moments)
    if min(n, to_n) >= MIN_RATINGS and min(sd, to_sd) >= MIN_SD:
        return Link("training", n, mean, sd, to_mean, to_sd)
    stated = (
        instrument.reference_mean,
        instrument.reference_sd,
        reference.reference_mean,
        reference.reference_sd,
    )
    values = [value for value in stated if value is not None]
    return Link("stated", n, *values) if len(values) == len(stated) else Link("pomp", n)


def _moments(name: str, moments: pd.DataFrame) -> tuple[int, float, float]:
    if name not in moments.index:
        return 0, 0.0, 0.0
    n, mean, sd = moments.loc[[name], ["size", "mean", "std"]].to_numpy(dtype=np.float64)[0]
    return int(n), float(mean), float(sd)
