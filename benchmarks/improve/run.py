"""Is the remedy that truly helps most ranked first or second? `improve` is asked about every problem.

    python benchmarks/improve/run.py [--problem NAME] [--jobs 2] [--seconds 60] [--of-process] [--seed 0] [--json FILE]
    python benchmarks/improve/run.py --truth [--problem NAME] [--jobs 2]

--of-process counts the seconds of the process and not of the clock, for a machine that others use as well.
--truth trains every problem in full with every change, where the sources have changed, and writes truth.json. README.md says what counts.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []


def arguments() -> argparse.Namespace:
    """What was asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--problem", action="append", metavar="NAME", help="only this one; may be repeated")
    asked.add_argument("--truth", action="store_true", help="find out what each remedy is worth")
    asked.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    asked.add_argument("--seconds", type=float, default=60.0, help="the budget of one answer")
    asked.add_argument("--of-process", action="store_true", help="count the seconds of the process alone")
    asked.add_argument("--seed", type=int, default=0, help="of the program that the user has, and of the answer")
    asked.add_argument("--json", type=Path, metavar="FILE", help="keep the answers here")
    return asked.parse_args()


def find_truths(asked: argparse.Namespace) -> None:
    """Train what is not known yet."""
    from benchmarks.faults.workers import spread
    from benchmarks.improve import truth
    from benchmarks.improve.problems import PROBLEMS

    for line in truth.update(asked.problem or list(PROBLEMS), functools.partial(spread, jobs=asked.jobs)):
        print(line, flush=True)


def ask_all(asked: argparse.Namespace) -> None:
    """Ask about every problem whose truth is known, and print what came of it."""
    from benchmarks.faults.workers import spread
    from benchmarks.improve import answers, scores, truth
    from benchmarks.improve.problems import PROBLEMS

    known = truth.known()
    old = {name: truth.stale(name) for name in asked.problem or PROBLEMS}
    names, left_out = [name for name in old if not old[name]], [name for name in old if old[name]]
    questions = [answers.Question(name, asked.seed, asked.seconds, asked.of_process) for name in names]
    found = []
    for one in spread(answers.answer, questions, asked.jobs):
        found.append(one)
        print(f"{one.problem}: {one.sentence}", flush=True)
    print(*scores.lines([scores.score(one, known[one.problem]) for one in found]), sep="\n")
    if left_out:
        print(f"left out, because the truth is older than its sources (--truth finds it anew): {', '.join(left_out)}")
    if asked.json:
        asked.json.write_text(json.dumps([dataclasses.asdict(one) for one in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    wishes = arguments()
    (find_truths if wishes.truth else ask_all)(wishes)
