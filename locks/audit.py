"""Print the licence of each locked package, then the known vulnerabilities of the locked versions by pip-audit.

The exit status is 1 if there are any, 2 if the database of vulnerabilities does not know all packages or cannot be reached.
"""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
FILES = [FOLDER.parent / "requirements.lock", FOLDER / "torch.lock", FOLDER / "checks.lock"]


def locked(text: str) -> list[str]:
    """The names of the packages of a lock file."""
    return re.findall(r"^([\w.-]+)==", text, re.MULTILINE)


def licence(package: metadata.PackageMetadata) -> str:
    """The licence that a package's metadata declare: as an expression, by classifiers, or in the first line of a text."""
    classified = [one.rpartition(" :: ")[2] for one in package.get_all("Classifier", []) if one.startswith("License :: ")]
    expression, text = (next(iter(package.get_all(name, [])), "") for name in ("License-Expression", "License"))
    return expression or ", ".join(classified) or text.strip().partition("\n")[0] or "none declared"


def licences(names: list[str]) -> list[str]:
    """A line for each package: name, version and licence, or that it is not installed here."""
    lines = []
    for name in names:
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            lines.append(f"{name:32} not installed on this platform")
        else:
            lines.append(f"{name:32} {found.version:16} {licence(found.metadata)}")
    return lines


def findings(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Lines on the known vulnerabilities of pip-audit's report, and the names of the packages that were not looked up."""
    known, missing = [], []
    for one in report["dependencies"]:
        if "skip_reason" in one:
            missing.append(one["name"])
        for bug in one.get("vulns", []):
            known.append(f"{one['name']} {one['version']}: {bug['id']}, fixed in {', '.join(bug['fix_versions']) or 'none'}")
    return known, missing


def audit(files: list[Path]) -> tuple[int, list[str]]:
    """The exit status and the lines to print: vulnerabilities, or that the database was not reached."""
    words = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off"]
    done = subprocess.run([*words, *(f"--requirement={file}" for file in files)], capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        return 2, [f"NOT AUDITED: the database of vulnerabilities cannot be reached: {reason}"]
    report = json.loads(done.stdout)
    known, missing = findings(report)
    if len(missing) == len(report["dependencies"]):
        return 2, [
            f"NOT AUDITED: the database of vulnerabilities has none of the {len(missing)} packages: is it a mirror without it?"
        ]
    lines = [*known, f"{len(known)} known vulnerabilities in {len(report['dependencies']) - len(missing)} packages"]
    if missing:
        lines.append(f"NOT AUDITED: {', '.join(missing)}")
    return (1 if known else 2 if missing else 0), lines


def main() -> None:
    """Print both, and exit with the status of the audit."""
    names = sorted({name for file in FILES for name in locked(file.read_text(encoding="utf-8"))})
    print("\n".join(licences(names)), end="\n\n")
    status, lines = audit(FILES)
    print("\n".join(lines))
    sys.exit(status)


if __name__ == "__main__":
    main()
