"""Compiles the plan of a model and a roster."""

from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.plan.answers import answer_reader, readings_of_features
from recommender.plan.clinicians import clinician_terms
from recommender.plan.matches import compile_matches
from recommender.plan.score_plan import ScorePlan
from recommender.plan.trees import compile_trees


def plan_for(model: AllianceModel, encoding: RosterEncoding) -> ScorePlan:
    """The plan of a model and a roster; the roster holds the one used last."""
    latest: dict[str, ScorePlan] = encoding.roster.columns.view("score plan", dict)
    plan = latest.get("latest")
    if plan is None or not plan.is_of(model, encoding):
        plan = latest["latest"] = compile_plan(model, encoding)
    return plan


def compile_plan(model: AllianceModel, encoding: RosterEncoding) -> ScorePlan:
    """The plan of a model and a roster; see `plan_for`."""
    additive, pipeline = model.additive, model.pipeline
    columns = encoding.roster.columns
    clinicians = clinician_terms(model, encoding)
    readings = readings_of_features(pipeline.scored)
    client_columns, trees = len(readings), None
    if model.trees is not None and model.tree_weight:
        trees = compile_trees(model.trees, clinicians.rows, client_columns)
    weights = {
        block: products.weights(additive.fit.coefficients[block])
        for block, products in additive.frame.products.items()
    }
    matches = compile_matches(pipeline.practice, columns, pipeline.panel, readings)
    answers = answer_reader(readings)
    return ScorePlan(model, answers, client_columns, clinicians, matches, trees, weights)
