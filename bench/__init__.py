"""Speed of the project beside the published way of doing each job, measured in one run.

`python -m bench` compares and writes results.json and results.md; `python -m bench.scaling` shows how cost grows. Like the
stages it imports the package from the `src` beside it, not from where it may be installed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
