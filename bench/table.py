"""results.md, made of results.json."""

from collections.abc import Mapping
from typing import Any

from bench.jobs import JOBS, WITH_COMPILATION, Job
from bench.row import Row
from bench.store import machine_in_words

__all__ = ["BEGIN", "END", "block", "cell", "duration", "judgement", "render"]

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
UNITS = ((60.0, "s", 1.0), (1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "µs", 1e6))


def duration(seconds: float | None) -> str:
    """Three digits with the unit that suits them."""
    if seconds is None:
        return "–"
    unit, factor = next((unit, factor) for least, unit, factor in UNITS if seconds >= least)
    return f"{digits(seconds * factor)} {unit}"


def digits(x: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def aim(job: Job) -> str:
    """The target as text."""
    if job.limit:
        return f"≤ {duration(job.target)}"
    return f"≥ {job.target:g}" + ("" if job.title.endswith("rate") else " ×")


def got(job: Job, row: Row) -> str:
    """The ratio as text."""
    if row["ratio"] is None:
        return "–"
    return digits(row["ratio"]) + ("" if job.title.endswith("rate") else " ×")


def judgement(job: Job, row: Row) -> str:
    """`yes` if the target is met, else the distance from it."""
    if row["ours_s"] is None:
        return "not measured yet"
    if row["met"]:
        return "yes"
    short = []
    if job.limit:
        short.append(f"{digits(row['ours_s'] / job.target)} times the limit")
    elif row["ratio"] < job.target:
        short.append(f"{digits(row['ratio'] / job.target)} of the target")
    if not row.get("reached", True):
        short.append("the level is not reached everywhere")
    compiled = row.get("with_compilation")
    if compiled and compiled["ratio"] < WITH_COMPILATION:
        short.append(f"{digits(compiled['ratio'])} × with compilation, where {WITH_COMPILATION:g} × is the target")
    return "no: " + ", ".join(short)


def cell(text: str) -> str:
    """Text with the characters escaped that end a table cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def line(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(cell, cells))} |"


def block(results: Mapping[str, Any]) -> str:
    """The table between its marks."""
    machine = results["machine"]
    lines = [line("job", "reference", "ours", "ratio", "target", "met"), "|---|---|---|---|---|---|"]
    for name, job in JOBS.items():
        row = results["jobs"][name]
        lines.append(
            line(
                job.title, duration(row["reference_s"]), duration(row["ours_s"]), got(job, row), aim(job), judgement(job, row)
            )
        )
    about = machine_in_words(machine) if machine else "Not measured yet: run `make bench`."
    return "\n".join([BEGIN, *lines, "", about, END])


def sides(job: Job, row: Row) -> list[str]:
    """A sentence on each side of a row."""
    text = [f"- **{job.title}**. Reference: {row['reference']}. Ours: {row['ours']}."]
    if "per" in row:
        text.append(f"  Times are per {row['per']}.")
    compiled = row.get("with_compilation")
    if compiled:
        text.append(
            f"  With JAX's compilation, {compiled['what']}: {duration(compiled['reference_s'])} against "
            f"{duration(compiled['ours_s'])}, {digits(compiled['ratio'])} × (target ≥ {WITH_COMPILATION:g} ×)."
        )
    for batch, found in row.get("batches", {}).items():
        seconds = f"{duration(found['reference_s'])} against {duration(found['ours_s'])}"
        text.append(f"  Batch {batch}: {seconds}, {digits(found['ratio'])} ×.")
    return text


def quality(name: str, row: Row) -> list[str]:
    """The tasks of a time to quality, one line for each quantity."""
    head = ["task", "quantity", "level", "whose", "reference", "ours", "reached", "reference takes", "ours takes", "steps"]
    lines = ["", f"### {JOBS[name].title}", "", line(*head), "|" + "---|" * len(head)]
    for task, found in row["tasks"].items():
        steps = f"{found['steps']['reference']} / {found['steps']['ours']}"
        seconds = [duration(found["reference_s"]), duration(found["ours_s"]), steps]
        for quantity, at in found.items():
            if isinstance(at, Mapping) and "level" in at:
                values = [f"{at[key]:.3g}" for key in ("level", "reference", "ours")]
                reached = "yes" if at["reached"] else f"no, {digits(at['ours'] / at['level'])} times the level"
                missed = "" if at["reference_reached"] else " (not reached)"
                lines.append(line(task, quantity, values[0], at["whose"], values[1] + missed, values[2], reached, *seconds))
    return lines


INTRODUCTION = """# Speed

Each job is done the published way and ours, turn by turn in one run; times are medians, a ratio is the median of the ratios of
neighbouring turns, and says how many times faster ours is. Absolute times mean little on a shared machine. The references are
written plainly in `bench/reference/`; `make bench` measures everything anew.
"""


def render(results: Mapping[str, Any]) -> str:
    """The page results.md."""
    measured = {name: row for name, row in results["jobs"].items() if row["ours_s"] is not None}
    text = [INTRODUCTION, block(results), "", "## What was compared", ""]
    text += [part for name, row in measured.items() for part in sides(JOBS[name], row)]
    tables = [part for name, row in measured.items() if "tasks" in row for part in quality(name, row)]
    if tables:
        note = "Means over the seeds. Steps are the reference's / ours. A level that is the reference's own stands where the "
        note += (
            "published value is of another draw of the noise: losses there are floors, and the pendulum's energy shows phase."
        )
        text += ["", "## Time to quality", "", note, *tables]
    return "\n".join(text) + "\n"
