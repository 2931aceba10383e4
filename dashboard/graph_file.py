"""Graphs of files that people send: read by a process of its own, within limits, and kept in memory only."""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..storage.kinds.graph import of_json
from ..storage.run_rows import clean_text
from .graphs import Graphs

if TYPE_CHECKING:
    from ..storage.kinds.graph import Graph

PATH = "/api/v1/graph/file"
READ_SECONDS = 60.0
MEMORY = 8 << 30
"""Address space of the process that reads, which maps libraries of a gigabyte or two, too."""
_LONGEST_NAME = 200
_ENDINGS = (".onnx", ".pb", ".pbtxt", ".pt2")


def create_routes(graphs: Graphs) -> list[BaseRoute]:
    turn = asyncio.Lock()

    async def read(request: Request) -> Response:
        """``?name=model.onnx``, the body the file: answers with what its graph is asked for by."""
        name = clean_text(request.query_params.get("name", ""))[-_LONGEST_NAME:]
        content = await request.body()
        if not content:
            raise HTTPException(400, "The file is empty.")
        async with turn:
            graph = await _read(name, content)
        key = f"{hashlib.blake2b(content, digest_size=8).hexdigest()}:{name}"
        return JSONResponse({"id": await asyncio.to_thread(graphs.keep, key, graph), "name": name})

    return [Route(PATH, read, methods=["POST"])]


async def _read(name: str, content: bytes) -> Graph:
    """What ``trainboard graph FILE --json`` says of a file, as the front door knows how to read it.

    Parsers of foreign files may crash, hang or take all memory: then this process ends, and no other.
    """
    ending = next((one for one in _ENDINGS if name.lower().endswith(one)), Path(name).suffix[:20])
    with tempfile.TemporaryDirectory(prefix="trainboard-") as folder:
        path = Path(folder) / f"graph{''.join(one for one in ending if one.isalnum() or one == '.')}"
        await asyncio.to_thread(path.write_bytes, content)
        words = (sys.executable, "-m", "trainboard", "graph", str(path), "--json")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            async with asyncio.timeout(READ_SECONDS):
                said, problem = await process.communicate()
        except TimeoutError as error:
            raise HTTPException(422, f"{name} was not read within {READ_SECONDS:.0f} seconds.") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        raise HTTPException(422, _why(name, path, problem.decode("utf-8", "replace")))
    return await asyncio.to_thread(lambda: of_json(json.loads(said) | {"name": Path(name).stem}))


def _why(name: str, path: Path, problem: str) -> str:
    """What the process said of the file, by the name that its sender knows."""
    told = next((line for line in problem.splitlines()[::-1] if line.startswith("trainboard: ")), "")
    told = told.removeprefix("trainboard: ").replace(str(path), name).replace(path.name, name)
    return told or f"{name} could not be read: it is broken."
