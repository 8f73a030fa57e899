"""Contributions and pools for a terminal: what is in them, what is not, and who differs."""

from collections.abc import Sequence

import numpy as np
from rich.console import Group
from rich.text import Text

from recommender.cli.record_table import RecordTable
from recommender.pooling.heterogeneity import ContributionFinding
from recommender.pooling.pool import Pool
from recommender.pooling.practice_contribution import (
    LEAST_CLIENTS,
    LEAST_CLINICIANS,
    SIZES,
    PracticeContribution,
)
from recommender.pooling.signature import fingerprint

HOW_TO_READ = (
    "Share: how much of what all contributions say together is from this one. Influence: how far "
    "the common sizes move without it, squared, in their standard errors (Cook's distance); above "
    "1 it is large."
)
NOT_IN_IT = (
    "Not in it: answers, ratings, dates, ids, anything of one client or one clinician, clinicians' "
    "own effects, what clients rate on average, attributes of clinicians."
)


def contribution_view(contribution: PracticeContribution) -> Group:
    """What a contribution holds, what it does not, and what it says."""
    each = contribution
    noise = (
        "No noise was added: who knows all other clients of the practice could compute the last."
        if each.noise is None
        else f"With noise for a privacy budget of epsilon {each.noise.epsilon:g}, delta "
        f"{each.noise.delta:g} a client; several contributions add up their budgets."
    )
    numbers = (
        f"{len(each.columns)} sizes with standard errors"
        if each.content == SIZES
        else f"{len(each.columns)} sums and {len(each.columns)} x {len(each.columns)} products "
        "of sums, one for each match and pair of matches"
    )
    lines = (
        f"Contribution of {each.contributor}, key {fingerprint(each.key)}, {each.exported_on}; "
        "the signature is that of the key.",
        f"In it: {numbers}; counts. It rests on {each.ratings:,} rated pairings of "
        f"{each.clients:,} clients with {each.clinicians:,} clinicians; behind every number are "
        f"at least {LEAST_CLIENTS} clients and {LEAST_CLINICIANS} clinicians.",
        NOT_IN_IT,
        noise,
        f"Definition {each.practice_id} {each.practice_version}.",
        f"Digest of this contribution: {each.digest[:16]}, by which a withdrawal names it.",
    )
    return Group(*(Text(line) for line in lines), _sizes(each))


def contributions_table(
    contributions: Sequence[PracticeContribution], findings: Sequence[ContributionFinding]
) -> RecordTable:
    """Who contributed how much, and who differs."""
    table = RecordTable(
        "Contributions",
        ("contributor", "key", "ratings", "clients", "share", "influence", "p", "finding"),
    )
    for each, finding in zip(contributions, findings, strict=True):
        alike = "too few to compare" if np.isnan(finding.p) else "like the others"
        table.add_row(
            each.contributor,
            fingerprint(each.key),
            f"{each.ratings:,}",
            f"{each.clients:,}",
            f"{finding.share:.0%}",
            f"{finding.influence:.2f}",
            "-" if np.isnan(finding.p) else f"{finding.p:.2g}",
            "differs from the others" if finding.deviates else alike,
        )
    return table


def difference_sentence(pool: Pool) -> str:
    """How much practices differ, in words."""
    return (
        f"Between practices the slopes differ by a standard deviation of {pool.tau2**0.5:.3f} "
        "points for one standard deviation of a match (estimated, with a prior)."
    )


def _sizes(contribution: PracticeContribution) -> RecordTable:
    """What the contribution says alone: each match given all others, with a weak prior."""
    pool = Pool((contribution,), between=0.0)
    own = pool.scaled[0]
    covariance = np.linalg.inv(own.precision + np.eye(len(own.score)))
    slopes, errors = covariance @ own.score, np.sqrt(np.diagonal(covariance))
    table = RecordTable(
        "What it says, in points for one standard deviation of a match",
        ("match", "size", "95 % interval", "clients behind", "clinicians behind"),
    )
    counts = {(c.name, c.digest): c for c in contribution.columns}
    for column, slope, error in zip(pool.columns, slopes, errors, strict=True):
        low, high = slope - 1.96 * error, slope + 1.96 * error
        behind = counts[column]
        table.add_row(
            column[0],
            f"{slope:+.3f}",
            f"{low:+.3f} to {high:+.3f}",
            f"{behind.clients:,}",
            f"{behind.clinicians:,}",
        )
    return table
