"""One job in a process of its own, independent of the threads and memory of others.

`in_a_process` starts `python -m bench.child <module>:<function> <argument> <file>`; argument and answer are JSON.
"""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hnn.core.errors import Refused

__all__ = ["in_a_process"]

ROOT = Path(__file__).resolve().parents[1]


def in_a_process(function: str, argument: Any = None) -> Any:
    """The result of `function`, named as module:function, for `argument`, in a process of its own; its output is passed on."""
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", "bench.child", function, json.dumps(argument), str(answer)]
        done = subprocess.run(command, cwd=ROOT)
        if done.returncode:
            raise Refused(f"{function} failed for {argument}; what it said stands above")
        return json.loads(answer.read_text(encoding="utf-8"))


def main(function: str, argument: str, answer: str) -> None:
    """The child: call the function and send its result."""
    module, name = function.split(":")
    found = getattr(import_module(module), name)(json.loads(argument))
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as error:
        sys.exit(str(error))
