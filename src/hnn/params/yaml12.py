"""Parser of YAML 1.2's core schema that refuses scalars which YAML 1.1 or DVC reads as another value.

DVC reads YAML 1.2, where `0200` is two hundred and `yes` a word; PyYAML by itself reads 1.1, where they are 128 and true. A
number that DVC records must be the number that a stage uses, so plain scalars that the two versions read differently are
refused, with line, key and what to write instead; so are duplicate keys, tags, directives and merge keys.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["AmbiguousYAML", "read_yaml"]


class AmbiguousYAML(ValueError):
    """Text that is YAML but means different things to different readers; the message names line, key and what to write."""


class CoreLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the implicit types of YAML 1.2's core schema (YAML 1.2.2, section 10.3.2)."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own attribute, which this class replaces)

    def construct_int(self, node: ScalarNode) -> int:
        """An integer in decimal, octal (0o17) or hexadecimal (0x1F) notation; leading zeros mean nothing."""
        text = str(self.construct_scalar(node))
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text, 10)


for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.")),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first)
CoreLoader.add_constructor("tag:yaml.org,2002:int", CoreLoader.construct_int)

UNPRINTABLE = re.compile("[^\t\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not allow, and those that only some readers take as line breaks."""

EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+|[-+]\.[0-9]+")
"""Numbers that YAML 1.2 and DVC read alike and PyYAML by itself as text."""

DVC_NUMBER = re.compile(
    r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"
    r"|\.[0-9_]+(?:[eE][-+][0-9]+)?)"
)
"""Numbers to DVC's parser, which also allows underscores in them and a sign before each notation; none begins with `_`."""

YAML12, YAML11 = CoreLoader(""), yaml.SafeLoader("")
"""Loaders that resolve single scalars by YAML 1.2 and by YAML 1.1."""


def read_yaml(text: str) -> Any:
    """The content of a YAML document, the same for every reader.

    Raises `yaml.YAMLError` for text that is not YAML, `AmbiguousYAML` for text that readers take differently.

    >>> read_yaml("model: {hidden: 200, rate: 1e-3}")
    {'model': {'hidden': 200, 'rate': 0.001}}
    >>> read_yaml("hidden: 0200")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    hnn.params.yaml12.AmbiguousYAML: line 1: hidden: given 0200, which some readers take as 200 and others as 128; ...
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("%"):
            raise AmbiguousYAML(f"line {number}: given {line.split()[0]}, allowed: no directives")
        if number == 1 and line.startswith("\ufeff"):
            raise AmbiguousYAML("line 1: begins with a byte order mark; save the file as UTF-8 without it")
        if odd := UNPRINTABLE.search(line):
            given = f"character U+{ord(odd.group()):04X}"
            raise AmbiguousYAML(f"line {number}: {given}, allowed: printable characters, and line feeds as line breaks")
    loader = CoreLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        for path, scalar in scalars(node, "", set()):
            check_scalar(scalar, path)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def scalars(node: Node, path: str, visited: set[int], in_flow: bool = False) -> Iterator[tuple[str, ScalarNode]]:
    """Every scalar below a node, keys included, with its key path; `in_flow` within braces or brackets.

    Raises `AmbiguousYAML` for duplicate keys, merge keys and tags, and for plain scalars in braces or brackets that DVC cannot
    read. Aliased nodes are visited once: an alias may even be within its own node.
    """
    if id(node) in visited:
        return
    visited.add(id(node))
    in_flow = in_flow or bool(getattr(node, "flow_style", False))
    if isinstance(node, ScalarNode):
        if in_flow and node.style is None and (":" in node.value or not node.value):
            raise AmbiguousYAML(
                f"line {line_of(node)}: {path}: given {node.value or 'nothing'} in braces or brackets, which DVC cannot read; "
                + (f'write "{node.value}"' if node.value else "write null")
            )
        yield path, node
    elif node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
        raise AmbiguousYAML(f"line {line_of(node)}: {path or 'document'}: given the tag {node.tag}, allowed: no tags")
    elif isinstance(node, SequenceNode):
        for i, item in enumerate(node.value):
            yield from scalars(item, f"{path}[{i}]", visited, in_flow)
    elif isinstance(node, MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise AmbiguousYAML(f"line {line_of(key)}: {path or 'document'}: given a list as key, allowed: a name")
            name = f"{path}.{key.value}" if path else str(key.value)
            if key.value in keys:
                raise AmbiguousYAML(f"line {line_of(key)}: {name}: given twice, allowed: once")
            if key.value == "<<" and key.style is None:
                raise AmbiguousYAML(f"line {line_of(key)}: {name}: given a merge key, allowed: the keys written out")
            keys.add(key.value)
            yield from scalars(key, name, visited, in_flow)
            yield from scalars(value, name, visited, in_flow)


def check_scalar(node: ScalarNode, path: str) -> None:
    """Raise `AmbiguousYAML` if a scalar has a tag, or is plain and YAML 1.1 and 1.2 read it as different values.

    Numbers with an exponent that only 1.2 and DVC read as numbers (`1e-3`) are accepted: they are not meant as text.
    """
    where, text = f"line {line_of(node)}: {path or 'document'}", str(node.value)
    plain = node.style is None
    implied = YAML12.resolve(ScalarNode, text, (plain, not plain))  # type: ignore[no-untyped-call]
    if node.tag != implied:
        raise AmbiguousYAML(f"{where}: given the tag {node.tag}, allowed: no tags")
    if not plain:
        return
    new, old = value_of(text, YAML12), value_of(text, YAML11)
    if new is UNREADABLE:
        raise AmbiguousYAML(f"{where}: given a number of {len(text)} characters, allowed: one that Python can read")
    if isinstance(new, str) and isinstance(old, str) and text[:1] != "_" and DVC_NUMBER.fullmatch(text):
        raise AmbiguousYAML(
            f'{where}: given {text}, which some readers take as text and others as a number; write "{text}" if it is text'
        )
    same = type(new) is type(old) and (new == old or new != new)
    if not same and not (isinstance(old, str) and EXPONENT.fullmatch(text)):
        raise AmbiguousYAML(
            f"{where}: given {text}, which some readers take as {shown(new)} and others as {shown(old)}; "
            f'write {written(new, old)}"{text}" if it is text'
        )


def value_of(text: str, loader: yaml.SafeLoader) -> Any:
    """The value of a plain scalar to a loader; `UNREADABLE` if it refuses the scalar."""
    try:
        tag = loader.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        return loader.construct_object(ScalarNode(tag, text))
    except (yaml.YAMLError, ValueError):
        return UNREADABLE


UNREADABLE = object()
"""The value of a scalar that a loader refuses."""


def shown(value: Any) -> str:
    """A value for a person: words in quotes, dates and numbers as they print."""
    return "an error" if value is UNREADABLE else f"'{value}'" if isinstance(value, str) else str(value).lower()


def written(new: Any, old: Any) -> str:
    """The notation of the number or truth value that is probably meant, followed by `, or `; empty if there is none."""
    meant = next((value for value in (new, old) if isinstance(value, bool | int | float)), None)
    return "" if meant is None else f"{str(meant).lower()}, or "


def line_of(node: Node) -> int:
    """The line of a node, from 1."""
    return int(node.start_mark.line) + 1
