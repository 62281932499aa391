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
    """Call the stage with the arguments of the command line; a refusal is printed in one line and exits with 1.

    A failure exits at once: fits in other threads may still be running, and Python would take them down within PyTorch, which
    aborts the process with a message of its own.
    """
    try:
        stage(*sys.argv[1:])
    except Exception as error:
        text = f"{error}\n" if isinstance(error, Refused) else traceback.format_exc()
        sys.stderr.write(text)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
