"""What a lot allows to be estimated: figures as if every client had seen each of their lot alike.

Where a practice shuffles ties, the chance of standing where the clinician seen stood is known, and
nothing about the client or the clinician was part of it. Imported by `tested` and `report`.
"""

import numpy as np

from recommender.training.weighted_moments import Floats

CLIP = 0.1
"""Chances below this are taken for it, so that no rating counts more than ten times as much as one
that no lot was part of. A lot of more than ten is then weighed too little, which biases towards the
pairings as they are (Ionides 2008, J. Comput. Graph. Stat. 17:295, on what truncation trades); a
shortlist of five hardly holds one."""


def inverse_chance(chance: Floats) -> Floats:
    """Weight of each pairing by inverse propensity, (n,), of mean 1.

    w_i = 1 / max(p_i, CLIP), and w_i = 1 where no lot is known; divided by their mean. With p_i = 1
    / m for one of m, a lot of m counts for all m, each of whom it might as well have been: sums
    over pairings estimate sums over every client with everyone of their lot (Horvitz & Thompson
    1952, JASA 47:663). Every figure here is a ratio of weighted sums, hence self-normalised
    (Swaminathan & Joachims 2015, NIPS 28). Unbiased, up to the clip and to the ratio, where whom of
    a lot a client sees hangs on where they stand and not on who they are: staff who pass over a
    person bring back what the lot took out.

    Parameters
    ----------
    chance : (n,)
        Probability of standing where they stood; NaN where no lot is known.
    """
    weights = 1.0 / np.fmax(np.where(np.isnan(chance), 1.0, chance), CLIP)
    return np.asarray(weights / weights.mean()) if len(weights) else weights


def effective_size(weights: Floats) -> float:
    """Rows of equal weight that would say as much: (sum w)^2 / sum w^2 (Kish 1965, sec. 11.7)."""
    total = float(weights.sum())
    return total * total / float((weights**2).sum()) if total else 0.0
