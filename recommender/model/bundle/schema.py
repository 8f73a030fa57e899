"""The JSON files of a bundle: parsed without ambiguity and validated by strict models."""

import json
import math
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recommender.errors import BundleError

MAX_NUMBER = 1e12
"""Beyond any number a model can have; products of two such numbers are still finite."""
REMEDY = "train again; if it comes from elsewhere, do not use it"

Number = Annotated[float, Field(gt=-MAX_NUMBER, lt=MAX_NUMBER)]
Variance = Annotated[float, Field(ge=0, lt=MAX_NUMBER)]
Share = Annotated[float, Field(ge=0, le=1)]
_PLAIN = re.compile(r"[A-Za-z0-9_.:=-]{1,120}")
_PROBLEMS = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "float_type": "is not a number",
    "int_type": "is not a whole number",
    "bool_type": "is not true or false",
    "string_type": "is not text",
    "list_type": "is not a list",
    "dict_type": "is not an object",
    "model_type": "is not an object",
    "literal_error": "is not one of the known modes",
    "value_error": "contradicts itself",
}
"""What is wrong, by pydantic's type of error; every other type is a number out of range."""


class _Strict(BaseModel):
    """An object of exactly these keys; true is no number, and "1" is none either."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class _LearnedFrom(_Strict):
    contributor: str
    digest: str
    ratings: int
    clients: int
    share: Share


class _Manifest(_Strict):
    mode: Literal["model", "evidence_prior", "pooled_prior"]
    created_at: str
    practice_id: str
    practice_version: str
    practice_digest: str
    data_digest: str
    ratings: int
    pairings: int
    left_unrated: int
    first_day: str | None
    last_day: str | None
    known_until: str | None
    seed: int
    features: list[str]
    versions: dict[str, str]
    learned_from: list[_LearnedFrom] = []


class _Link(_Strict):
    basis: str
    ratings: int
    mean: Number
    sd: Annotated[float, Field(gt=0, lt=MAX_NUMBER)]
    to_mean: Number
    to_sd: Number


class _Range(_Strict):
    low: Number
    high: Number

    @model_validator(mode="after")
    def _ends_in_order(self) -> "_Range":
        if self.low > self.high:
            raise ValueError
        return self


class _Linker(_Range):
    reference: str
    metric: str
    links: dict[str, _Link]


class _MixedFit(_Strict):
    """The numbers of a mixed model, with a variance and the degrees of each penalised block."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Number]

    names: list[str]
    penalised: list[str]
    intercept: Number
    sigma2: Variance
    tau2: Variance
    iterations: int
    converged: bool
    log_evidence: Number

    @model_validator(mode="after")
    def _one_variance_a_block(self) -> "_MixedFit":
        variances = {f"variances.{block}" for block in self.penalised}
        degrees = {f"degrees.{block}" for block in self.penalised}
        numbers = self.__pydantic_extra__
        if set(numbers) != variances | degrees or any(numbers[name] < 0 for name in variances):
            raise ValueError
        return self


class _Additive(_Strict):
    fit: _MixedFit
    clinicians: int
    levels: int


class ModelJSON(_Strict):
    """The content of `manifest.json`; see `recommender.model.alliance_model.AllianceModel`."""

    manifest: _Manifest
    harmoniser: _Linker
    additive: _Additive
    client_mean: Number
    client_share: Share
    share: Share
    stays: Number
    spread: _Range
    panel_size: Annotated[int, Field(ge=1)]
    clinician_ids: list[str]


def read_model_json(content: bytes, file: str) -> ModelJSON:
    """The validated content of a manifest file.

    Raises
    ------
    BundleError
        Naming the first key that is missing, unknown, or of another type or range.
    ValueError, RecursionError
        When it is not one JSON object; see `read_json`.
    """
    try:
        return ModelJSON.model_validate(read_json(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        # Keys of a foreign file are printed and logged, so only plain ones are repeated.
        path = ".".join(str(part) for part in first["loc"])
        where = f"{file} {path}" if _PLAIN.fullmatch(path) else file
        raise BundleError(where, _PROBLEMS.get(first["type"], "is out of range"), REMEDY) from None


def read_json(content: bytes) -> dict[str, Any]:
    """A JSON object of finite numbers in which no key occurs twice.

    Raises
    ------
    ValueError, RecursionError
        When the bytes are anything else.
    """
    parsed = json.loads(
        content.decode(),
        object_pairs_hook=_unique,
        parse_constant=_finite,
        parse_float=_finite,
    )
    if not isinstance(parsed, dict):
        raise ValueError
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise ValueError
    return parsed


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number
