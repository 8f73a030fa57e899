"""One retraining, cell by cell: `python -m experiments.walkthrough`, or open it as a notebook.

Cells begin with `# %%` (VS Code, PyCharm and Jupytext know them). Run it from the root of the
repository; all it writes stands in a temporary folder. Each figure is that of a simulated practice.
"""

# %% [markdown]
# ## 1  A practice
# Four tables, as a practice would export them: clients, clinicians, pairings, ratings. This one is
# simulated, so its truth is known; a real one is read in the same way.

# %%
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from rich.console import Console
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score

from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.cli import render
from recommender.cli.evaluation_tables import claim_lines, figures_table, findings_table
from recommender.features.pipeline import Pairs
from recommender.practice.definition import shipped_practice
from recommender.practice.fields import Side
from recommender.registry.registry import Registry
from recommender.tables.loader import read_tables
from recommender.tables.report import check_tables
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import dataset_of, labels_for
from recommender.training.estimator import AllianceRegressor
from recommender.training.evaluate import evaluate
from recommender.training.fit import fit
from recommender.training.folds import forward
from recommender.training.promotion import judge
from recommender.training.report import report_of
from recommender.training.run import train
from recommender.training.tree_fitting import FitSettings

console = Console(width=100)
folder = TemporaryDirectory()
home = Path(folder.name)
practice = shipped_practice("psychology")
write(
    simulate(scenario("default", clinicians=20, ratings=400, seed=1, test_clients=20), practice),
    home,
)
console.rule("1  A practice", align="left")
console.print(
    f"{practice.title}: {len(practice.client)} fields of a client, "
    f"{len(practice.clinician)} of a clinician, {len(practice.matches)} matches."
)

# %% [markdown]
# ## 2  Is it sound?
# Nothing is learned from tables with a fault. `recommender check FOLDER` prints the same.

# %%
console.rule("2  Is it sound?", align="left")
report = check_tables(home, practice)
console.print(render.tables_report(report))

# %% [markdown]
# ## 3  The label
# Early alliance as the client rated it in sessions 2 to 5, put on one instrument's scale. Who left
# before rating is unknown, not low: those pairings have no label, and are counted.

# %%
console.rule("3  The label", align="left")
dataset = dataset_of(read_tables(home, practice, None), practice)
everyone = np.arange(len(dataset))
labels = labels_for(dataset, everyone)
low, middle, high = np.quantile(labels.alliance, [0.05, 0.5, 0.95])
console.print(
    f"{len(dataset)} labels on {practice.reference.name}: median {middle:.2f}, "
    f"nine in ten between {low:.2f} and {high:.2f}. "
    f"{len(dataset.dropouts.client)} pairings ended unrated."
)
for name, link in labels.linker.links.items():
    console.print(f"  {name}: {link.ratings} ratings, put on the scale by {link.basis}")

# %% [markdown]
# ## 4  Learning
# Predicted alliance = what this client would rate an average clinician + what is particular to this
# clinician for this client. Only the second part orders clinicians.

# %%
console.rule("4  Learning", align="left")
fitted = fit(dataset, settings=FitSettings(seed=0))
model, encoding = fitted.model, encode_clinicians(dataset)
scores = model.score(dataset.clients, encoding, dataset.pairs)
console.print(
    f"Spread of the client's part {scores.client.std():.2f} points, of the pairing's "
    f"{scores.pairing.std():.2f}. Trees take {model.tree_weight:.0%} of the pairing's part "
    f"(none below {FitSettings().fewest_for_trees:,} ratings)."
)
error = labels.alliance - fitted.out_of_fold
console.print(
    f"Out of fold the error is {np.sqrt(np.mean(error**2)):.2f} points, where always "
    f"saying the mean errs by {labels.alliance.std():.2f}."
)

# %% [markdown]
# ## 5  Why: contributions
# Every prediction is a sum. For one client, the parts of the highest clinician beside the lowest.

# %%
console.rule("5  Why: contributions", align="left")
client, places = dataset.clients.take(np.array([0])), Pairs.of_one(len(dataset.clinician_ids))
parts = model.contributions(client, encoding, places)
alliance = model.score(client, encoding).alliance
first, last = int(alliance.argmax()), int(alliance.argmin())
group_of = np.array([feature.group for feature in parts.features])
told = pd.DataFrame(
    {
        phrase: parts.values[:, group_of == group].sum(axis=1)[[first, last]]
        for group, phrase in practice.groups.items()
    },
    index=["highest", "lowest"],
).T
console.print(told.round(3).to_string())
gap = np.abs(parts.start + parts.values.sum(axis=1) - alliance).max()
console.print(f"They sum to the prediction to {gap:.0e} points.")

# %% [markdown]
# ## 6  Records
# What earlier clients reported of a clinician, shrunken toward the average by how few they are. In
# training each row's record leaves the row's own fold out.

# %%
console.rule("6  Records", align="left")
records = pd.DataFrame(
    {"ratings": model.records.count.astype(int), "record": model.records.mean.round(3)},
    index=pd.Index(dataset.clinician_ids, name="clinician"),
).sort_values("record", ascending=False)
console.print(pd.concat([records.head(3), records.tail(3)]).to_string())

# %% [markdown]
# ## 7  Is it any good?
# Learned from the past, measured on what came later, beside every baseline on the same rows. A
# figure whose interval covers that of `random` has not been shown to be better than it.

# %%
console.rule("7  Is it any good?", align="left")
evaluation = evaluate(dataset, forward(dataset), draws=100)
shown = ("client-adjusted partial", "composite", "RMSE")
measured = report_of(evaluation, practice)
figures = [figure for figure in measured.figures if figure.metric in shown]
console.print(figures_table(figures, f"Measured on {measured.rated} later rated pairings"))

# %% [markdown]
# ## 8  Your own questions: scikit-learn
# The same learner with `fit`, `predict` and parameters that can be searched. Rows are raw cells;
# groups are clients, so that nobody is on both sides of a split.

# %%
console.rule("8  Your own questions: scikit-learn", align="left")


def cells(side: Side) -> pd.DataFrame:
    """What is known of clients or clinicians before they meet, by id; audit fields stay out."""
    table = pd.read_csv(home / f"{side}s.csv", dtype=str, keep_default_na=False)
    read = practice.fields(side, "score", "filter")
    known = [name for name in table.columns if name in read]
    return table.set_index(f"{side}_id")[known].add_prefix(f"{side}.")


pairings = pd.read_csv(home / "pairings.csv", dtype=str).set_index("pairing_id")
X = (
    pairings[["client_id", "clinician_id"]]
    .reindex(dataset.pairing_ids)
    .join(cells("client"), on="client_id")
    .join(cells("clinician"), on="clinician_id")
)
y, clients = labels.alliance, X["client_id"]
by_client = GroupKFold(3)
ours = cross_val_score(AllianceRegressor(practice), X, y, groups=clients, cv=by_client)
mean = cross_val_score(DummyRegressor(), X, y, groups=clients, cv=by_client)
console.print(f"R² by fold: ours {np.round(ours, 3)}, the mean {np.round(mean, 3)}")
search = GridSearchCV(
    AllianceRegressor(practice), {"client_num_trees": [50, 150]}, cv=by_client
).fit(X, y, groups=clients)
console.print(
    f"Of two numbers of trees for the client's part {search.best_params_} predicts better. "
    "`recommender train --tune` searches in earnest."
)

# %% [markdown]
# ## 9  Publish, and ask the gate
# Training publishes a challenger with all that was measured. The gate reads it and says what speaks
# against serving it; a person decides (`recommender promote`). It asks for a gain that is expected
# over what serves now. That matching is shown is another matter: a claim, which needs an interval.

# %%
console.rule("9  Publish, and ask the gate", align="left")
registry = Registry(f"sqlite:///{home}/mlflow.db")
published = train(home, practice, registry, now=datetime.now(UTC))
console.print(
    f"Version {published.version.version}, digest {published.version.digest[:12]}: the same "
    "tables and seed give the same digest."
)
judged = judge(registry, None)
console.print(findings_table(judged.findings, f"The gate on version {judged.version.version}"))
for line in claim_lines(judged.claims):
    console.print(line)

# %% [markdown]
# ## 10  Read next
# Each of these is one sitting.

# %%
console.rule("10  Read next", align="left")
for path, what in {
    "recommender/recommendation/recommend.py": "a whole request, from intake to shortlist",
    "recommender/training/run.py": "a whole retraining",
    "recommender/training/fit.py": "what is learned, in which order, from which rows",
    "recommender/features/history.py": "how records are counted and shrunken",
    "recommender/training/gain_rules.py": "what a challenger has to gain",
    "experiments/bake_off": "our learner beside the others, where the truth is known",
}.items():
    console.print(f"  {path:34}{what}", highlight=False)
folder.cleanup()
