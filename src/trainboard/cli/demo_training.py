"""The four training programs of the demo, each a process of its own, as a user's would be."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

PROJECT = "digits"
TAIL = 20
PATIENCE = 10.0


@dataclass
class Training:
    """One program at work: ``framework`` as people write it, ``example`` the module that trains."""

    framework: str
    example: str
    seed: int
    process: subprocess.Popen[bytes] = field(init=False)
    output: IO[bytes] = field(init=False)

    def start(self, store: str, epochs: int) -> None:
        self.output = tempfile.TemporaryFile()
        options = {"--seed": self.seed, "--epochs": epochs, "--store": store, "--project": PROJECT}
        words = [str(word) for option in options.items() for word in option]
        command = [sys.executable, "-m", f"trainboard.examples.{self.example}", *words]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output
        )

    @property
    def failed(self) -> bool:
        return self.process.poll() not in (None, 0)

    def last_words(self) -> str:
        """The end of what the program printed, errors included."""
        self.output.seek(0)
        return "\n".join(self.output.read().decode(errors="replace").splitlines()[-TAIL:])


def trainings() -> list[Training]:
    return [
        Training(framework, example, seed)
        for framework, example in (("PyTorch", "torch_digits"), ("Keras", "keras_digits"))
        for seed in (1, 2)
    ]


@contextmanager
def running(store: str, epochs: int) -> Iterator[list[Training]]:
    """Start all four at once; whatever happens, none outlives the block."""
    started: list[Training] = []
    try:
        for training in trainings():
            training.start(store, epochs)
            started.append(training)
        yield started
    finally:
        for training in started:
            training.process.terminate()
        for training in started:
            wait_for(training.process)


def wait_for(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was asked to stop, and insist if it has not after a while."""
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
