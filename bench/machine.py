"""Description of the machine of the measurements."""

import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from joblib import cpu_count

__all__ = ["describe", "matrix_product", "use_all_cores"]

SIZE = 2048  # of the matrices: 17 GFLOP a product, beyond every cache


def use_all_cores() -> None:
    """Give PyTorch a thread for each core, which is also its own choice in a fresh process."""
    torch.set_num_threads(cpu_count())


def matrix_product() -> tuple[Callable[[], object], float]:
    """A float32 product of two matrices, and its floating-point operations."""
    a, b = torch.ones(SIZE, SIZE), torch.ones(SIZE, SIZE)
    return lambda: a @ b, 2.0 * SIZE**3


def peak(repetitions: int = 10) -> float:
    """The best rate in GFLOP/s of the matrix product."""
    product, operations = matrix_product()
    best = float("inf")
    for _ in range(repetitions):
        start = perf_counter()
        product()
        best = min(best, perf_counter() - start)
    return operations / best / 1e9


def processor() -> str:
    """The name of the processor, if the system has it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def describe(_: None = None) -> dict[str, Any]:
    """Cores, threads, versions, and the measured peak."""
    use_all_cores()
    return {
        "processor": processor(),
        "cores": cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "matmul_peak_gflops": round(peak(), 1),
    }
