"""A task of a recording inserted into the text of params.yaml: all other lines stay as they are, byte by byte."""

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from hnn.core.errors import Refused
from hnn.params.loading import parse_raw, yaml_problem

__all__ = ["quoted", "with_task"]

LIST = "recorded_tasks"


def with_task(text: str, name: str, section: str) -> str:
    """The text of params.yaml with `section`, a YAML text with the key `name`, at the end of `tasks`, and `name` in `LIST`.

    Raises `Refused` for a text whose layout does not allow it, or that would mean anything else beside the two changes.
    """
    before = parse_raw(text, "params.yaml")
    if name in (before.get("tasks") or {}):
        raise Refused(f"name: given {name!r}, which is a task of params.yaml already; choose another name")
    end = "\r\n" if "\r\n" in text else "\n"
    whole = text if text.endswith("\n") else text + end
    try:
        top = yaml.compose(whole, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise Refused(f"params.yaml: {yaml_problem(error)}") from None
    nodes = {key.value: value for key, value in top.value} if isinstance(top, MappingNode) else {}
    names, tasks = nodes.get(LIST), nodes.get("tasks")
    if not isinstance(names, SequenceNode) or not isinstance(tasks, MappingNode) or tasks.flow_style or not tasks.value:
        raise Refused(
            f"params.yaml: needs {LIST}, a list, and tasks, one `key: value` per line; `git checkout params.yaml` "
            "brings the committed file back"
        )
    insertions = sorted([listed(whole, names, name, end), task_at_end(whole, tasks, section, end)], reverse=True)
    for start, stop, words in insertions:  # from the back, so that the first place stays right
        whole = whole[:start] + words + whole[stop:]
    expected = before | {LIST: [*before[LIST], name], "tasks": before["tasks"] | parse_raw(section, "the new task")}
    if parse_raw(whole, "params.yaml with the new task") != expected:
        raise Refused(f"params.yaml: its layout does not allow to insert a task; put {LIST} and tasks in block style, last")
    return whole


def listed(text: str, names: SequenceNode, name: str, end: str) -> tuple[int, int, str]:
    """(start, stop, words) of the replacement that appends a name to a list."""
    if not names.flow_style:
        last = names.value[-1]
        place = line_end(text, last.end_mark.index)
        return place, place, f"{' ' * names.start_mark.column}- {name}{end}"
    start, stop = names.start_mark.index, names.end_mark.index
    if names.value:
        place = names.value[-1].end_mark.index
        return place, place, f", {name}"
    line = line_end(text, stop)  # `[] # comment` becomes ` # comment` and a line of its own
    rest = text[stop:line]
    return start, line, f"{rest.lstrip(' ')}{' ' * 2}- {name}{end}" if rest.strip() else f"{rest}{' ' * 2}- {name}{end}"


def task_at_end(text: str, tasks: MappingNode, section: str, end: str) -> tuple[int, int, str]:
    """(start, stop, words) of the insertion of a section after the last task, indented as the others."""
    place = line_end(text, last_scalar(tasks).end_mark.index)
    indent = " " * tasks.start_mark.column
    lines = [f"{indent}{line}".rstrip() for line in section.splitlines()]
    return place, place, end + "".join(f"{line}{end}" for line in lines)


def last_scalar(node: Node) -> Node:
    """The last node without children below a node."""
    while node.value and not isinstance(node.value, str):
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def line_end(text: str, index: int) -> int:
    """Index behind the line that contains an index."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def quoted(text: str) -> str:
    """A text as a YAML scalar in double quotes.

    >>> print(quoted('angle "θ"\\t[°]: #1'))
    "angle \\"θ\\"\\U00000009[°]: #1"
    """
    return '"' + "".join(escaped(letter) for letter in text) + '"'


def escaped(letter: str) -> str:
    """A character between double quotes."""
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"
