"""`docker compose` as `deploy/README.md` uses it: build, up, run, exec, down."""

import os
import sys
from pathlib import Path

from experiments.deploy_proof.engine import Engine

HOME_VARIABLE = "DEPLOY_PROOF_HOME"
FLAGS = frozenset({"--rm", "--wait", "-d", "-T", "--no-deps"})


def main(words: list[str]) -> int:
    """Carries out one command line; its exit code."""
    if words[:1] != ["compose"] or len(words) < 2:
        raise SystemExit(f"docker {' '.join(words)}: is not among what the proof understands")
    engine = Engine(Path(os.environ[HOME_VARIABLE]))
    action, rest = words[1], words[2:]
    entrypoint = None
    while rest and rest[0].startswith("-"):
        flag, *rest = rest
        if flag == "--entrypoint":
            entrypoint, *rest = rest
        elif flag not in FLAGS:
            raise SystemExit(f"docker compose {flag}: is not among what the proof understands")
    match action:
        case "build":
            engine.build()
        case "up":
            engine.up(rest or engine.usual())
        case "run":
            return engine.run(rest[0], rest[1:], entrypoint)
        case "exec":
            return engine.execute(rest[0], rest[1:])
        case "down":
            engine.down()
        case _:
            raise SystemExit(f"docker compose {action}: is not among what the proof understands")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
