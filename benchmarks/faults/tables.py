"""The answers counted: per class, on programs without a fault, and per confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median

from .answers import HEALTHY, Answer

VERDICTS = ("first", "named", "wrong", "silent")
CONFIDENCES = ("proven", "likely", "hint")
Row = list[str]


def per_class(answers: Iterable[Answer]) -> list[Row]:
    """A row a class, and one for all: mutants, those that are faulty, what was said of these, and the seconds of a diagnosis."""
    mutants = [answer for answer in answers if answer.fault != HEALTHY and not answer.harmless]
    classes = dict.fromkeys(answer.fault for answer in mutants)
    head = ["class", "mutants", "faulty", *VERDICTS, "of first: own name", "seconds"]
    body = [_class_row(fault, [answer for answer in mutants if answer.fault == fault]) for fault in classes]
    return [head, *body, _class_row("**all**", mutants)]


def _class_row(name: str, mutants: list[Answer]) -> Row:
    faulty = [answer for answer in mutants if answer.faulty]
    said = Counter(answer.verdict for answer in faulty)
    own = sum(answer.verdict == "first" and answer.alarms[0].own for answer in faulty)
    seconds = f"{median(answer.seconds for answer in faulty):.1f}" if faulty else "-"
    return [name, str(len(mutants)), str(len(faulty)), *(str(said[verdict]) for verdict in VERDICTS), str(own), seconds]


def alarms(answers: Iterable[Answer]) -> list[Row]:
    """Alarms where there is nothing to report: healthy programs, changes that do no harm, mutants that train as well as their twins."""
    sound = [answer for answer in answers if not answer.faulty]
    healthy = [answer for answer in sound if answer.fault == HEALTHY]
    harmless = [answer for answer in sound if answer.harmless]
    equivalent = [answer for answer in sound if answer.fault != HEALTHY and not answer.harmless]
    groups = {"healthy": healthy, "harmless changes": harmless, "equivalent mutants": equivalent, "**all**": sound}
    head = ["programs without a fault", "asked", "with an alarm", "of these: the injected class"]
    return [head, *(_alarm_row(name, asked) for name, asked in groups.items())]


def _alarm_row(name: str, asked: list[Answer]) -> Row:
    alarmed = [answer for answer in asked if answer.alarms]
    return [name, str(len(asked)), str(len(alarmed)), str(sum(answer.alarms[0].own for answer in alarmed))]


def calibration(answers: Iterable[Answer]) -> list[Row]:
    """How many of the alarms on faulty mutants are right, by the word that was said."""
    said = [alarm for answer in answers if answer.faulty and not answer.harmless for alarm in answer.alarms]
    rows = [["said", "alarms", "right", "share"]]
    for word in CONFIDENCES:
        right = [alarm.right for alarm in said if alarm.confidence == word]
        rows.append([word, str(len(right)), str(sum(right)), f"{sum(right) / len(right):.0%}" if right else "-"])
    return rows


def markdown(rows: list[Row]) -> str:
    """A table that reads well as text, too.

    >>> print(markdown([["a", "n"], ["long", "1"]]))
    | a    | n |
    |------|--:|
    | long | 1 |
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(_cell(text, width, i) for i, (text, width) in enumerate(zip(row, widths, strict=True))) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":" for i, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column == 0 else text.rjust(width)


def report(answers: list[Answer]) -> str:
    """All three tables, and what else must be said."""
    raised = [f"- `{answer.program}`: {answer.raised}" for answer in answers if answer.raised]
    broken = ["The diagnosis itself raised:", "\n".join(raised)] if raised else []
    return "\n\n".join([markdown(per_class(answers)), markdown(alarms(answers)), markdown(calibration(answers)), *broken])
