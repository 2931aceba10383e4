"""A dashboard over many runs, which tests look at and do not change."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import Segment
from dashboard_fixtures import Dashboard
from playwright.sync_api import Page

from trainboard.storage import Store, open_store
from trainboard.storage.frames import FrameType

RUNS = 240
HOSTILE = "<img src=x onerror=alert(1)>\u202e\U0001f642"


def add_run(store: Store, segment: type[Segment], number: int) -> None:
    """One of RUNS: two models, of which the small one has the smaller loss, with the same seeds."""
    model, seed = ("small", "large")[number % 2], number // 2
    about: dict[str, Any] = {
        "project": "p",
        "name": f"{model}-{seed:03}",
        "created_at": time.time() - 100_000 + number,
        "config": {"model": model, "opt": {"lr": 10.0 ** -(seed % 4)}, "seed": seed, HOSTILE: HOSTILE},
        "environment": {"packages": {"torch": f"2.{number % 2}"}, "git": {"diff": f"+ lr = {seed}\n same"}},
        "tags": ["even" if seed % 2 == 0 else "odd"],
    }
    said = segment(f"run-{number:04}", **about)
    noise = float(np.random.default_rng(seed).normal())
    loss = 1.0 + number % 2 + 0.1 * (seed % 4) + 0.05 * noise
    said.scalars(0, {"loss": loss + 1})
    said.scalars(1, {"loss": loss})
    ending = {"status": "crashed", "error": "ValueError: no"} if number == 7 else {"status": "finished"}
    said.say(FrameType.FINISH, ending)
    store.ingest(f"run-{number:04}").feed(0, said.data, 0)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, segment: type[Segment]) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("many") / "runs.db", create=True)
    for number in range(RUNS):
        add_run(store, segment, number)
    yield store
    store.close()


@pytest.fixture(scope="module")
def served(many: Store) -> Iterator[Dashboard]:
    with Dashboard(many) as dashboard:
        yield dashboard


def rows(page: Page) -> Any:
    return page.locator("#run-grid .ag-center-cols-container .ag-row")


def ask(dashboard: Dashboard, path: str, body: object, **headers: str) -> Any:
    request = urllib.request.Request(f"{dashboard.url}/api/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
