"""One script per stage of dvc.yaml, run as `python -m stages.<stage> <key>` in the project's folder.

Stages import the package from the `src` beside them, not from where it may be installed: a copy of the project that runs a
queued experiment uses its own code.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from hnn.errors import Refused


def run(stage: Callable[..., None]) -> None:
    """Call the stage with the words of the command line; what it refuses is said in one line and exits with 1."""
    try:
        stage(*sys.argv[1:])
    except Refused as error:
        sys.exit(str(error))
