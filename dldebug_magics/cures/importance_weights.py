"""Training samples drawn the more often, the more they look like the data that the model is for."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, WeightedRandomSampler

from ..engine.samples import numbered
from ..engine.subject import Subject
from ..instruments.columns import inputs_of
from ..instruments.modality import TOKENS, modality
from ..instruments.target_split import target_of

MOST = 50_000  # training samples whose weights are worth a pilot's time
_FITTED, _DIRECTIONS, _WORDS, _FOLDS = 4096, 32, 512, 5
_CLIP = 10.0  # a sample counts at most ten times as much, and at least a tenth: few heavy ones would make the rest idle


def reweighted(subject: Subject) -> Subject:
    """Training batches are drawn by importance weights p_target(x) / p_train(x), with replacement, as many as before."""
    data, weights = numbered(subject.train), weights_of(subject)
    if data is None or weights is None:
        return subject
    numbers = torch.Generator().manual_seed(subject.seed)
    sampler = WeightedRandomSampler(weights.tolist(), len(weights), generator=numbers)
    if not isinstance(subject.train, DataLoader):
        return dataclasses.replace(subject, train=DataLoader(data.dataset, data.batch_size, sampler=sampler, collate_fn=data.collate))
    loader = copy.copy(subject.train)
    drop: Any = loader.drop_last
    vars(loader).update(sampler=sampler, batch_sampler=BatchSampler(sampler, data.batch_size, drop), _iterator=None)
    return dataclasses.replace(subject, train=loader)


def weights_of(subject: Subject) -> Tensor | None:
    """The weight of each training sample, with mean 1; None where there is no target, or train can't be read by number.

    A classifier tells the two splits apart on inputs of which 32 principal directions are left, and its odds are the ratio of the
    densities (Sugiyama et al. 2007 call the use covariate shift adaptation). Each sample is judged by a classifier that did not see it.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found, data = target_of(subject), numbered(subject.train)
    if found is None or data is None:
        return None
    here, there = (_rows(subject, source, most) for source, most in ((subject.train, len(data.dataset)), (found[1], _FITTED)))
    if len(here) != len(data.dataset) or min(len(here), len(there)) < 2 * _FOLDS:
        return None
    both = _reduced(numpy.concatenate([here, there]), subject.seed)
    bent = numpy.concatenate([both, both**2], 1)  # a change of contrast moves squares, and no means
    kinds = numpy.repeat([0, 1], [len(here), len(there)])
    judge = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    likely = cross_val_predict(
        judge, bent, kinds, cv=StratifiedKFold(_FOLDS, shuffle=True, random_state=subject.seed), method="predict_proba"
    )[: len(here), 1]
    odds = likely / (1 - likely).clip(1e-12) * len(here) / len(there)
    clipped = odds.clip(1 / _CLIP, _CLIP)
    return torch.as_tensor(clipped / clipped.mean())


def _rows(subject: Subject, source: Any, most: int) -> numpy.ndarray:
    """The inputs of a split as rows: values as they are, tokens as counts."""
    rows = []
    for given in inputs_of(subject, source, most):
        flat = given.reshape(len(given), -1).cpu()
        rows.append(flat.float().numpy() if modality(subject) != TOKENS else _counted(flat))
    return numpy.concatenate(rows)


def _counted(tokens: Tensor) -> numpy.ndarray:
    return torch.stack([torch.bincount(row % _WORDS, minlength=_WORDS) for row in tokens.long()]).float().numpy()


def _reduced(rows: numpy.ndarray, seed: int) -> numpy.ndarray:
    """Few enough columns for a classifier that is asked about each sample."""
    from sklearn.decomposition import PCA

    if rows.shape[1] <= _DIRECTIONS:
        return rows
    some = numpy.random.default_rng(seed).permutation(len(rows))[:_FITTED]
    return PCA(min(_DIRECTIONS, len(some)), random_state=seed).fit(rows[some]).transform(rows)
