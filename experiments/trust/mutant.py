"""Loads mutations of a bundle one after another: `python -m experiments.trust.mutant`.

A process of its own, so that a crash is a figure: it says which mutation it begins and what came of
it, and whoever reads it knows at which one it died. Started by `mutations`.
"""

import os
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import lightgbm as lgb
import numpy as np

from experiments.trust.mutation import Mutation, mutation, write
from recommender.errors import BundleError
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import read_bundle
from recommender.model.trees.ensemble import Trees
from recommender.serving.recommendation_service import warm_up
from recommender.serving.snapshot.snapshot import ServingSnapshot, open_snapshot, with_model
from recommender.settings import Settings

BEGINS, ENDED = "begins", "ended"
REFUSED, SOUND, DAMAGED, FAILED = "refused", "sound", "damaged", "failed"
MOST_MEMORY = 4 * 2**30
"""Bytes the process may claim: a bundle that asks for more is told by a MemoryError, a failure."""
ROWS = 16


def tried(mutated: Mutation, original: Path, state: ServingSnapshot, settings: Settings) -> str:
    """What comes of loading it: refused, loaded and sound, loaded and damaged, or an error."""
    with TemporaryDirectory(dir=original.parent) as directory:
        write(mutated, original, Path(directory))
        try:
            model, digest = read_bundle(Path(directory))
        except BundleError:
            return REFUSED
        except Exception as error:
            return f"{FAILED} {type(error).__name__}"
    if not mutated.is_listed:
        return DAMAGED
    try:
        return SOUND if is_sound(model) and answers(model, digest, state, settings) else DAMAGED
    except Exception as error:
        return f"{FAILED} {type(error).__name__}"


def is_sound(model: AllianceModel) -> bool:
    """Whether LightGBM understood of every tree what we did, by looking at it another way."""
    return all(
        is_whole(trees.text) and _agree(trees)
        for trees in (model.client_trees, model.trees)
        if trees is not None
    )


def is_whole(text: str) -> bool:
    """Whether every split and leaf of every tree is reached once; shares no code with `trees`."""
    width = int(text.split("max_feature_idx=")[1].split("\n")[0]) + 1
    for block in text.split("end of trees")[0].split("Tree=")[1:]:
        lines = dict(line.split("=", 1) for line in block.splitlines()[1:] if "=" in line)
        leaves = int(lines["num_leaves"])
        left, right, feature = (
            [int(word) for word in lines[name].split()]
            for name in ("left_child", "right_child", "split_feature")
        )
        reached: list[int] = []
        waiting = [0] if leaves > 1 else [~0]
        while waiting and len(reached) < 2 * leaves:
            node = waiting.pop()
            reached.append(node)
            if node >= len(left) or ~node >= leaves:
                return False
            if node >= 0:
                waiting += [left[node], right[node]]
        everything = [*range(leaves - 1), *(~leaf for leaf in range(leaves))]
        if sorted(reached) != sorted(everything) or waiting:
            return False
        if not all(0 <= column < width for column in feature):
            return False
    return True


def _agree(trees: Trees) -> bool:
    """Whether scores, our contributions and LightGBM's own say the same of odd rows."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, trees.width)) * rng.choice([0, 1, 100], size=(ROWS, 1))
    rows[rng.random(rows.shape) < 0.3] = np.nan
    scores, ours = trees.score(rows), trees.contributions(rows)
    booster = lgb.Booster(model_str=trees.text)
    narrow = rows.astype(np.float32)
    walked = np.asarray(booster.predict(narrow, pred_contrib=True, num_threads=1))
    scale = max(1.0, float(np.abs(ours).max()))
    return bool(
        np.isfinite(scores).all()
        and np.allclose(ours.sum(axis=1), scores, rtol=0, atol=1e-9 * scale * trees.width)
        and np.allclose(ours, walked, rtol=0, atol=1e-6 * scale)
    )


def answers(model: AllianceModel, digest: str, state: ServingSnapshot, settings: Settings) -> bool:
    """Whether the model scores and explains a whole roster; an error tells on itself."""
    warm_up(with_model(state, model, digest, settings))
    return True


def main() -> None:
    """Tries the mutations from one number to another, each told before and after."""
    original, roster = Path(sys.argv[1]), Path(sys.argv[2])
    first, last = int(sys.argv[3]), int(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    settings = Settings(bundle=original, roster=roster)
    state = open_snapshot(settings)
    whole = {path.name: path.read_bytes() for path in original.iterdir()}
    for number in range(first, last):
        mutated = mutation(whole, number)
        _say(f"{BEGINS} {number} {mutated.kind}")
        _say(f"{ENDED} {tried(mutated, original, state, settings)}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main()
