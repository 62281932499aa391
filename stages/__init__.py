"""One script per stage of dvc.yaml, run as `python -m stages.<stage> <key>` in the project's folder.

Stages import the package from the `src` beside them, not from where it may be installed: a copy of the project that runs a
queued experiment uses its own code.
"""

import inspect
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from hnn.core.errors import Refused
from hnn.core.process import end_with_parent
from hnn.files import times

T = TypeVar("T")
STARTED = time.time()


def needed(section: T | None, task: str) -> T:
    """A section of a task that the stage works by; raises `Refused` for a task without it, which is of another kind.

    DVC runs no stage on such a task: `hnn.params.schema` sees to it.
    """
    if section is None:
        raise Refused(
            f"task: given {task!r}, which lacks a section of params.yaml that this stage needs: it is of another kind"
        )
    return section


def run(stage: Callable[..., None]) -> None:
    """Call the stage with the arguments of the command line and end the process; a refusal is printed in one line, status 1.

    On Linux a stage is killed when its parent process ends. Ctrl-C ends it with status 130, without a traceback.

    The process ends without Python's clean-up, which has nothing left to write and takes 0.4 s to unload PyTorch. After a
    failure it would also abort with a message of PyTorch's where fits in other threads are still running.
    """
    end_with_parent()
    status, words = 0, sys.argv[1:]
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # of a terminal or log that is ASCII
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        needs = list(inspect.signature(stage).parameters)
        if len(words) != len(needs):
            raise Refused(f"{stage.__name__}: given {len(words)} words, must be {len(needs)}: {', '.join(needs) or 'none'}")
        stage(*words)
        times.append(times.StageTime("@".join([Path(sys.argv[0]).stem, "-".join(words)]).rstrip("@"), STARTED, time.time()))
    except KeyboardInterrupt:
        status = 130
    except Exception as error:
        status = 1
        sys.stderr.write(f"{error}\n" if isinstance(error, Refused) else traceback.format_exc())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
