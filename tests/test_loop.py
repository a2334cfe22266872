"""The training loop, on a network that learns a straight line: schedule, early stop, resuming, and whose threads."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook

from hygiesync.errors import HygieSyncError, InputError
from hygiesync.learning import loop
from hygiesync.learning.settings import LoopSettings
from hygiesync.learning.torch_threads import single_threaded_torch

SETTINGS = LoopSettings(n_epochs=4, steps_per_epoch=5, learning_rate=0.05, seed=2)


class Line:
    """y = 3 x, by one weight and dropout; its validation loss can be written by a test."""

    def __init__(self, validation: list[float] | None = None, identity: str = "line", slope: float = 3.0) -> None:
        self.line = torch.nn.Linear(1, 1)
        self.network = torch.nn.Sequential(self.line, torch.nn.Dropout(0.5))
        torch.nn.init.zeros_(self.line.weight)
        torch.nn.init.zeros_(self.line.bias)
        self.written, self.identity, self.slope = iter(validation or ()), identity, slope
        self.weights: list[float] = []
        self.n_threads: list[int] = []

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for _ in range(n_steps):
            x = rng.normal(size=(32, 1)).astype(np.float32)
            yield x, self.slope * x

    def loss(self, *batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        x, y = batch
        self.n_threads.append(torch.get_num_threads())
        loss = ((self.network(x) - y) ** 2).mean()
        return loss, {"training_loss": loss}

    def validate(self) -> dict[str, float]:
        assert not self.network.training
        self.weights.append(self.weight)
        return {loop.VALIDATION_LOSS: next(self.written, 1.0)}

    @property
    def weight(self) -> float:
        return float(self.line.weight.detach())


class Interrupted(Exception):  # noqa: N818
    pass


def interrupt_after(n_epochs: int) -> Callable[..., Any]:
    def progress(n_done: int, *_: object) -> None:
        if n_done == n_epochs:
            raise Interrupted

    return progress


def test_it_learns_and_tells() -> None:
    line, told = Line(), []
    history = loop.train(line, replace(SETTINGS, n_epochs=30), progress=lambda *report: told.append(report[:2]))
    assert line.weight > 1.0
    assert history["training_loss"][-1] < 0.8 * history["training_loss"][0]
    assert told == [(n, 30) for n in range(1, 31)]
    assert not line.network.training


def test_the_learning_rate_makes_one_cycle() -> None:
    """Recorded where the optimiser steps: a rise over the first fifth, then a fall to nothing."""
    settings = replace(SETTINGS, n_epochs=10)
    rates: list[float] = []

    def record(optimiser: Optimizer, *_: object) -> None:
        rates.append(optimiser.param_groups[0]["lr"])

    hook = register_optimizer_step_pre_hook(record)
    try:
        loop.train(Line(), settings)
    finally:
        hook.remove()
    assert len(rates) == 50
    assert max(rates) == pytest.approx(settings.learning_rate)
    assert int(np.argmax(rates)) == 9
    assert (np.diff(rates[:10]) > 0).all() and (np.diff(rates[9:]) < 0).all()
    assert rates[-1] < 1e-3 * settings.learning_rate


@pytest.mark.parametrize(("n_epochs", "steps"), [(1, 1), (1, 2), (2, 1), (1, 5)])
def test_the_shortest_trainings_run(n_epochs: int, steps: int) -> None:
    line = Line()
    loop.train(line, replace(SETTINGS, n_epochs=n_epochs, steps_per_epoch=steps))
    assert len(line.weights) == n_epochs


@pytest.mark.parametrize("patience", [None, 2])
@pytest.mark.parametrize("n_epochs", [1, 3])
def test_a_resumed_run_is_the_same_to_the_bit(tmp_path: Path, n_epochs: int, patience: int | None) -> None:
    settings, losses = replace(SETTINGS, patience=patience), [3.0, 2.0, 4.0, 5.0]
    whole, resumed = Line(losses), Line(losses[n_epochs:])
    expected = loop.train(whole, settings)
    with pytest.raises(Interrupted):
        loop.train(Line(losses), settings, tmp_path / "c.safetensors", interrupt_after(n_epochs))
    torch.manual_seed(77)
    history = loop.train(resumed, settings, tmp_path / "c.safetensors")
    assert resumed.weight == whole.weight
    assert history.figures == expected.figures
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_early_stop_keeps_the_best_weights() -> None:
    line = Line([3.0, 2.0, 4.0, 5.0, 1.0])
    history = loop.train(line, replace(SETTINGS, n_epochs=9, patience=2))
    assert history[loop.VALIDATION_LOSS] == [3.0, 2.0, 4.0, 5.0]
    assert line.weight == line.weights[1] != line.weights[3]


def test_without_patience_the_last_weights_stay() -> None:
    line = Line([1.0, 2.0, 3.0, 4.0])
    loop.train(line, SETTINGS)
    assert line.weight == line.weights[-1] != line.weights[0]


@pytest.mark.parametrize("change", [dict(objective="other"), dict(seed=9), dict(patience=1)])
def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    loop.train(Line(), SETTINGS, tmp_path / "c.safetensors")
    objective = Line(identity=change.pop("objective", "line"))
    with pytest.raises(InputError, match="other settings"):
        loop.train(objective, replace(SETTINGS, **change), tmp_path / "c.safetensors")


def test_a_loss_that_is_no_number_is_said_at_once() -> None:
    with pytest.raises(HygieSyncError, match=r"epoch 1.*lower the learning rate"):
        loop.train(Line(slope=float("nan")), SETTINGS)


def test_nobody_elses_random_numbers_change() -> None:
    line = Line()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    loop.train(line, SETTINGS)
    assert torch.equal(torch.rand(3), expected)


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_training_keeps_to_one_thread_and_gives_the_others_back() -> None:
    line = Line()
    loop.train(line, SETTINGS)
    assert set(line.n_threads) == {1}
    assert torch.get_num_threads() == 3
    with pytest.raises(HygieSyncError):
        loop.train(Line(slope=float("nan")), SETTINGS)
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_two_users_of_one_thread_may_overlap() -> None:
    """The one that begins second finds one thread, and must not leave that behind as the number that was before."""
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))
    found = []

    def first() -> None:
        with single_threaded_torch():
            first_is_in.set()
            second_is_in.wait(10)
        first_is_out.set()

    def second() -> None:
        first_is_in.wait(10)
        with single_threaded_torch():
            second_is_in.set()
            first_is_out.wait(10)
            found.append(torch.get_num_threads())

    users = [threading.Thread(target=user) for user in (first, second)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert found == [1, 3]


@pytest.mark.usefixtures("three_threads")
def test_a_training_stays_on_one_thread_when_one_that_it_holds_ends() -> None:
    with single_threaded_torch():
        loop.train(Line(), SETTINGS)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
