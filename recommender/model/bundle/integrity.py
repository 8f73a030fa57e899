"""Whether the parts of a model read from a bundle fit each other and its practice definition.

A wrong shape would end a request instead of a load, and a wrong index would read another person's
number. Imported by `bundle`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import BundleError
from recommender.features.feature import clinician_features
from recommender.features.history import HistoryRecords
from recommender.model.additive import Additive
from recommender.model.alliance_model import AllianceModel
from recommender.model.interactions import NumericColumns
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field

LARGEST = 1e12
"""Beyond any number a model can have: products of such still are numbers."""

Numeric = NDArray[Any]


def check_shapes(model: AllianceModel) -> None:
    """Refuses a model whose parts do not fit each other.

    Raises
    ------
    BundleError
        Naming the first part that does not fit.
    """
    for part, sound in _parts(model):
        if not sound:
            remedy = "train again; if it comes from elsewhere, do not use it"
            raise BundleError(f"bundle {part}", "does not fit its practice definition", remedy)


def _parts(model: AllianceModel) -> Iterator[tuple[str, bool]]:
    """Every part and whether it is sound, a part resting on those before it."""
    practice, people = model.practice, model.clinician_ids
    per = practice.history.per
    levels = 0 if per is None else len(practice.client[per].levels)
    yield "manifest", _manifest(model)
    yield "harmoniser", _harmoniser(model)
    yield (
        "numbers",
        _small(model.client_mean, model.survivor_offset, model.interval.low, model.interval.high),
    )
    yield "spread", model.interval.low <= model.interval.high
    yield "shares", all(0 <= share <= 1 for share in (model.client_tree_weight, model.tree_weight))
    yield "clinician_ids", len(set(people)) == len(people)
    yield "records", _records(model.records, len(people), levels)
    yield "panel", _panel(model.pipeline.panel, practice)
    yield "frame", _frame(model.additive, practice, len(people), levels)
    yield "products", _products(model)
    yield "mixed model", _fit(model.additive)


def _manifest(model: AllianceModel) -> bool:
    facts, practice = model.manifest, model.practice
    same = (facts.practice_id, facts.practice_version) == (practice.id, practice.version)
    return same and facts.practice_digest == practice.digest


def _harmoniser(model: AllianceModel) -> bool:
    said, settings = model.linker, model.practice.alliance
    numbers = (n for link in said.links.values() for n in (link.mean, link.to_mean, link.to_sd))
    return (
        (said.reference, said.metric) == (settings.reference, settings.metric)
        and set(said.links) == set(model.practice.instruments)
        and said.low < said.high
        and _small(said.low, said.high, *numbers)
        and all(0 < link.sd < LARGEST for link in said.links.values())
    )


def _records(records: HistoryRecords, clinicians: int, levels: int) -> bool:
    overall = (records.mean, records.count)
    by_level = (records.level_mean, records.level_count)
    return (
        all(_numbers(part, (clinicians,)) for part in overall)
        and all(_numbers(part, (clinicians, levels)) for part in by_level)
        and all(bool((part >= 0).all()) for part in (records.count, records.level_count))
    )


def _panel(panel: Columns, practice: Practice) -> bool:
    fields = {name: f for name, f in practice.clinician.items() if f.kind != "ids"}
    return (
        panel.size >= 1
        and set(panel.values) == set(fields)
        and all(_column(panel[name], field, panel.size) for name, field in fields.items())
    )


def _column(values: Numeric, field: Field, size: int) -> bool:
    """Whether a column is one that a field's own kind could have encoded; NaN is missing."""
    # One row shows the shape: a claimed size is not to be trusted with memory.
    empty = field.behaviour.encode(field, [None])
    # How many places or windows a row has room for is as many as the fullest row had.
    room = slice(2, None) if field.kind in ("place", "weekly_hours") else slice(1, None)
    if values.dtype != empty.dtype or values.ndim != empty.ndim or len(values) != size:
        return False
    known = values[~np.isnan(values)]
    if field.kind in ("ordinal", "category") and known.size:
        whole = bool((known == np.floor(known)).all())
        if not whole or known.min() < 0 or known.max() >= len(field.levels):
            return False
    return values.shape[room] == empty.shape[room] and _within(known)


def _frame(additive: Additive, practice: Practice, clinicians: int, levels: int) -> bool:
    frame = additive.frame
    widths = (len(clinician_features(practice)), len(practice.matches))
    scales = zip((frame.clinician, frame.match), widths, strict=True)
    return (
        all(
            _numbers(scale.mean, (width,)) and _positive(scale.interval, (width,))
            for scale, width in scales
        )
        and _numbers(frame.prior, (len(practice.matches),))
        and frame.clinicians == clinicians
        and frame.levels in (0, levels)
    )


def _products(model: AllianceModel) -> bool:
    products, features = model.additive.frame.products, model.pipeline.features
    if products is None:
        return True
    count = {
        side: sum(f.name.startswith(f"{side}.") for f in features)
        for side in ("client", "clinician")
    }
    sides = ((products.client, count["client"]), (products.clinician, count["clinician"]))
    return all(_side(numbers, width) for numbers, width in sides)


def _side(numbers: NumericColumns, width: int) -> bool:
    places, basis, size = numbers.places, numbers.basis, len(numbers.places)
    return (
        places.dtype == np.int64
        and places.ndim == 1
        and size >= 1
        and bool(((places >= 0) & (places < width)).all())
        and basis.ndim == 2
        and 1 <= basis.shape[1] <= size
        and _numbers(basis, (size, basis.shape[1]))
        and _numbers(numbers.scale.mean, (size,))
        and _positive(numbers.scale.interval, (size,))
    )


def _fit(additive: Additive) -> bool:
    fit, widths = additive.fit, _widths(additive)
    draws = {part.shape[1:] for part in additive.draws.values()}
    return (
        set(fit.names) == set(fit.coefficients) == set(additive.draws) == set(widths)
        and len(fit.names) == len(widths)
        and set(fit.variances) <= set(widths)
        and len(draws) == 1
        and all(len(shape) == 1 and shape[0] >= 1 for shape in draws)
        and all(
            _numbers(fit.coefficients[name], (width,)) and _drawn(additive.draws[name], width)
            for name, width in widths.items()
        )
        and _small(fit.intercept, fit.log_evidence, *fit.degrees.values())
        and all(0 <= v < LARGEST for v in (fit.sigma2, fit.tau2, *fit.variances.values()))
        and fit.client_codes.shape == fit.client_effects.shape == (0,)
        and fit.factor is None
    )


def _widths(additive: Additive) -> Mapping[str, int]:
    """Coefficients of each block that the frame makes."""
    frame = additive.frame
    widths = {
        "clinician": len(frame.clinician.mean),
        "matches": len(frame.match.mean),
        "clinicians": frame.clinicians,
    }
    if frame.levels:
        widths["by_level"] = frame.clinicians * frame.levels
    if frame.prior.any():
        widths["evidence"] = 1
    if frame.products is not None:
        widths["products"] = frame.products.width
    return widths


def _drawn(draws: Numeric, width: int) -> bool:
    return draws.dtype == np.float32 and len(draws) == width and _within(draws)


def _positive(values: Numeric, shape: tuple[int, ...]) -> bool:
    return _numbers(values, shape) and bool((values > 0).all())


def _numbers(values: Numeric, shape: tuple[int, ...]) -> bool:
    return values.dtype == np.float64 and values.shape == shape and _within(values)


def _within(values: Numeric) -> bool:
    return bool((np.abs(values) < LARGEST).all())


def _small(*numbers: float) -> bool:
    return all(-LARGEST < number < LARGEST for number in numbers)
