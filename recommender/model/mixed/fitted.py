"""A fitted linear mixed model: what it predicts, and draws from its posterior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import Block, DenseBlock, Floats, Ints, ordered, spans
from recommender.model.mixed.design import Gram


@dataclass(frozen=True, slots=True, eq=False)
class FittedEquations:
    """The normal equations of a fit, from which those of some of its rows can be subtracted.

    Attributes
    ----------
    gram
        X' V0^-1 X with y, less its weighted mean `centre`, as the last dense column.
    penalty : (p,)
        sigma2 over the prior variance of each column.
    theta : float
        tau2 / sigma2; 0 without clients.
    """

    gram: Gram
    penalty: Floats
    centre: float
    theta: float


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """A fitted linear mixed model; numbers only.

    Attributes
    ----------
    names : tuple of str
        Blocks in the order given to the fit.
    coefficients : mapping of block name to (p,) float64
        Posterior means; a level without rows has 0, a column without signal its prior mean.
    variances : mapping of block name to float
        Prior variance of each penalised block, in the unit of y squared (for standardised columns).
    degrees : mapping of block name to float
        Effective number of coefficients each penalised block spends, 0 to p.
    intercept : float
    sigma2 : float
        Residual variance of a row of weight 1.
    tau2 : float
        Variance between clients; 0 when no client has two rows.
    client_codes : (m,) int64
        Codes of clients with an effect, ascending.
    client_effects : (m,) float64
        Posterior mean of each client's intercept (BLUP).
    iterations : int
        Newton steps tried; 0 for a fit at given variances.
    converged : bool
        Whether the variances converged.
    log_evidence : float
        Restricted log likelihood of y at these variances.
    factor : (p, p) float64, optional
        Lower Cholesky factor of sigma2 times the posterior precision, intercept first, dense
        blocks, index blocks; without the levels that no row has.
    places : mapping of block name to (k,) int
        The columns of each block that the factor and the equations have.
    equations : FittedEquations, optional
        What `fit_without` needs; never stored.
    """

    names: tuple[str, ...]
    coefficients: Mapping[str, Floats]
    variances: Mapping[str, float]
    degrees: Mapping[str, float]
    intercept: float
    sigma2: float
    tau2: float
    client_codes: Ints
    client_effects: Floats
    iterations: int
    converged: bool
    log_evidence: float
    factor: Floats | None = None
    places: Mapping[str, NDArray[np.intp]] = field(default_factory=dict)
    equations: FittedEquations | None = None

    def terms(self, blocks: Sequence[Block]) -> dict[str, Floats]:
        """Contribution of each given block to each row, (n,) a block, without the intercept.

        Raises
        ------
        RecommenderError
            When a block was not part of the fit, or a dense one has another width.
        """
        terms = {}
        for block in blocks:
            own = self.coefficients.get(block.name)
            if own is None or (isinstance(block, DenseBlock) and block.width != own.size):
                problem = "is unknown" if own is None else f"has {block.width} columns"
                remedy = "give the blocks and columns the model was fitted on"
                raise RecommenderError(block.name, problem, remedy)
            terms[block.name] = block.term(own)
        return terms

    def predict(self, blocks: Sequence[Block]) -> Floats:
        """Posterior mean for rows of new clients, (n,); every block of the fit must be given."""
        terms = self.terms(blocks)
        missing = [name for name in self.names if name not in terms]
        if missing:
            raise RecommenderError("blocks", f"{missing[0]} is missing", "give every fitted block")
        rows = blocks[0].rows if blocks else 1
        return self.intercept + sum((terms[name] for name in self.names), np.zeros(rows))

    def effect_of(self, clients: Ints) -> Floats:
        """Posterior mean of the intercept of each client, (n,); 0 for one not seen before."""
        if self.client_codes.size == 0:
            return np.zeros(clients.shape)
        place = np.searchsorted(self.client_codes, clients).clip(max=self.client_codes.size - 1)
        known = self.client_codes[place] == clients
        return np.where(known, self.client_effects[place], 0.0)

    def draws_of(self, blocks: Sequence[Block], size: int, seed: int) -> dict[str, Floats]:
        """Deviations (p, size) of the coefficients of each block from their means, by its name.

        Drawn from their posterior: with L the factor, x of L' x = z has the covariance of the
        coefficients over sigma2 when z is standard normal. A level without rows is independent of
        all others, with the prior variance of its block. Only the widths of the blocks matter.
        """
        factor, own = self._require_factor(), self._own(blocks)
        where = spans(own)
        width = 1 + sum(block.width for block in own)
        normal = np.random.default_rng(seed).standard_normal((width, size))
        fitted = np.concatenate(
            [[0], *(where[block.name].start + self.places[block.name] for block in ordered(own))]
        )
        drawn = np.zeros_like(normal)
        for name, variance in self.variances.items():
            drawn[where[name]] = np.sqrt(variance) * normal[where[name]]
        drawn[fitted] = np.sqrt(self.sigma2) * solve_triangular(
            factor, normal[fitted], lower=True, trans="T"
        )
        return {name: drawn[span] for name, span in where.items()}

    def _own(self, blocks: Sequence[Block]) -> list[Block]:
        """The blocks in the order of the fit, all of them."""
        by_name = {block.name: block for block in blocks}
        if set(by_name) != set(self.names):
            raise RecommenderError("blocks", "are not those of the fit", "give every fitted block")
        return [by_name[name] for name in self.names]

    def _require_factor(self) -> Floats:
        if self.factor is None:
            remedy = "fit with keep_factor=True"
            raise RecommenderError("factor", "the posterior precision was not stored", remedy)
        return self.factor

    def to_arrays(self) -> tuple[dict[str, NDArray[np.generic]], dict[str, Any]]:
        """The fit as named arrays and as numbers that JSON can hold, for `from_arrays`."""
        arrays: dict[str, NDArray[np.generic]] = {
            f"coefficients.{name}": self.coefficients[name] for name in self.names
        }
        arrays["client_codes"], arrays["client_effects"] = self.client_codes, self.client_effects
        if self.factor is not None:
            arrays["factor"] = self.factor
            arrays |= {f"places.{name}": self.places[name] for name in self.names}
        facts: dict[str, Any] = {"names": list(self.names), "penalised": list(self.variances)}
        facts |= {f"variances.{name}": value for name, value in self.variances.items()}
        facts |= {f"degrees.{name}": value for name, value in self.degrees.items()}
        return arrays, facts | {name: getattr(self, name) for name in _SCALARS}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
    ) -> "MixedFit":
        """The fit that `to_arrays` wrote, whose types a reader of untrusted bytes checks first."""
        return cls(
            names=tuple(facts["names"]),
            coefficients={name: arrays[f"coefficients.{name}"] for name in facts["names"]},
            variances={name: facts[f"variances.{name}"] for name in facts["penalised"]},
            degrees={name: facts[f"degrees.{name}"] for name in facts["penalised"]},
            client_codes=arrays["client_codes"],
            client_effects=arrays["client_effects"],
            factor=arrays.get("factor"),
            places={
                name: arrays[f"places.{name}"]
                for name in facts["names"]
                if f"places.{name}" in arrays
            },
            **{name: facts[name] for name in _SCALARS},
        )


_SCALARS = ("intercept", "sigma2", "tau2", "iterations", "converged", "log_evidence")
