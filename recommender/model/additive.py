"""The additive half of the pairing part: declared matches, clinician attributes, clinician effects.

Turns feature rows into blocks of the mixed model, and its terms back into feature contributions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.features.client_levels import add_weighted, level_weights
from recommender.features.feature import Array
from recommender.features.pipeline import Rows
from recommender.model.interactions import (
    LEVELS,
    NUMBERS,
    Interactions,
    Standardizer,
    fit_interactions,
    fit_standardizer,
)
from recommender.model.mixed.blocks import Block, DenseBlock, IndexBlock
from recommender.model.mixed.fit import MixedFit
from recommender.practice.definition import Practice

Codes = NDArray[np.int64]
Drawn = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClinicianIndex:
    """Place of each row's clinician among those learned from, and the client's level for records.

    `clinician` and `level` have one integer a row: -1 for a clinician never seen, or for a level
    that is not answered or not a question. Of tags `level` has several, (n, k).
    """

    clinician: Codes
    level: Codes

    def take(self, rows: NDArray[np.intp]) -> "ClinicianIndex":
        """Some of the rows."""
        return ClinicianIndex(self.clinician[rows], self.level[rows])


DECLARED = "declared_products"
"""The block of declared products while a model is fitted; afterwards they are among the matches."""
EXPECTED: Mapping[str, float] = {
    "clinician": 0.002,
    "matches": 0.01,
    "clinicians": 0.015,
    "by_level": 0.005,
    NUMBERS: 0.01,
    LEVELS: 0.01,
    DECLARED: 0.003,
}
"""Prior medians of what each block adds to the variance of a rating, as a share of the residual
variance. Chosen on simulated practices, not taken from a study: published shares of clinicians in
alliance run from 0 to 17 %, and these are below most of them, since too large a share costs
practices with few ratings. They matter up to some thousand ratings; see the learning curve of
`experiments.bake_off`."""
DRAWS = 200
"""Posterior draws in a bundle: a standard deviation estimated from 200 has an error of 5 %."""
UNSURE_EVIDENCE = 0.5
"""Prior standard deviation of the factor on the declared sizes, whose prior mean is 1."""


@dataclass(frozen=True, slots=True, eq=False)
class SlopePrior:
    """What is known of the slopes of matches before a practice's own ratings: N(mean, covariance).

    `mean` (matches,) is in points for one unit of each match, `covariance` (matches, matches) in
    the square of that.
    """

    mean: Array
    covariance: Array

    @property
    def root(self) -> Array:
        """The symmetric root of the covariance, (matches, matches)."""
        values, directions = np.linalg.eigh(self.covariance)
        return np.asarray((directions * np.sqrt(np.maximum(values, 0.0))) @ directions.T)


@dataclass(frozen=True, slots=True)
class DesignSpec:
    """How feature rows become blocks of the mixed model; fixed when it is fitted.

    `clinician` and `match` are the scales of clinician and of centred match columns, `clinicians`
    and `levels` the numbers of effects. `prior` has the declared sizes of the matches in points of
    alliance, all zero when the practice gives none. `products` are by block. `informed` replaces
    the declared sizes while a model is fitted: a fitted one has the slopes themselves. `declared`
    are the places of declared products among the matches while they have a variance of their own.
    """

    clinician: Standardizer
    match: Standardizer
    prior: Array
    clinicians: int
    levels: int
    products: Mapping[str, Interactions]
    informed: SlopePrior | None = None
    declared: tuple[int, ...] = ()

    def blocks(self, rows: Rows, clinician_index: ClinicianIndex) -> list[Block]:
        """Blocks of the mixed model for these rows."""
        blocks: list[Block] = [
            DenseBlock("clinician", self.clinician.apply(rows.clinician)),
            *match_blocks(self._match_columns(rows), np.arange(rows.match.shape[1]), self._apart),
            *self.index_blocks(clinician_index),
        ]
        if self.prior.any() and self.informed is None:
            evidence = np.nan_to_num(rows.match) @ self.prior
            # Shrunk to 1, not to 0: ratings must outweigh the literature before they move it.
            blocks.append(DenseBlock("evidence", evidence[:, None], prior_mean=np.ones(1)))
        blocks += [DenseBlock(name, each.columns(rows)) for name, each in self.products.items()]
        return blocks

    def index_blocks(self, clinician_index: ClinicianIndex) -> list[IndexBlock]:
        """The clinician's own effect and, where there are levels, the effect for one level."""
        blocks = [IndexBlock("clinicians", clinician_index.clinician, self.clinicians)]
        if self.levels:
            level, size = clinician_index.level, self.clinicians * self.levels
            weights = None if level.ndim == 1 else level_weights(level)
            cells = self._cells(clinician_index)
            blocks.append(IndexBlock("by_level", cells, size, values=weights))
        return blocks

    def offset(self, rows: Rows) -> Array:
        """What is known of each row before learning and is not a coefficient of a block, (n,)."""
        if self.informed is None:
            return np.zeros(len(rows.match))
        return np.asarray(np.nan_to_num(rows.match) @ self.informed.mean)

    def slope_prior(self, fit: MixedFit) -> SlopePrior:
        """What was known of the slopes before the ratings, at the variances of the fit."""
        spread = fit.variances["matches"]
        if self.informed is not None:
            return SlopePrior(self.informed.mean, spread * self.informed.covariance)
        declared = fit.variances.get("evidence", 0.0) * np.outer(self.prior, self.prior)
        return SlopePrior(self.prior, declared + np.diag(spread / self.match.interval**2))

    def settled(self, fit: MixedFit) -> MixedFit:
        """A fit to the blocks of a design that is fitted, in the columns of one that scores.

        Declared products become matches again. With an informed prior the declared sizes count
        once, and the coefficients of the matches are what the slopes differ from them; the variance
        of the matches stays a factor on the informed covariance.
        """
        if self.informed is None:
            names = tuple(name for name in fit.names if name != DECLARED)
            return replace(fit, names=names, coefficients=self._together(fit.coefficients))
        slopes = self.informed.mean + self.informed.root @ fit.coefficients["matches"]
        own = {**fit.coefficients, "matches": self.match.interval * (slopes - self.prior)}
        if not self.prior.any():
            return replace(fit, coefficients=own)
        return replace(
            fit,
            names=(*fit.names, "evidence"),
            coefficients=own | {"evidence": np.ones(1)},
            variances={**fit.variances, "evidence": 0.0},
            degrees={**fit.degrees, "evidence": 0.0},
        )

    def settled_draws(self, draws: Mapping[str, Array]) -> dict[str, Array]:
        """Deviations of the coefficients of `settled`, from those of the blocks, (p, draws)."""
        if self.informed is None:
            return self._together(draws)
        slopes = self.informed.root @ draws["matches"]
        drawn = {**draws, "matches": self.match.interval[:, None] * slopes}
        return drawn | ({"evidence": np.zeros((1, DRAWS))} if self.prior.any() else {})

    @property
    def _apart(self) -> tuple[int, ...]:
        """Places of matches with a variance of their own: an informed prior has one for each."""
        return self.declared if self.informed is None else ()

    def _together(self, by_block: Mapping[str, Array]) -> dict[str, Array]:
        """Matches and declared products in the order of the definition, by block (p, ...)."""
        if not self.declared:
            return dict(by_block)
        matches = np.empty((len(self.prior), *by_block["matches"].shape[1:]))
        matches[np.setdiff1d(np.arange(len(matches)), self.declared)] = by_block["matches"]
        matches[list(self.declared)] = by_block[DECLARED]
        return {n: v for n, v in by_block.items() if n != DECLARED} | {"matches": matches}

    def expected(self, rows: Rows, interval: float) -> dict[str, float]:
        """Prior medians of the shares of variance by block; `interval` as in `design_spec`."""
        if self.informed is not None:
            # A factor of 1 on the covariance: as far as the practice is as it was expected.
            known = float((self._match_columns(rows) ** 2).sum(axis=1).mean())
            return {**EXPECTED, "matches": known / interval**2}
        declared = float(np.mean((np.nan_to_num(rows.match) @ self.prior) ** 2))
        if declared == 0:
            return dict(EXPECTED)
        return {**EXPECTED, "evidence": UNSURE_EVIDENCE**2 * declared / interval**2}

    def _match_columns(self, rows: Rows) -> Array:
        if self.informed is None:
            return self.match.apply(rows.match)
        return np.asarray(np.nan_to_num(rows.match) @ self.informed.root)

    def _cells(self, clinician_index: ClinicianIndex) -> Codes:
        clinician, level = clinician_index.clinician, clinician_index.level
        if level.ndim > 1:
            clinician = clinician[:, None]
        return np.where((clinician >= 0) & (level >= 0), clinician * self.levels + level, -1)


def match_blocks(
    columns: Array, places: Sequence[int] | NDArray[np.intp], declared: Sequence[int]
) -> list[Block]:
    """Some columns of the matches as blocks, declared products apart where there are any."""
    products = np.isin(places, declared)
    parts = (("matches", np.compress(~products, places)), (DECLARED, np.compress(products, places)))
    return [
        DenseBlock(name, columns[:, own]) for name, own in parts if name == "matches" or len(own)
    ]


def declared_places(practice: Practice) -> tuple[int, ...]:
    """The places of declared products among the matches of a practice."""
    matches = practice.matches.values()
    return tuple(place for place, match in enumerate(matches) if match.parts)


def design_spec(
    practice: Practice, rows: Rows, interval: float, clinicians: int, levels: int
) -> DesignSpec:
    """A design specification with the scales of the training rows.

    `interval` is the standard deviation of alliance in points, the unit of declared sizes.
    """
    return DesignSpec(
        clinician=fit_standardizer(rows.clinician),
        match=fit_standardizer(rows.match, centre=False),
        prior=interval * np.array([match.prior for match in practice.matches.values()]),
        clinicians=clinicians,
        levels=levels,
        products=fit_interactions(practice, rows),
        declared=declared_places(practice),
    )


@dataclass(frozen=True, slots=True)
class Additive:
    """A design specification and the mixed model fitted with it.

    `draws` has (p, draws) deviations of each block's coefficients from their means, from their
    joint posterior.
    """

    frame: DesignSpec
    fit: MixedFit
    draws: Mapping[str, Drawn] = field(default_factory=dict)

    def score(self, rows: Rows, clinician_index: ClinicianIndex) -> Array:
        """Pairing part of each row, in points, (n,).

        The sum of its contributions and not a matrix product, whose last digit depends on the
        number of rows: a request and a batch must give equal scores.
        """
        return np.asarray(self.contributions(rows, clinician_index).sum(axis=1))

    def contributions(self, rows: Rows, clinician_index: ClinicianIndex) -> Array:
        """Signed parts, (n, clinician + match + history columns + 1), summing to `score`.

        The clinician's own effect is added to the record, its effect by level to the record by
        level; the evidence column is divided among the matches it sums, products among the
        clinician's columns. The last column is the start.
        """
        frame, own = self.frame, self.fit.coefficients
        terms = self.fit.terms(frame.index_blocks(clinician_index))
        matches = self.match_parts(rows.match)
        history = np.zeros_like(rows.history)
        history[:, 0] = terms["clinicians"]
        if "by_level" in terms:
            history[:, 2] = terms["by_level"]
        start = np.full((len(history), 1), self.fit.intercept)
        clinician = frame.clinician.apply(rows.clinician) * own["clinician"]
        for name, products in frame.products.items():
            clinician = clinician + products.parts(rows, own[name])
        return np.concatenate([clinician, matches, history, start], axis=1)

    def match_parts(self, match: Array) -> Array:
        """Points that centred matches add, (n, matches); 0 where they are not known."""
        frame, own = self.frame, self.fit.coefficients
        parts = frame.match.apply(match)
        parts *= own["matches"]
        if "evidence" in own:
            evidence = np.where(np.isnan(match), 0.0, match)
            evidence *= frame.prior
            evidence *= own["evidence"][0]
            parts += evidence
        return np.asarray(parts)

    def deviations(self, rows: Rows, clinician_index: ClinicianIndex) -> Drawn:
        """Deviations of each row's pairing part from its mean in every draw, (n, draws)."""
        blocks = self.frame.blocks(rows, clinician_index)
        return np.asarray(sum(_deviation(block, self.draws[block.name]) for block in blocks))

    @property
    def match_slopes(self) -> Array:
        """Points by which the pairing part rises with each centred match, (matches,)."""
        own = self.fit.coefficients
        slopes = own["matches"] / self.frame.match.interval
        return slopes + self.frame.prior * own["evidence"][0] if "evidence" in own else slopes

    @property
    def slope_deviations(self) -> Array:
        """Deviations of `match_slopes` from their means in every draw, (matches, draws)."""
        drawn = self.draws["matches"] / self.frame.match.interval[:, None]
        if "evidence" in self.draws:
            drawn = drawn + self.frame.prior[:, None] * self.draws["evidence"]
        return drawn

    @property
    def unknown(self) -> float:
        """Prior variance of the effects of a clinician the model never saw, in points squared.

        For a client with one level; with several tags theirs, a mean, varies less.
        """
        return sum(self.fit.variances.get(name, 0.0) for name in ("clinicians", "by_level"))

    def to_arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Named arrays and values for JSON, for `from_arrays`."""
        arrays, facts = self.fit.to_arrays()
        arrays = {f"fit.{name}": array for name, array in arrays.items()}
        for name in ("clinician", "match"):
            scale: Standardizer = getattr(self.frame, name)
            arrays[f"{name}.mean"], arrays[f"{name}.spread"] = scale.mean, scale.interval
        arrays["prior"] = self.frame.prior
        arrays |= {f"draws.{name}": draws for name, draws in self.draws.items()}
        for block, products in self.frame.products.items():
            arrays |= {f"{block}.{name}": array for name, array in products.to_arrays().items()}
        shape = {"clinicians": self.frame.clinicians, "levels": self.frame.levels}
        return arrays, {"fit": facts} | shape

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
    ) -> "Additive":
        """The inverse of `to_arrays`."""
        scales = {
            name: Standardizer(arrays[f"{name}.mean"], arrays[f"{name}.spread"])
            for name in ("clinician", "match")
        }
        products = {block: _under(f"{block}.", arrays) for block in (NUMBERS, LEVELS)}
        frame = DesignSpec(
            clinician=scales["clinician"],
            match=scales["match"],
            prior=arrays["prior"],
            clinicians=facts["clinicians"],
            levels=facts["levels"],
            products={
                block: Interactions.from_arrays(own) for block, own in products.items() if own
            },
        )
        fitted = MixedFit.from_arrays(_under("fit.", arrays), facts["fit"])
        return cls(frame, fitted, _under("draws.", arrays))


def _deviation(block: Block, draws: Drawn) -> Drawn:
    if isinstance(block, DenseBlock):
        # In the draws' own precision: widening them costs more than the product.
        return np.asarray(block.values.astype(np.float32) @ draws)
    rows = np.zeros((block.rows, draws.shape[1]), dtype=np.float32)
    if block.values is not None:
        add_weighted(rows, draws, block.codes, block.values)
        return rows
    known = (block.codes >= 0) & (block.codes < len(draws))
    rows[known] = draws[block.codes[known]]
    return rows


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}
