"""How often is the right fault named? Every mutant, and every healthy program, goes through the diagnosis.

    python benchmarks/faults/run.py [--class NAME] [--program NAME] [--limit N] [--twelve] [--jobs 2] [--seconds 60] [--json FILE] [--write]
    python benchmarks/faults/run.py --truth [--class NAME] [--program NAME] [--jobs 2]

--limit takes N mutants, spread over the classes; --json keeps the answers, and asks only what is not in it; --write makes docs/faults.md.
--truth trains mutants and twins anew where the sources have changed, and writes truth.json. README.md says what counts as what.
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []


def arguments() -> argparse.Namespace:
    """What was asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--class", dest="fault", action="append", metavar="NAME", help="only this fault class; may be repeated")
    asked.add_argument("--program", action="append", metavar="NAME", help="only in this program; may be repeated")
    asked.add_argument("--limit", type=int, metavar="N", help="at most N mutants, spread over the classes")
    asked.add_argument("--twelve", action="store_true", help="only the twelve common faults")
    asked.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    asked.add_argument("--seconds", type=float, default=60.0, help="the budget of one diagnosis")
    asked.add_argument("--json", type=Path, metavar="FILE", help="keep the answers here, and go on where they end")
    asked.add_argument("--truth", action="store_true", help="find out which mutants are faulty")
    asked.add_argument("--write", action="store_true", help="write the tables to docs/faults.md")
    return asked.parse_args()


def find_truths(asked: argparse.Namespace) -> None:
    """Train what is not known yet."""
    from benchmarks.faults import truth
    from benchmarks.faults.injections import FAULTS
    from benchmarks.faults.workers import spread

    faults, apply = asked.fault or list(FAULTS), functools.partial(spread, jobs=asked.jobs)
    for line in truth.update(faults, lambda mutant: not asked.program or mutant.program in asked.program, apply):
        print(line, flush=True)


def ask_all(asked: argparse.Namespace) -> None:
    """Diagnose, print the tables, keep what should be kept."""
    from benchmarks.faults import record, tables
    from benchmarks.faults.choice import TWELVE

    faults = [*(asked.fault or []), *(TWELVE.values() if asked.twelve else [])]
    items = record.items(faults, asked.program, asked.limit, asked.seconds)
    answers = record.collected(items, asked.json, asked.jobs)
    print(tables.report(answers))
    if asked.write:
        record.write_page(answers, ROOT / "docs" / "faults.md")


if __name__ == "__main__":
    wishes = arguments()
    (find_truths if wishes.truth else ask_all)(wishes)
