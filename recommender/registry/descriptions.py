"""Texts that mlflow shows on its pages of the registered model and of an experiment."""

DESCRIPTION = """\
Predicts how a new client will rate the early working alliance with each clinician of a practice.

Every `recommender train` registers a version; none is ever changed or replaced.
Two aliases name versions:

- `champion`: the version that serves. `recommender promote` sets it after its gate, and
  `recommender rollback` sets it back; servers that follow this registry then fetch it.
- `challenger`: the newest training. It serves nobody; `recommender serve --shadow challenger`
  scores with it beside the champion.

Load it with `mlflow.pyfunc.load_model("models:/alliance@champion")`. Who promoted a version, when
and why is in its tags `promotion.<time>`, where `rolled back` means that the practice went back to
this version; `recommender history` prints all of them.
"""
"""Of the registered model, in Markdown."""
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.note.content": (
        "Trainings and evaluations of `recommender`. The tag `kind` says what a run is: `training` "
        "and `evaluation`, and below them `fold` and `trial`."
    ),
}
"""mlflow's pages read them: the kind chooses the list of runs, the note is the description."""
