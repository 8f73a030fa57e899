"""Our learner with other declared products: none, or the seven that the simulated truth has."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from experiments.bake_off.answer import Answer
from recommender.practice.definition import practice_of, shipped_text
from recommender.training.baselines import FoldTask
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings

Products = Mapping[str, Mapping[str, Any]]

WORDS = {"phrase": "suits", "otherwise": "suits less", "group": "approach", "source": "simulated"}
TRUE_PRODUCTS: Products = {
    "trauma_emdr": {
        "client": "concerns",
        "client_level": "trauma",
        "clinician": "training_emdr",
        "clinician_at_least": "trained",
    },
    "distress_experience": {
        "client": "k10",
        "client_at_least": 30,
        "clinician": "experience_years",
        "clinician_at_least": 10,
    },
    "unhelpful_support": {
        "client": "prior_therapy",
        "client_level": "unhelpful",
        "clinician": "style_support",
        "clinician_at_least": 4.5,
    },
    "severe_anxiety_act": {
        "client": "gad7",
        "client_at_least": 15,
        "clinician": "training_act",
        "clinician_at_least": "trained",
    },
    "expectancy_directiveness": {"client": "expectancy", "clinician": "style_directiveness"},
    "support_emotion": {"client": "social_support", "clinician": "style_emotion"},
    "lasting_schema": {"client": "concern_duration", "clinician": "training_schema"},
}
"""The rules of `experiments.simulated_practice.alliance` that no match compares."""


def with_products(products: Products) -> Callable[[FoldTask], Answer]:
    """Our fit with these declared products in place of those of the shipped definition."""

    def answer(trial: FoldTask) -> Answer:
        text = shipped_text("psychology")
        declared = tomllib.loads(text)
        declared["products"] = {name: {**WORDS, **each} for name, each in products.items()}
        dataset = replace(trial.dataset, practice=practice_of(declared, text))
        model = fit(dataset, trial.train, FitSettings(seed=trial.seed)).model
        scores = model.score(dataset.clients, trial.encoding, trial.pairs)
        low, high = model.interval_of(scores)
        return Answer(scores.pairing, scores.alliance, low, high)

    return answer
