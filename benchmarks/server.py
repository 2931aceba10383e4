"""``trainboard serve`` in a process of its own, as people run it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


class Server:
    """A server over one store, on the same port after every restart; killed at the end of the block."""

    def __init__(self, store: Path | str) -> None:
        self._store = store
        self._port = "0"
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def memory(self) -> float:
        """Megabytes that the process takes now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1_000

    def start(self) -> None:
        command = [sys.executable, "-m", "trainboard", "serve", str(self._store), "--no-open", "--port"]
        self._process = subprocess.Popen([*command, self._port], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = re.search(r"http://[^:]+:(\d+)/", self._process.stdout.readline())
        assert found is not None, "the server did not start"
        self._port = found[1]

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
