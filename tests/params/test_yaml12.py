"""params.yaml is read as DVC reads it, or refused with line and key."""

import random
import re
from itertools import product

import pytest
from dvc.exceptions import DvcException
from dvc.utils.serialize import parse_yaml
from yaml import YAMLError

from hnn.params.yaml12 import AmbiguousYAML, read_yaml

AMBIGUOUS = (
    *("0200", "010", "-010", "0777", "08", "0o17", "1_000", "685_230.15", "0b101", "16:40", "1:30:00"),
    *("190:20:30.15", "yes", "No", "on", "OFF", "2001-01-01", "=", "<<", ".8E3"),
)
PLAIN = (
    *("0", "-1", "+1", "200", "0x1F", "0.5", ".5", "5.", "+.5", "1e-3", "1E5", "12e03", "1.0e-12", ".8E+3", ".inf"),
    *("-.inf", "true", "False", "null", "~", "y", "n", "word", "a-b", "0b2", "1e", ".e3"),
)


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_read_yaml_refuses_scalars_that_readers_take_differently(text):
    with pytest.raises(AmbiguousYAML, match=re.escape(f"line 3: b.c: given {text}, which some readers take as")):
        read_yaml(f"a: 1\nb:\n  c: {text}")


@pytest.mark.parametrize("text", PLAIN)
def test_read_yaml_reads_plain_scalars_as_dvc_does(text):
    assert read_yaml(f"a: {text}") == parse_yaml(f"a: {text}", "params.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "line 2: a: given twice"),
        ("a: {b: 1, b: 2}", "line 1: a.b: given twice"),
        ("a: [1, 010]", r"line 1: a\[1\]: given 010"),
        ("yes: 1", "line 1: yes: given yes"),
        ("a: !!str 3", "line 1: a: given the tag"),
        ("a: !!set {x, y}", "line 1: a: given the tag"),
        ("? [1]\n: 2", "line 1: document: given a list as key"),
        ("%YAML 1.1\n---\na: 0200", "line 1: given %YAML, allowed: no directives"),
        ("a: 1\u2028b: 2", r"line 1: character U\+2028"),
        ("a: 1\nb: \x07", r"line 2: character U\+0007, allowed: printable characters"),
        ("\ufeffa: 1", "line 1: begins with a byte order mark"),
        ("a: 1\nb: {<<: {c: 2}}", "line 2: b.<<: given a merge key, allowed: the keys written out"),
        ("a: 2001-01-01", 'line 1: a: given 2001-01-01, .*; write "2001-01-01" if it is text'),
        (
            "a: {b: tcp://host:8786, c: 1}",
            'line 1: a.b: given tcp://host:8786 in braces or brackets, .* write "tcp://host:8786"',
        ),
        ("a: [e:]", r"line 1: a.*: given nothing in braces or brackets, which DVC cannot read; write null"),
    ],
)
def test_read_yaml_refuses_duplicate_keys_tags_and_directives_with_line_and_key(text, message):
    with pytest.raises(AmbiguousYAML, match=message):
        read_yaml(text)


def test_read_yaml_reads_every_short_scalar_of_numeric_characters_as_dvc_does_or_refuses_it():
    """All words of up to three characters, and all numbers with an underscore or a sign before their notation."""
    words = ["".join(letters) for n in (1, 2, 3) for letters in product("+-0179_.eoxbf:", repeat=n)]
    words += ["-0o17", "+0o7", "-0x1F", "0o1_7", "1_0e3", "08_", "._1", "._1e+3", "+_", "1" * 5000]
    accepted = {word: ours for word in words for ours, refusal in [reading(f"- {word}")] if not refusal}
    assert {word: repr(value) for word, value in accepted.items()} == {
        word: repr(parse_yaml(f"- {word}", "params.yaml")) for word in accepted
    }
    assert not accepted.keys() & set(words[-10:])
    assert len(accepted) > 1000


def test_read_yaml_reads_aliases_as_dvc_does_and_ends_within_an_alias_of_itself():
    text = "a: &x {b: [1, 2]}\nc: *x"
    assert read_yaml(text) == parse_yaml(text, "params.yaml")
    itself = read_yaml("a: &x [*x]")["a"]
    assert itself[0] is itself


def test_read_yaml_proposes_the_number_or_the_quoted_text():
    with pytest.raises(AmbiguousYAML, match='write 200, or "0200" if it is text'):
        read_yaml("hidden: 0200")
    assert read_yaml('hidden: "0200"') == {"hidden": "0200"}


UNREADABLE = object()
"""The value of a document that DVC refuses."""


def value(draw, depth):
    """The text of a random value in flow style."""
    kind = draw.random()
    if depth and kind < 0.25:
        return "{" + ", ".join(f"k{i}: {value(draw, depth - 1)}" for i in range(draw.randrange(4))) + "}"
    if depth and kind < 0.5:
        return "[" + ", ".join(value(draw, depth - 1) for _ in range(draw.randrange(4))) + "]"
    if kind < 0.6:
        return draw.choice(["'0200'", '"yes"', "''", '"1e3"'])
    if kind < 0.7:
        return "".join(draw.choice("0123456789_.:eE+-oxb") for _ in range(draw.randint(1, 6)))
    return draw.choice(AMBIGUOUS + PLAIN * 3)


@pytest.mark.parametrize("seed", range(40))
def test_read_yaml_of_random_documents_equals_dvcs_reading_or_is_a_refusal_with_line_and_key(seed):
    draw, equal = random.Random(seed), 0
    for _ in range(50):
        keys = [draw.choice(["a", "b", "seed", "no", "010"]) for _ in range(draw.randint(1, 3))]
        text = "\n".join(f"{key}: {value(draw, 2)}{draw.choice(['', ' # yes'])}" for key in keys)
        try:
            theirs = parse_yaml(text, "params.yaml")
        except (DvcException, ValueError, IndexError, OverflowError):
            theirs = UNREADABLE
        ours, refusal = reading(text)
        if refusal:
            assert re.match(r"line \d+: [\w.\[\]]+: given |no YAML", refusal), text
        else:
            assert theirs is not UNREADABLE, text
            assert repr(ours) == repr(theirs), text
            equal += 1
    assert equal > 5


def reading(text):
    """(our value, None) or (None, the refusal)."""
    try:
        return read_yaml(text), None
    except AmbiguousYAML as error:
        return None, str(error)
    except YAMLError:
        return None, "no YAML"
