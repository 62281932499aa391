"""On PYTHONPATH: at its end each stage writes the modules that it has loaded, {name: path in the project or null}."""

import json
import os
import sys
from pathlib import Path


def record_and_leave(status, leave=os._exit):
    """`os._exit`, with which stages end."""
    if "stages" in sys.modules:
        script, *words = sys.argv
        record = Path(".dvc/tmp/loaded", "-".join([Path(script).stem, *words])).with_suffix(".json")
        record.parent.mkdir(exist_ok=True)
        record.write_text(json.dumps({name: path_of(module) for name, module in sys.modules.items()}))
    leave(status)


def path_of(module):
    """The path of a module in the project, or None for others."""
    path = getattr(module, "__file__", None)
    return os.path.relpath(path) if path and path.startswith(os.getcwd()) else None


os._exit = record_and_leave
