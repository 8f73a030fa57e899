"""What one practice shares: what its ratings say of the slopes of its matches, signed.

No client, no clinician, no answer and no rating: one number a match, one for each pair of matches,
and counts.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recommender.errors import RecommenderError
from recommender.model.mixed.absorbed import NormalEquations
from recommender.pooling.noise import NoiseBudget, less_noise
from recommender.pooling.signature import digest_of, is_signed

FORMAT, VERSION = "recommender contribution", 1
MATCHES, SIZES = "matches", "sizes"
LEAST_RATINGS = 300
"""Rated pairings from which a practice shares: below it, whether a client was among them can be
guessed from statistics of 22 matches (AUC .66 at 100 ratings, .55 at 300, .51 at 1,000, on
simulated practices)."""
LEAST_CLIENTS, LEAST_CLINICIANS = 10, 5
"""Clients and clinicians behind every number: those whose value of the match is not the usual one.
This project's choice; ten is the least for which statistical offices publish a cell."""
CONTRIBUTOR = r"^\w[\w .,'&()/+-]{0,79}$"
"""Names of contributors: they are printed in terminals, tables and pages of other practices."""
MAX_COLUMNS = 1000

Finite = Annotated[float, Field(gt=-1e15, lt=1e15)]
Positive = Annotated[float, Field(gt=0, lt=1e15)]
Count = Annotated[int, Field(ge=1, lt=10**9)]
Text = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,200}$")]


class _Strict(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False
    )


class _ColumnJSON(_Strict):
    name: Text
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    clients: Count
    clinicians: Count


class _NoiseJSON(_Strict):
    epsilon: Positive
    delta: Annotated[float, Field(gt=0, lt=1)]
    precision_sd: Positive
    score_sd: Positive


class _ContributionJSON(_Strict):
    format: Literal["recommender contribution"]
    version: Literal[1]
    contributor: Annotated[str, Field(pattern=CONTRIBUTOR)]
    key: Text
    practice_id: Text
    practice_version: Text
    practice_digest: Text
    outcome_digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    exported_on: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    content: Literal["matches", "sizes"]
    ratings: Count
    clients: Count
    clinicians: Count
    residual_variance: Positive
    columns: Annotated[list[_ColumnJSON], Field(min_length=1, max_length=MAX_COLUMNS)]
    precision: list[list[Finite]] | None
    score: list[Finite] | None
    size: list[Finite] | None
    standard_error: list[Positive] | None
    noise: _NoiseJSON | None
    signature: Text


@dataclass(frozen=True, slots=True)
class SharedColumn:
    """One match of a contribution; `clients` and `clinicians` are behind each of its numbers."""

    name: str
    digest: str
    clients: int
    clinicians: int


@dataclass(frozen=True, slots=True, eq=False)
class PracticeContribution:
    """What one practice shares.

    Attributes
    ----------
    contributor, key
        The name the practice chose, and its public key.
    practice_id, practice_version, practice_digest, outcome_digest
        The definition it learned with; what is rated must agree among all who are combined.
    exported_on : str
        A day, ISO 8601.
    content
        `matches`, the whole normal equations; `sizes`, a table of sizes and standard errors.
    ratings, clients, clinicians
        How many it rests on.
    residual_variance
        Of one rating, in points squared.
    columns
        The matches, in the order of the numbers.
    equations
        What the ratings say of the slopes, in points for one unit of each match.
    noise
        The privacy budget; None without noise.
    signature
        Over everything else.
    """

    contributor: str
    key: str
    practice_id: str
    practice_version: str
    practice_digest: str
    outcome_digest: str
    exported_on: str
    content: str
    ratings: int
    clients: int
    clinicians: int
    residual_variance: float
    columns: tuple[SharedColumn, ...]
    equations: NormalEquations
    noise: NoiseBudget | None = None
    signature: str = ""

    @property
    def digest(self) -> str:
        """Names this contribution among all others."""
        return digest_of(self.to_json())

    @property
    def usable(self) -> NormalEquations:
        """The equations to combine: with noise they tell less than they seem to."""
        if self.noise is None:
            return self.equations
        return less_noise(self.equations, self.noise.score_sd)

    def to_json(self) -> dict[str, Any]:
        """As an object for JSON, for `contribution_from`."""
        plain = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in {"columns", "equations", "noise"}
        }
        equations: dict[str, Any] = dict.fromkeys(("precision", "score", "size", "standard_error"))
        if self.content == MATCHES:
            equations |= {"precision": self.equations.precision.tolist()}
            equations |= {"score": self.equations.score.tolist()}
        else:
            precision = np.diagonal(self.equations.precision)
            equations |= {"size": (self.equations.score / precision).tolist()}
            equations |= {"standard_error": (precision**-0.5).tolist()}
        return {
            "format": FORMAT,
            "version": VERSION,
            **plain,
            "columns": [asdict(column) for column in self.columns],
            **equations,
            "noise": None if self.noise is None else asdict(self.noise),
        }


def contribution_from(content: Mapping[str, Any], where: str) -> PracticeContribution:
    """The contribution in an object read from JSON, its signature and rules checked.

    Raises
    ------
    RecommenderError
        When it is none, was changed after it was signed, or breaks a rule of what is shared;
        `where` names it.
    """
    remedy = "ask its sender for a new one; do not use it"
    if content.get("format") == FORMAT and content.get("version") != VERSION:
        problem = f"has version {content.get('version')!r}, and this program reads {VERSION}"
        raise RecommenderError(where, problem, "use the program version it was written with")
    try:
        read = _ContributionJSON.model_validate(content)
        date.fromisoformat(read.exported_on)
        equations = _equations(read)
    except (ValidationError, ValueError) as error:
        raise RecommenderError(where, f"is no contribution ({_first(error)})", remedy) from None
    if not is_signed(content):
        problem = "was changed after it was signed, or not signed with the key it states"
        raise RecommenderError(where, problem, remedy)
    _check_counts(read, where)
    plain = {name: getattr(read, name) for name in _PLAIN}
    return PracticeContribution(
        **plain,
        columns=tuple(SharedColumn(**column.model_dump()) for column in read.columns),
        equations=equations,
        noise=None if read.noise is None else NoiseBudget(**read.noise.model_dump()),
    )


_PLAIN = tuple(
    name
    for name in PracticeContribution.__dataclass_fields__
    if name not in {"columns", "equations", "noise"}
)


def _equations(read: _ContributionJSON) -> NormalEquations:
    count = len(read.columns)
    if len({column.name for column in read.columns}) != count:
        raise ValueError("a match occurs twice")
    if read.content == SIZES:
        if read.size is None or read.standard_error is None:
            raise ValueError("size or standard_error is missing")
        if {len(read.size), len(read.standard_error)} != {count}:
            raise ValueError("the sizes are not as many as the matches")
        precision = np.array(read.standard_error) ** -2
        return NormalEquations(np.diag(precision), precision * np.array(read.size))
    if read.precision is None or read.score is None:
        raise ValueError("precision or score is missing")
    if {len(read.precision), len(read.score), *map(len, read.precision)} != {count}:
        raise ValueError("precision or score has another size than the matches")
    matrix, score = np.array(read.precision), np.array(read.score)
    least, most = np.linalg.eigvalsh(matrix)[[0, -1]]
    if not np.array_equal(matrix, matrix.T) or least < -1e-9 * max(most, 1e-300):
        raise ValueError("precision is no matrix of cross-products")
    return NormalEquations(matrix, score)


def _check_counts(read: _ContributionJSON, where: str) -> None:
    remedy = "ask its sender for one written by `recommender share export`"
    if read.ratings < LEAST_RATINGS:
        problem = f"rests on {read.ratings} ratings, fewer than {LEAST_RATINGS}"
        raise RecommenderError(where, problem, remedy)
    for column in read.columns:
        if column.clients < LEAST_CLIENTS or column.clinicians < LEAST_CLINICIANS:
            problem = f"has fewer people behind {column.name} than anybody may share"
            raise RecommenderError(where, problem, remedy)


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
