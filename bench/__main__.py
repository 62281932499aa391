"""`python -m bench`: the speed of the project beside the published way of doing each job."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

from bench import table
from bench.child import in_a_process
from bench.jobs import JOBS, missing
from bench.store import earlier, rounded, write_json
from hnn.core.errors import Refused

FOLDER = Path(__file__).parent
RESULTS, PAGE = FOLDER / "results.json", FOLDER / "results.md"
REPRO = [name for name, job in JOBS.items() if job.module == "reproducing"]
NOT_MEASURED = {"reference_s": None, "ours_s": None, "ratio": None}


def write(machine: dict[str, Any], rows: dict[str, Any]) -> None:
    """Write both files, with every row of the table in its order."""
    for name, job in JOBS.items():
        row = {**NOT_MEASURED, **rows.get(name, {}), "target": job.target}
        rows[name] = row | ({} if row["ours_s"] is None else {"met": job.met(row)})
    results = {"machine": machine, "jobs": {name: rounded(rows[name]) for name in JOBS}}
    write_json(RESULTS, results)
    PAGE.write_text(table.render(results), encoding="utf-8")


def run(names: Iterable[str]) -> None:
    """Measure these jobs one after the other, each in a process of its own; what is measured is written at once."""
    began = perf_counter()
    machine = in_a_process("bench.machine:describe")
    rows, measured = earlier(RESULTS, machine, "jobs"), set[str]()
    for name in names:
        job = JOBS[name]
        if name in measured:
            continue
        if missing(job):
            print(
                f"{name}: skipped, {', '.join(missing(job))} is not installed: run `make bench`, or pip install -e '.[bench]'"
            )
            continue
        start = perf_counter()
        found = in_a_process("bench.jobs:measure", name)
        measured |= set(found)
        rows |= found
        write(machine, rows)
        for of in found:
            shown = f"{table.got(JOBS[of], rows[of])}, target {table.aim(JOBS[of])}: {table.judgement(JOBS[of], rows[of])}"
            print(f"{of}: {table.duration(rows[of]['ours_s'])}, {shown}")
            print(f"  reference: {rows[of]['reference']}\n  ours: {rows[of]['ours']}")
        print(f"  measured in {perf_counter() - start:.0f} s", flush=True)
    print(f"all of it took {(perf_counter() - began) / 60:.1f} minutes")


def main() -> None:
    """Measure the rows that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the project against the published way.")
    parser.add_argument("--only", nargs="+", choices=list(JOBS), metavar="job", help=f"these rows only: {', '.join(JOBS)}")
    parser.add_argument("--repro", action="store_true", help="also run the whole pipeline from nothing, which takes minutes")
    given = parser.parse_args()
    names = [name for name in given.only or JOBS if name not in REPRO]
    wanted = given.repro or any(name in REPRO for name in given.only or ())
    run([*names, *(REPRO if wanted else ())])


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(str(error))
