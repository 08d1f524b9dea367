"""Cures that build a layer anew or change what a call is given: what they change, and that nothing of it stays, copied or lent."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from dldebug_magics.cures.arguments import entry_taken, one_by_one, picked_from, renamed
from dldebug_magics.cures.attributes import names_kept
from dldebug_magics.cures.batch_shapes import inputs_changed, targets_changed
from dldebug_magics.cures.input_size import enlarged, sized
from dldebug_magics.cures.layer_sizes import fitted, flattened_for
from dldebug_magics.cures.layers import given_to, in_turn, moved_for, rebuilt, resized
from dldebug_magics.cures.lazy_layers import initialised
from dldebug_magics.cures.mended import as_the_second, mended
from dldebug_magics.cures.pairs import cut, filled, in_size, projected, spread, state_dropped
from dldebug_magics.engine.borrow import Lender
from dldebug_magics.engine.examine import frozen
from dldebug_magics.engine.fingerprint import changed, fingerprint
from dldebug_magics.engine.subject import Subject


class Net(nn.Module):
    """Layers that others hold, too: a plain list, a tied weight."""

    def __init__(self, lock: bool = False):
        super().__init__()
        self.words, self.body, self.head = nn.Embedding(9, 6), nn.Linear(6, 6), nn.Linear(6, 9)
        self.head.weight = self.words.weight
        self.places = nn.Parameter(torch.zeros(1, 4, 6))
        self.register_buffer("scale", torch.ones(6))
        self.chain = [self.body, torch.relu]
        self.lock = threading.Lock() if lock else None

    def forward(self, ids: Tensor) -> Tensor:
        x = (self.words(ids) + self.places) * self.scale
        for step in self.chain:
            x = step(x)
        return self.head(x).transpose(1, 2)


def _subject(lock: bool) -> Subject:
    torch.manual_seed(0)
    net, ids = Net(lock), torch.randint(0, 9, (3, 4))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), [(ids, ids)])


CURES = {
    "rebuilt": rebuilt("words", num_embeddings=12),
    "rebuilt, of another width": in_turn(rebuilt("body", in_features=6), rebuilt("head", out_features=11)),
    "resized": in_turn(resized("places", (1, 7, 6)), resized("scale", (1,))),
    "given_to": given_to("body", lambda x: x + 1),
    "moved_for": moved_for("body", 1, 1),
    "fitted": fitted("", "in_features", -1),
    "flattened_for": flattened_for("view", (3, 4), 6),
    "names_kept": names_kept(""),
    "inputs_changed": in_turn(inputs_changed(lambda x: x.clone()), targets_changed(lambda y: y.clone())),
    "mended": mended({"add"}, as_the_second),
    "picked_from": picked_from("body", lambda output: output),
    "one_by_one": one_by_one(""),
    "initialised": initialised(6),
    "state_dropped": state_dropped,
}


@pytest.mark.parametrize("lock", [False, True], ids=["copied", "lent"])
@pytest.mark.parametrize("name", CURES)
def test_nothing_of_a_cure_stays_on_the_users_objects(name, lock):
    """A lock can't be copied: then the model itself is lent, and put back."""
    subject = frozen(_subject(lock))
    model, before = subject.model, fingerprint(subject)
    held = {path: (id(module), type(module), list(vars(module)), dict(module._parameters)) for path, module in model.named_modules()}
    groups = [list(map(id, group["params"])) for group in subject.optimizer.param_groups]
    lender = Lender(subject)
    assert lender.copies is not lock
    with lender.lend() as lent:
        cured = CURES[name](lent)
        assert cured.model is lent.model
    assert not changed(before, fingerprint(subject))
    for path, module in model.named_modules():
        assert held[path][:3] == (id(module), type(module), list(vars(module)))
        assert all(module._parameters[key] is value for key, value in held[path][3].items())
        assert not module._forward_hooks and not module._forward_pre_hooks
    assert groups == [list(map(id, group["params"])) for group in subject.optimizer.param_groups]
    assert model.head.weight is model.words.weight and model.chain[0] is model.body


def test_a_rebuilt_layer_is_the_same_object_and_what_is_tied_stays_tied():
    subject = _subject(lock=False)
    words, rate = subject.model.words, subject.optimizer.param_groups[0]["lr"]
    rebuilt("words", num_embeddings=12)(subject)
    assert subject.model.words is words and words.num_embeddings == 12
    assert words.weight.shape == (12, 6) and subject.model.head.weight is words.weight
    (group,) = subject.optimizer.param_groups
    assert any(p is words.weight for p in group["params"]) and group["lr"] == rate
    assert len(group["params"]) == len(set(map(id, group["params"]))) == len(list(subject.model.parameters()))


LAYERS = [
    (nn.Linear(4, 3, bias=False), {"in_features": 5}, (2, 5)),
    (nn.Conv2d(4, 6, 3, groups=2, padding="same"), {"in_channels": 8}, (2, 8, 5, 5)),
    (nn.ConvTranspose1d(4, 6, 3, stride=2), {"output_padding": (1,)}, (2, 4, 5)),
    (nn.BatchNorm2d(4), {"num_features": 5}, (2, 5, 3, 3)),
    (nn.GroupNorm(2, 4), {"num_channels": 6}, (2, 6, 3)),
    (nn.LayerNorm(4, bias=False), {"normalized_shape": 6}, (2, 6)),
    (nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True), {"input_size": 7}, (2, 3, 7)),
    (nn.RNN(4, 5, nonlinearity="relu"), {"input_size": 7}, (2, 3, 7)),
    (parametrizations.weight_norm(nn.Linear(4, 3)), {"in_features": 5}, (2, 5)),
]


@pytest.mark.parametrize(("layer", "sizes", "shape"), LAYERS, ids=[type(layer).__name__ for layer, _, _ in LAYERS])
def test_a_layer_is_rebuilt_with_all_else_as_it_was(layer, sizes, shape):
    before = {name: getattr(layer, name) for name in ("stride", "padding", "groups", "num_layers", "bidirectional") if hasattr(layer, name)}
    net = nn.Sequential(copy.deepcopy(layer)).double()
    rebuilt("0", **sizes)(Subject(net))
    net(torch.randn(shape, dtype=torch.float64))
    assert all(getattr(net[0], name) == value for name, value in before.items())
    assert any("bias" in name for name, _ in net.named_parameters()) is any("bias" in name for name, _ in layer.named_parameters())


def test_attention_is_rebuilt():
    net = nn.Sequential(nn.MultiheadAttention(8, 2, bias=False, batch_first=True))
    rebuilt("0", embed_dim=12)(Subject(net))
    assert net[0].in_proj_bias is None
    assert net[0](*[torch.randn(2, 3, 12)] * 3)[0].shape == (2, 3, 12)


def test_only_a_call_that_raises_is_done_otherwise():
    with torch.no_grad():
        cured = mended({"add"}, as_the_second)(_subject(lock=False))
        with cured.around[0]():
            assert torch.add(torch.ones(2, 3), torch.ones(2, 3)).shape == (2, 3)
            assert torch.add(torch.ones(6), torch.ones(2, 3)).shape == (2, 3)
            with pytest.raises(RuntimeError):
                torch.matmul(torch.ones(6), torch.ones(5))


def test_shapes_that_go_together():
    x, y = torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 4)
    assert projected(x, y).shape == y.shape
    assert in_size(x, y).shape == (2, 3, 4, 4)
    assert torch.equal(cut(x, torch.zeros(5, 6)), x[..., :5, :6])
    assert filled(torch.ones(2, 3), torch.zeros(2, 5)).tolist() == [[1, 1, 1, 0, 0]] * 2
    assert spread(torch.ones(2, 3), torch.zeros(2, 7, 3), axes=1, front=1).shape == (2, 7, 3)


def test_pictures_are_enlarged_with_their_masks():
    pictures, masks, labels = torch.rand(2, 3, 8, 10), torch.zeros(2, 8, 10), torch.zeros(2)
    subject = enlarged((2, 3, 8, 10), (2, 3), 16)(Subject(nn.Identity(), batch=(pictures, masks, labels)))
    assert [tuple(t.shape) for t in subject.batch] == [(2, 3, 16, 20), (2, 16, 20), (2,)]
    assert torch.equal(sized(pictures, (2, 3), 16)[..., ::2, ::2], pictures)


def test_a_batch_under_other_names():
    batch = {"tokens": torch.zeros(2, 3), "mask": torch.ones(2, 3)}
    net = nn.Linear(3, 1)
    assert list(renamed("tokens", "input_ids")(Subject(net, batch=batch)).batch) == ["input_ids", "mask"]
    entry_taken("tokens")(Subject(net))
    assert net(batch).shape == (2, 1)
