"""A model that begins to do something else while it trains is noticed, at its step, and drawn again."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import trainboard as tb
from trainboard.loggers.torch_follow import MOST_EVENTS
from trainboard.loggers.warn import TrainboardWarning


class Dynamic(nn.Module):
    """Runs ``body`` as often as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = nn.Linear(4, 4), nn.Linear(4, 4)
        self.times = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for _ in range(self.times):
            x = self.body(x)
        return x


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=str(tmp_path / "store.db")) as run:
        yield run


def train(run: tb.Run, model: nn.Module, passes: list[dict[str, Any]]) -> None:
    """One pass a step: ``times`` as given, on a tensor of ``shape``."""
    for step, one in enumerate(passes):
        model.times = one.get("times", 1)
        model(torch.rand(one.get("shape", (2, 4))))
        run.log({"loss": 0.0}, step)


def records(run: tb.Run, tag: str, kind: str) -> list[Any]:
    assert run.flush(60)
    store = tb.open_store(run.store)
    there = any(series.tag == tag for series in store.series(run.id, kind))
    return store.records(run.id, tag, kind) if there else []


def events(run: tb.Run) -> list[Any]:
    return records(run, "graph/changes", "event")


def drawn(run: tb.Run) -> list[tuple[int, int]]:
    """The step and the number of nodes of each graph."""
    return [(one.step, len(one.value.nodes)) for one in records(run, "graph", "graph")]


def test_a_graph_that_does_not_change_is_stored_once_and_tells_nothing(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    train(run, model, [{}] * 5)
    assert drawn(run) == [(0, 4)]
    assert events(run) == []


def test_modules_that_are_added_and_removed_are_told_at_their_step(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    train(run, model, [{}, {}, {"times": 3}, {"times": 3}, {"times": 0}, {"times": 0}])
    first, second = events(run)
    assert (first.step, first.value.data["added"], first.value.data["removed"]) == (
        2,
        ["body#2", "body#3"],
        [],
    )
    assert (second.step, second.value.data["added"]) == (4, [])
    assert second.value.data["removed"] == ["body", "body#2", "body#3"]
    assert "body#2" in first.value.text
    assert drawn(run) == [(0, 4), (3, 6), (5, 3)]


def test_a_graph_that_comes_back_is_not_told_again(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    train(run, model, [{"times": 1 + step % 2} for step in range(12)])
    assert [event.step for event in events(run)] == [1]
    assert [nodes for _, nodes in drawn(run)] == [4, 5]


def test_a_layer_added_while_training_is_noticed(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    run.log_graph(model)
    for step in range(4):
        if step == 2:
            model.append(nn.ReLU())
        model(torch.rand(2, 4))
        run.log({"loss": 0.0}, step)
    assert [(event.step, event.value.data["added"]) for event in events(run)] == [(2, ["1"])]


def test_the_size_of_the_batch_is_no_change(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    train(run, model, [{"shape": (size, 4)} for size in (8, 8, 3, 8, 1)])
    assert events(run) == []


def test_another_length_of_sequences_is_told_once_for_all_lengths(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    train(run, model, [{"shape": (2, length, 4)} for length in (5, 5, 7, 6, 9, 8, 5)])
    (event,) = events(run)
    assert event.step == 2
    assert event.value.data["shapes"]["body"] == [[2, 5, 4], [2, 7, 4]]


def test_following_can_be_switched_off(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model, follow=False)
    train(run, model, [{}, {}, {"times": 3}])
    assert events(run) == [] and len(drawn(run)) == 1
    assert not model._forward_hooks and not model._forward_pre_hooks


def test_a_graph_logged_with_inputs_is_followed_from_its_first_pass(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model, torch.rand(2, 4))
    train(run, model, [{}, {}, {"times": 2}, {"times": 2}])
    assert drawn(run) == [(0, 4), (3, 5)]
    assert [event.step for event in events(run)] == [2]


def test_unwatch_leaves_no_hook(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    run.unwatch()
    assert not model._forward_hooks and not model._forward_pre_hooks
    model(torch.rand(2, 4))
    assert not nn.modules.module._global_forward_hooks


def test_a_copy_of_a_followed_model_is_not_followed(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    train(run, model, [{}])
    train(run, copy.deepcopy(model), [{"times": 3}])
    assert events(run) == []


def test_a_pass_that_fails_is_kept_so_far_and_following_goes_on(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    with pytest.warns(TrainboardWarning, match="incomplete"), pytest.raises(RuntimeError, match="shapes"):
        model(torch.rand(2, 5))
    assert not nn.modules.module._global_forward_hooks
    train(run, model, [{}, {}, {"times": 2}])
    assert [event.step for event in events(run)] == [2]
    assert records(run, "graph", "graph")[0].value.partial.startswith("RuntimeError in stem")


def test_a_model_that_always_changes_is_given_up_with_one_warning(run: tb.Run) -> None:
    model = Dynamic()
    run.log_graph(model)
    with pytest.warns(TrainboardWarning, match="not followed any longer"):
        train(run, model, [{"times": step} for step in range(MOST_EVENTS + 10)])
    assert len(events(run)) == MOST_EVENTS
    assert not model._forward_hooks
