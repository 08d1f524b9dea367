"""A split evaluated by a Ray cluster: the same sums to the last bit, and a cluster that was started for it is gone afterwards."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.passes import scored
from dldebug_magics.instruments.evaluation.pools import pool_of

DATA = TensorDataset(torch.randn(307, 12), torch.randint(0, 4, (307,)))


class Net(nn.Sequential):
    """Raises on one batch where it is told to."""

    def forward(self, x):
        if len(x) == 7 and getattr(self, "fussy", False):
            raise ArithmeticError("not the last one")
        return super().forward(x)


def net():
    torch.manual_seed(1)
    return Net(nn.Linear(12, 33), nn.ReLU(), nn.Linear(33, 4))


def found(model, pool, metric="loss"):
    torch.manual_seed(3)
    loader = DataLoader(DATA, 20, shuffle=True)
    result = list(scored(Subject(model, nn.CrossEntropyLoss()), loader, "val", metric, pool=pool))[-1]
    return result.value, result.sums.filled.tobytes(), result.confidence.buckets.total.tobytes()


def test_without_ray_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserMistake, match=r'--ray needs Ray; pip install "dldebug\[ray\]"'), pool_of(ray=True):
        pass


def test_a_folder_of_that_name_is_not_ray(monkeypatch):
    folder = importlib.machinery.ModuleSpec("ray", None, is_package=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: folder)
    with pytest.raises(UserMistake, match="--ray needs Ray"), pool_of(ray=True):
        pass


def test_the_same_bits_and_the_same_errors_from_a_cluster():
    ray = pytest.importorskip("ray")
    with pool_of(2, ray=True) as cluster:
        assert ray.is_initialized() and cluster.size == 2
        for metric in ("loss", "f1"):
            assert found(net(), cluster, metric) == found(net(), None, metric)
        fussy = net()
        fussy.fussy = True
        with pytest.raises(ArithmeticError, match="not the last one"):
            found(fussy, cluster)
        with pool_of(ray=True) as same:
            assert not same.mine
        assert ray.is_initialized(), "a cluster that was there before stays"
    assert not ray.is_initialized()
