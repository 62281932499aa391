"""One script per stage of dvc.yaml, run as `python -m stages.<stage> <key>` in the project's folder.

Stages import the package from the `src` beside them, not from where it may be installed: a copy of the project that runs a
queued experiment uses its own code.
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from hnn.core.errors import Refused


def run(stage: Callable[..., None]) -> None:
    """Call the stage with the arguments of the command line and end the process; a refusal is printed in one line, status 1.

    The process ends without Python's clean-up, which has nothing left to write and takes 0.4 s to unload PyTorch. After a
    failure it would also abort with a message of PyTorch's where fits in other threads are still running.
    """
    status = 0
    try:
        stage(*sys.argv[1:])
    except Exception as error:
        status = 1
        sys.stderr.write(f"{error}\n" if isinstance(error, Refused) else traceback.format_exc())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
