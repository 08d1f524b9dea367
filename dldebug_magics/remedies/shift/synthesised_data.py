"""Training data made to look like the target's."""

from __future__ import annotations

from collections.abc import Iterator

from ...cures.aligned import half_restyled
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.modality import PICTURES, ROWS, SERIES, modality
from ...instruments.target_split import target_of
from ..fitting import fitting

_ONE = {PICTURES: "channel", ROWS: "continuous column", SERIES: "channel"}


@remedy(place=2)
def synthesised_data(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Synthesise training data that look like those of the target.

    Half of the training samples, other ones in each pass, are given the mean and contrast (pictures, by channel) or mean and deviation
    (rows, by column) that the target's inputs have. Labels stay. What else differs (blur, noise, another camera) has to be made by a person
    who has seen it: a transform in the training data, in the target's strength.

    Not this when: only the proportions of the classes differ; then mean and deviation do too, and nothing is wrong with the inputs.
    Costs: little time. Only inputs of the target are read.
    See: FSDL, "addressing distribution shift", B; Shorten & Khoshgoftaar 2019; Sun et al. 2016 for second moments.
    """
    found, kind = target_of(subject), modality(subject)
    if found is None or kind not in _ONE:
        why = "there is no split of the data that the model is for" if found is None else "of such inputs no mean and contrast can be made"
        yield NotPiloted(why, fits=False)
        return
    role, train = subject.name(found[0]), subject.name("train")
    code = f"# for half of {train}, by {_ONE[kind]}: (x - train_mean) / train_std * target_std + target_mean, the target being {role}"
    words = f"half of {train} with the mean and {'contrast' if kind == PICTURES else 'deviation'} of {role}, by {_ONE[kind]}"
    change = Change(words, code, before=half_restyled, risk="worse where the moments differ because the classes' shares do")
    yield from fitting(subject, [change], why="no copy ran on such data")
