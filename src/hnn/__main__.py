"""`python -m hnn`: commands on a finished run."""

import argparse
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from hnn.core.errors import Refused

ROLLOUT = "python -m hnn rollout two_body hnn --start 1,0.5,-1,-0.5,-0.2,0.4,0.2,-0.4 --until 100 --out orbit.csv"
FILM = "python -m hnn rollout pixel_pendulum hnn --frames clip.npz --out film.gif"

START_ALONE, FRAMES_ALONE = ("points", "integrator", "step"), ("step_map",)
"""Options of `rollout` that go with --start alone, and with --frames alone."""


def report(_: argparse.Namespace) -> None:
    """Print the headline tables of the last run. Example: python -m hnn report"""
    from hnn.commands import summary

    print(summary.tables())


def tasks(_: argparse.Namespace) -> None:
    """List the tasks. Example: python -m hnn tasks"""
    from hnn.commands import summary

    print(summary.tasks())


def models(_: argparse.Namespace) -> None:
    """List the models. Example: python -m hnn models"""
    from hnn.commands import summary

    print(summary.models())


def rollout(given: argparse.Namespace) -> None:
    """Write the motion of a trained cell, or of the truth, from one start as CSV, or from two frames as a film."""
    options = {name: value for name, value in vars(given).items() if name != "command" and value is not None}
    start, others = ("--frames", START_ALONE) if "frames" in options else ("--start", FRAMES_ALONE)
    for name in others:
        if name in options:
            raise Refused(f"--{name.replace('_', '-')}: given with {start}, where it has no meaning; leave it out")
    if start == "--frames":
        from hnn.commands import rollout_frames

        rollout_frames.rollout_frames(**options)
    else:
        from hnn.commands import rollout

        rollout.rollout(**options)


def new(given: argparse.Namespace) -> None:
    """Make a task of your own recording: see docs/own_data.md. Example: python -m hnn new my_rig recordings/*.csv"""
    from hnn.commands import new

    new.new(**{name: value for name, value in vars(given).items() if name != "command"})


def law(given: argparse.Namespace) -> None:
    """Print a short formula for the energy that a cell has learned. Example: python -m hnn law pendulum hnn"""
    from hnn.commands import law

    print(law.law(given.task, given.model))


def times(_: argparse.Namespace) -> None:
    """List the stages that ran since `make repro` began, the longest first. Example: python -m hnn times"""
    from hnn.commands import times

    print(times.table())


def readme(_: argparse.Namespace) -> None:
    """Copy the results of the report, and the output of commands, into README.md. Example: python -m hnn readme"""
    from hnn.commands import readme

    readme.readme()


def diff(given: argparse.Namespace) -> None:
    """Compare two revisions or experiments, or one with this run, in words. Example: python -m hnn diff HEAD~1"""
    from hnn.commands import diff

    print(diff.diff(given.old, given.new))


def experiments(given: argparse.Namespace) -> None:
    """List DVC's experiments: what each changed, and a headline number of each cell. Example: python -m hnn experiments"""
    from hnn.commands import experiments

    print(experiments.experiments(given.quantity))


def check(_: argparse.Namespace) -> None:
    """Compare the metrics with the committed ones. Example: python -m hnn check"""
    from hnn.commands import check

    if not check.check():
        raise Refused("the run does not reproduce the committed results")


def check_params(_: argparse.Namespace) -> None:
    """Check params.yaml completely. Example: python -m hnn check-params"""
    from hnn.params.checks import load_checked_params

    load_checked_params()
    print("params.yaml is valid")


def test(given: argparse.Namespace) -> None:
    """Check a system in a file of your own. Example: python -m hnn test duffing.py mass=1 stiffness=1 hardening=0.5"""
    from hnn.commands import own_system

    table, failed = own_system.check_system(given.file, given.constants, given.distribution)
    print(table)
    if failed:
        raise Refused(failed)


COMMANDS = {
    one.__name__.replace("_", "-"): one
    for one in (new, report, rollout, law, tasks, models, times, readme, diff, experiments, check, check_params, test)
}
"""The commands by name; the docstring of each is its help, ending with an example."""


def add_diff(one: argparse.ArgumentParser) -> None:
    """Add the two revisions that `diff` compares."""
    one.add_argument("old", nargs="?", default="HEAD", help="a revision in git or an experiment of DVC (default: HEAD)")
    one.add_argument("new", nargs="?", help="another one (default: this run)")


def add_experiments(one: argparse.ArgumentParser) -> None:
    """Add the quantity that `experiments` lists."""
    one.add_argument(
        "quantity",
        nargs="?",
        default="energy_error_pct",
        help="energy_error_pct (default), coordinate_error_pct, valid_time or log10_test_loss",
    )


def add_new(one: argparse.ArgumentParser) -> None:
    """Add the name, files and columns of a recording to `new`."""
    one.add_argument("name", help="of the task: lower-case letters, digits and underscores")
    one.add_argument(
        "files", nargs="+", type=Path, help="CSV, TSV or other tables of text, Parquet, NPZ, MATLAB .mat up to v7"
    )
    add_columns(one)
    one.add_argument("--mass", type=float, help="momenta are this times the velocities (default: 1, H is per unit mass)")
    one.add_argument(
        "--test", help="held out: a fraction at the end, or beginnings of trials' names, between commas (default: 0.2)"
    )
    one.add_argument("--dry", action="store_true", help="print what is found and what would be written, and write nothing")


def add_columns(one: argparse.ArgumentParser) -> None:
    """Add the columns of times, positions, velocities or momenta, and trials, to `new`."""
    times = one.add_mutually_exclusive_group()
    times.add_argument("--time", help="the column of times, in s or with its unit in the header (default: by its name)")
    times.add_argument("--dt", type=float, help="seconds between rows, where there is no column of times")
    one.add_argument("--q", help="columns of positions, between commas (default: by their names, or by their values)")
    rates = one.add_mutually_exclusive_group()
    rates.add_argument("--v", help="columns of velocities in the same order (default: found, or estimated from positions)")
    rates.add_argument("--p", help="columns of momenta in the same order, instead of velocities")
    one.add_argument("--trial", help="the column that numbers the runs of a file (default: by its name)")


def add_law(one: argparse.ArgumentParser) -> None:
    """Add the cell whose formula `law` prints."""
    one.add_argument("task", help="a task whose states are observed")
    one.add_argument("model", help="a model that learns an energy")


def add_test(one: argparse.ArgumentParser) -> None:
    """Add the file, constants and distribution of a system to `test`."""
    one.add_argument("file", type=Path, help="a Python file with one System, whose code is run; also of the folder systems/")
    one.add_argument("constants", nargs="*", metavar="constant=value", help="the constants of the system")
    one.add_argument(
        "--distribution",
        nargs="+",
        default=[],
        metavar=("name", "argument=value"),
        help="of the initial states, such as: ring low=0.2 high=1.0 (default: the first of the system)",
    )


def add_rollout(one: argparse.ArgumentParser) -> None:
    """Add the cell, its start and the file to write to `rollout`."""
    one.epilog = f"Example: {ROLLOUT}, or {FILM}"
    one.add_argument("task", help="a task; `python -m hnn tasks` lists them")
    one.add_argument("model", help="a model of `python -m hnn models`, or with --start truth")
    start = one.add_mutually_exclusive_group(required=True)
    start.add_argument("--start", help="the first state, where states are observed: positions, then momenta, between commas")
    start.add_argument(
        "--frames",
        type=Path,
        help="an NPY or NPZ file of frames, for a pixel task, as far apart in time as its own: an array called frames or the "
        "only one, of brightness 0 to 255, (time, size, size), (time, size, size, channels) or (time, channels, size, size); "
        "the first two are the start",
    )
    one.add_argument("--until", type=float, help="the last time, in seconds (default with --frames: the length of the clip)")
    one.add_argument(
        "--out",
        required=True,
        type=Path,
        help="the CSV or GIF file to write, or /dev/stdout; a file that is there is replaced, also where a link leads to it",
    )
    add_method(one)


def add_method(one: argparse.ArgumentParser) -> None:
    """Add the fit to use, and the times or the method of its rollout, to `rollout`."""
    one.add_argument("--seed", type=int, default=0, help="the fit to use, by its seed (default: 0)")
    one.add_argument(
        "--step-map", help="of --frames: the map that the cell was trained by (default: the first of step_maps in params.yaml)"
    )
    one.add_argument("--points", type=int, help="of --start: times from 0 to --until (default: 1000)")
    one.add_argument(
        "--integrator", help="of --start: dop853, gauss, rk4, implicit_midpoint, … (default: the task's in params.yaml)"
    )
    one.add_argument(
        "--step", type=float, help="of --start: seconds, of fixed-step integrators (default: the task's in params.yaml)"
    )


ARGUMENTS = {
    "diff": add_diff,
    "experiments": add_experiments,
    "new": add_new,
    "law": add_law,
    "test": add_test,
    "rollout": add_rollout,
}
"""What adds the arguments of each command that has any."""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands, each with its arguments."""
    whole = argparse.ArgumentParser(
        prog="python -m hnn",
        description="Commands on a finished run, in the project's folder.",
        epilog=f"Example: {ROLLOUT}",
    )
    commands = whole.add_subparsers(required=True, metavar="command")
    for name, command in COMMANDS.items():
        about = (command.__doc__ or "").split(" Example: ")
        one = commands.add_parser(name, help=about[0], description=about[0], epilog=f"Example: {about[-1]}")
        one.set_defaults(command=command)
    for name, add in ARGUMENTS.items():
        add(commands.choices[name])
    return whole


def joined(words: list[str]) -> list[str]:
    """The words with `--start -1,0` as `--start=-1,0`: argparse takes a word that begins with a minus for an option."""
    i = words.index("--start") if "--start" in words[:-1] else len(words)
    return [*words[:i], "=".join(words[i : i + 2]), *words[i + 2 :]] if i < len(words) else words


def main() -> None:
    """Run one command: a refusal is one line, Ctrl-C exits with 130, a closed pipe (SIGPIPE) is no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a terminal or log that is ASCII
    try:
        given = parser().parse_args(joined(sys.argv[1:]))
        given.command(given)
        sys.stdout.flush()
    except Refused as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        sys.exit(f"{error.filename or 'standard output'}: {error.strerror or error}")
    except MemoryError:
        sys.exit("this needs more memory than there is")


def discard_output() -> None:
    """Send what standard output still holds to nowhere, or Python would complain when it closes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
