"""Batches of another length, and no batch of what is left over."""

from __future__ import annotations

import copy
import dataclasses

import torch

from ..engine.nested import mapped
from ..engine.subject import Subject


def without_the_rest(subject: Subject) -> Subject:
    """The loader with `drop_last=True`: what is left over of the samples makes no batch."""
    loader = copy.copy(subject.train)
    sampler = copy.copy(loader.batch_sampler)
    sampler.drop_last = True
    vars(loader).update(batch_sampler=sampler, drop_last=True, _iterator=None)
    return dataclasses.replace(subject, train=loader)


def twice(subject: Subject) -> Subject:
    """Each sample of the batch two times."""
    return dataclasses.replace(subject, batch=mapped(subject.batch, lambda t: torch.cat([t, t]) if t.ndim else t))


def in_evaluation(subject: Subject) -> Subject:
    """The model in evaluation mode, where batch norm uses what it has seen before."""
    subject.model.eval()
    return subject
