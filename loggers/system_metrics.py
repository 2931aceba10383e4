"""Samples of the machine while a run trains: processors, memory, disk, network, and NVIDIA GPUs."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ..storage.forks import NO_FORK
from .guard import Guard

_MB, _GB = 1e6, 1e9


class SystemMetrics:
    """A thread that gives ``log`` one sample each ``every`` seconds until closed.

    Tags begin with ``system/``. Processors, memory and utilisation are in percent of the whole machine,
    ``process_cpu`` in percent of one core; rates are means since the sample before, in MB (1e6 bytes)
    a second; temperatures in degrees Celsius, power in watts.
    """

    def __init__(self, log: Callable[[dict[str, float]], None], every: float) -> None:
        self._log = log
        self._every = every
        self._closed = threading.Event()
        self._guard = Guard()
        self._thread = threading.Thread(target=self._run, name="trainboard-system", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        with self._guard("reading the machine's state"):
            machine, gpus = _Machine(), _gpus()
            while not self._closed.wait(self._every):
                values = machine.sample()
                for number, gpu in enumerate(gpus):
                    values |= {
                        f"system/gpu{number}_{name}": value for name, value in _sample_gpu(gpu).items()
                    }
                self._log(values)


class _Machine:
    """What psutil tells; the first sample measures from here on."""

    def __init__(self) -> None:
        with NO_FORK:
            import psutil

        self._psutil = psutil
        self._process = psutil.Process()
        psutil.cpu_percent()
        self._process.cpu_percent()
        self._before = self._counters()
        self._at = time.monotonic()

    def sample(self) -> dict[str, float]:
        now, counters = time.monotonic(), self._counters()
        seconds = max(now - self._at, 1e-3)
        rates = {
            f"system/{name}_mb_per_s": (count - self._before.get(name, count)) / _MB / seconds
            for name, count in counters.items()
        }
        self._before, self._at = counters, now
        return {
            "system/cpu": self._psutil.cpu_percent(),
            "system/memory": self._psutil.virtual_memory().percent,
            "system/process_cpu": self._process.cpu_percent(),
            "system/process_memory_gb": self._process.memory_info().rss / _GB,
            **rates,
        }

    def _counters(self) -> dict[str, int]:
        """Bytes since the machine started; a container may have neither disks nor a network."""
        disk, network = self._psutil.disk_io_counters(), self._psutil.net_io_counters()
        counters: dict[str, int] = {}
        if disk is not None:
            counters |= {"disk_read": disk.read_bytes, "disk_write": disk.write_bytes}
        if network is not None:
            counters |= {"network_sent": network.bytes_sent, "network_received": network.bytes_recv}
        return counters


def _gpus() -> list[Any]:
    """Handles of the NVIDIA GPUs that this process may use; none without their driver."""
    with NO_FORK:
        import pynvml

    try:
        pynvml.nvmlInit()
        everything = ",".join(map(str, range(pynvml.nvmlDeviceGetCount())))
        wanted = os.environ.get("CUDA_VISIBLE_DEVICES", everything)
        return [
            pynvml.nvmlDeviceGetHandleByIndex(int(name))
            if name.isdecimal()
            else pynvml.nvmlDeviceGetHandleByUUID(name)
            for name in wanted.split(",")
            if name
        ]
    except pynvml.NVMLError:
        return []


def _sample_gpu(gpu: Any) -> dict[str, float]:
    """What this GPU tells; not every model tells everything."""
    import pynvml

    values: dict[str, float] = {}
    with contextlib.suppress(pynvml.NVMLError):
        values["utilization"] = pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu
    with contextlib.suppress(pynvml.NVMLError):
        memory = pynvml.nvmlDeviceGetMemoryInfo(gpu)
        values["memory"] = 100 * int(memory.used) / int(memory.total)
    with contextlib.suppress(pynvml.NVMLError):
        values["temperature"] = pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU)
    with contextlib.suppress(pynvml.NVMLError):
        values["power_w"] = pynvml.nvmlDeviceGetPowerUsage(gpu) / 1_000
    return values
