import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recommender.errors import BundleError
from recommender.model.bundle.archive import FACTS, REPORT
from recommender.model.bundle.io import load_bundle
from recommender.model.bundle.schema import read_json
from tests.support.broken_bundles import sealed, with_facts
from tests.support.builders import a_bundle

Change = Callable[[dict[str, Any]], object]
DAMAGE: dict[str, Change] = {
    "a fact too many": lambda facts: facts.update(surprise=1),
    "a fact too few": lambda facts: facts.pop("stays"),
    "a word for a number": lambda facts: facts.update(client_mean="4"),
    "a truth for a number": lambda facts: facts.update(stays=True),
    "nothing for a number": lambda facts: facts.update(share=None),
    "a share above one": lambda facts: facts.update(share=1.5),
    "a number beyond any": lambda facts: facts.update(client_mean=1e300),
    "an integer beyond any": lambda facts: facts.update(client_mean=10**400),
    "a mode nobody knows": lambda facts: facts["manifest"].update(mode="oracle"),
    "a list of clinicians that is none": lambda facts: facts.update(clinician_ids="k01"),
    "a clinician twice": lambda facts: facts["clinician_ids"].__setitem__(1, "k00"),
    "a clinician too few": lambda facts: facts["clinician_ids"].pop(),
    "more clinicians than effects": lambda facts: facts["additive"].update(clinicians=99),
    "levels nobody declared": lambda facts: facts["additive"].update(levels=2),
    "a range upside down": lambda facts: facts.update(spread={"low": 1.0, "high": -1.0}),
    "a scale upside down": lambda facts: facts["harmoniser"].update(low=9.0),
    "another reference": lambda facts: facts["harmoniser"].update(reference="other"),
    "no link for an instrument": lambda facts: facts["harmoniser"].update(links={}),
    "another definition's digest": lambda f: f["manifest"].update(practice_digest="0" * 64),
    "a block that is none": lambda facts: facts["additive"]["fit"]["names"].append("more"),
    "a block twice": lambda facts: facts["additive"]["fit"]["names"].append("matches"),
    "a variance below none": lambda f: f["additive"]["fit"].update({"variances.matches": -1.0}),
    "a panel of another size": lambda facts: facts.update(panel_size=3),
    "a panel larger than memory": lambda facts: facts.update(panel_size=10**12),
    "no panel": lambda facts: facts.update(panel_size=0),
    "a variance without its degrees": lambda f: f["additive"]["fit"].pop("degrees.matches"),
    "a negative residual variance": lambda f: f["additive"]["fit"].update(sigma2=-1.0),
    "a link without spread": lambda f: f["harmoniser"]["links"]["wai_sr"].update(sd=0.0),
    "levels beyond memory": lambda facts: facts["additive"].update(levels=10**12),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_manifest_that_is_not_that_of_a_model_is_refused(damage: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        load_bundle(with_facts(a_bundle(tmp_path), DAMAGE[damage]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda facts: facts.pop("stays"), "manifest.json stays: is missing"),
        (lambda facts: facts.update(share=1.5), "manifest.json share: is out of range"),
        (lambda facts: facts.update(seed=1), "manifest.json seed: is unknown"),
        (lambda facts: facts["manifest"].update(seed=True), "manifest.seed: is not a whole number"),
        (lambda facts: facts["manifest"].update(mode="oracle"), "is not one of the known modes"),
        (lambda facts: facts.update({"\x1b[2J": 1}), "manifest.json: is unknown"),
    ],
)
def test_the_first_wrong_key_is_named_unless_it_is_unprintable(
    change: Change, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=re.escape(message)):
        load_bundle(with_facts(a_bundle(tmp_path), change))


def test_an_unchanged_manifest_is_accepted(tmp_path: Path) -> None:
    assert load_bundle(with_facts(a_bundle(tmp_path), lambda facts: None))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1e999}',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 1}}',
        "[1]",
        "{",
        '{"a":' * 100_000,
        '{"a": "\\ud800',
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        read_json(text.encode())


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    for number, name in enumerate((FACTS, REPORT)):
        bundle = a_bundle(tmp_path / str(number))
        (bundle / name).write_text('{"a":' * 100_000)
        with pytest.raises(BundleError):
            load_bundle(sealed(bundle))


def test_a_key_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    facts = json.loads((bundle / FACTS).read_text())
    (bundle / FACTS).write_text(json.dumps(facts)[:-1] + ', "stays": 0.0}')

    with pytest.raises(BundleError):
        load_bundle(sealed(bundle))
