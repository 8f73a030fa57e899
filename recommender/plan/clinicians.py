"""What the clinicians of a roster decide of a score alone, equal for every client."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array, clinician_rows
from recommender.model.additive import Additive, ClinicianIndex, Drawn
from recommender.model.alliance_model import AllianceModel, RosterEncoding


@dataclass(frozen=True, slots=True, eq=False)
class ClinicianTerms:
    """Terms of n clinicians of a roster, in points where nothing else is said.

    Attributes
    ----------
    index : (n,) int
        Place of each among those the model learned from, -1 for one it never saw.
    rows : (n, columns)
        Their columns of the model.
    parts : (n, columns)
        What each column adds.
    effect : (n,)
        Their own effect.
    alone : (n,)
        What their columns, their own effect and the intercept add together, nearly.
    by_level : (levels + 1, n)
        Their effect for clients of each level; the last is of clients without one.
    history : (levels + 1, history columns, n)
        The columns of their records for clients of each level, and of none.
    multiplied : (n, columns)
        Their columns that are multiplied with those of the client, on one scale; 0 in the others.
    directions : by block (n, k)
        The same in the directions of the products' draws; float32.
    drawn : (n, draws)
        Deviations of all this from its mean in every draw; float32.
    unknown : (n,)
        Prior variance of what is not known of a clinician the model never saw, in points squared.
    """

    index: NDArray[np.int64]
    rows: Array
    parts: Array
    effect: Array
    alone: Array
    by_level: Array
    history: Array
    multiplied: Array
    directions: Mapping[str, Drawn]
    drawn: Drawn
    unknown: Array


def clinician_terms(model: AllianceModel, encoding: RosterEncoding) -> ClinicianTerms:
    """The terms of a roster's clinicians."""
    additive, index = model.additive, encoding.clinician
    rows = clinician_rows(model.practice, encoding.roster.columns)
    scaled = additive.frame.clinician.apply(rows)
    parts = scaled * additive.fit.coefficients["clinician"]
    # The last is also found at -1, the level of a client who has none.
    every_level = [*range(model.records.level_mean.shape[1]), -1]
    levels = [_effects(additive, index, level) for level in every_level]
    history = [model.records.rows(index, np.full(len(index), level)) for level in every_level]
    products = additive.frame.products
    scaled_by_block = {block: each.clinician.scaled(rows) for block, each in products.items()}
    multiplied = np.zeros_like(rows)
    for block, each in products.items():
        multiplied[:, each.clinician.places] = scaled_by_block[block]
    drawn = scaled.astype(np.float32) @ additive.draws["clinician"]
    known = (index >= 0) & (index < len(additive.draws["clinicians"]))
    drawn[known] += additive.draws["clinicians"][index[known]]
    return ClinicianTerms(
        index=index,
        rows=rows,
        parts=parts,
        effect=levels[-1]["clinicians"],
        alone=parts.sum(axis=1) + levels[-1]["clinicians"] + additive.fit.intercept,
        by_level=np.stack([each.get("by_level", np.zeros(len(index))) for each in levels]),
        history=np.ascontiguousarray(np.stack(history).transpose(0, 2, 1)),
        multiplied=multiplied,
        directions={
            block: (scaled_by_block[block] @ each.clinician.basis).astype(np.float32)
            for block, each in products.items()
        },
        drawn=drawn,
        unknown=np.where(index < 0, additive.unknown, 0.0),
    )


def _effects(additive: Additive, index: NDArray[np.int64], level: int) -> dict[str, Array]:
    """The own effect of each clinician and the one for clients of a level, where there are any."""
    at = ClinicianIndex(index, np.full(len(index), level))
    return additive.fit.terms(additive.frame.index_blocks(at))
