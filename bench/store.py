"""results.json and scaling.json: measurements and their machine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["earlier", "machine_in_words", "rounded", "write_json"]

VARIES = "matmul_peak_gflops"  # with what else the machine does


def rounded(value: Any) -> Any:
    """The value with four significant digits in each number, nested ones included."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def earlier(path: Path, machine: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The entry `part` of the file, if it was measured on the same machine and versions; else empty."""
    if not path.is_file():
        return {}
    before = json.loads(path.read_text(encoding="utf-8"))
    changed = [key for key in machine if key != VARIES and before["machine"].get(key) != machine[key]]
    if changed:
        print(f"what {path.name} holds is dropped: it was measured with another {', '.join(changed)}")
        return {}
    found: dict[str, Any] = before[part]
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write indented JSON; NaN is refused."""
    path.write_text(json.dumps(rounded(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def machine_in_words(machine: Mapping[str, Any]) -> str:
    """One sentence on the machine."""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, Python {machine['python']}, PyTorch "
        f"{machine['torch']}; a float32 matrix product reaches {machine['matmul_peak_gflops']:.0f} GFLOP/s."
    )
