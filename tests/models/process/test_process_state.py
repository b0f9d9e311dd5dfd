from __future__ import annotations

import torch
from torch import nn

from sweeps.models.process.process_state import ProcessState


def nothing() -> None:
    """Import no module."""


def begun() -> ProcessState:
    made = ProcessState()
    made.begin("", nothing)
    return made


def test_a_trial_that_changes_nothing_leaves_nothing() -> None:
    state = begun()
    assert state.put_back() == []
    assert not state.is_spoilt


def test_a_setting_is_put_back_and_a_process_goes_on() -> None:
    state = begun()
    torch.set_default_dtype(torch.float64)
    assert state.put_back() == ["torch's default dtype"]
    assert torch.get_default_dtype() is torch.float32
    assert not state.is_spoilt


def test_a_function_is_put_back_and_a_process_is_spoilt() -> None:
    state = begun()
    tanh = torch.tanh
    vars(torch)["tanh"] = torch.sin
    assert state.put_back() == ["torch.tanh"]
    assert torch.tanh is tanh
    assert state.is_spoilt


def test_what_is_left_again_is_told_once() -> None:
    state = begun()
    torch.set_grad_enabled(False)
    assert state.put_back() == ["torch's grad mode"]
    state.begin("", nothing)
    torch.set_grad_enabled(False)
    assert state.put_back() == []
    assert torch.is_grad_enabled()


def test_a_function_that_an_import_replaces_holds_for_its_trials_alone() -> None:
    state, relu = ProcessState(), torch.relu

    def load() -> None:
        vars(torch)["relu"] = torch.sigmoid

    for _ in range(2):
        state.begin("of_the_user", load)
        assert torch.relu is torch.sigmoid
        assert state.put_back() == []
        assert torch.relu is relu
    assert not state.is_spoilt


def test_what_torch_imports_late_is_no_change() -> None:
    state = begun()
    net = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert state.put_back() == []
