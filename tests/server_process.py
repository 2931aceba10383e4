"""A server as a process of its own, that can be killed and started again on its port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path


class ServerProcess:
    """``trainboard serve`` over one store. ``url`` stays the same over restarts."""

    def __init__(self, store: str | Path, *options: str, port: int = 0) -> None:
        self._store, self._options = store, options
        self.port = port
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *options: str) -> None:
        command = [sys.executable, "-m", "trainboard", "serve", str(self._store), "--no-open"]
        environment = {name: value for name, value in os.environ.items() if name != "TRAINBOARD_WRITE_TOKEN"}
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *(options or self._options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
        )
        assert self.process.stdout is not None
        printed = []
        for line in self.process.stdout:
            printed.append(line)
            if found := re.search(r"trainboard is at http://[^:]+:(\d+)/", line):
                self.port = int(found[1])
                return
        raise AssertionError("".join(printed))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def restart(self, *options: str) -> None:
        self.kill()
        self.start(*options)
