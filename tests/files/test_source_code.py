"""Listings of source code: what changes a hash, and which files an import closure has."""

import ast

import pytest
from conftest import ROOT

from hnn.core.errors import Refused
from hnn.files.source_code import digest, import_closure, listing, runtime_nodes, stripped

CODE = '''
@decorator
class A(Base):
    x: int = 1

    def f(self, y):
        s = f"{y} # not a comment" + "# nor this" ; t = 'é'
        return s, t, """first

        third # neither"""


class B: pass
'''

EQUAL = {
    "comment": CODE.replace("x: int = 1", "x: int = 1  # metres"),
    "comment_after_unicode": CODE.replace("t = 'é'", "t = 'é'  # naïve: é"),
    "comment_after_string": CODE.replace('neither"""', 'neither"""  # é'),
    "comment_line": CODE.replace("    def f", "    # a method\n    def f"),
    "blank_lines": CODE.replace("    def f", "\n\n    def f"),
    "trailing_spaces": CODE.replace("x: int = 1", "x: int = 1   "),
    "module_docstring": '"""Of several\n\n# lines é.\n"""' + CODE,
    "docstring": CODE.replace("    x: int", '    """A class\n\n    of something."""\n\n    x: int'),
    "docstring_with_comment": CODE.replace("    x: int", '    """é\n    é"""  # a comment\n    x: int'),
    "attribute_docstring": CODE.replace("x: int = 1", 'x: int = 1\n    """A number."""'),
    "concatenated_docstring": CODE.replace("    x: int", '    "A" " class"\n    x: int'),
    "windows_line_ends": CODE.replace("\n", "\r\n"),
}

DIFFERENT = {
    "constant": CODE.replace("x: int = 1", "x: int = 2"),
    "annotation": CODE.replace("x: int = 1", "x: float = 1"),
    "decorator": CODE.replace("@decorator", "@other"),
    "hash_sign_in_string": CODE.replace("# nor this", "# nor that"),
    "hash_sign_in_f_string": CODE.replace("# not a comment", "# no comment"),
    "end_of_string": CODE.replace("third # neither", "third # either"),
    "blank_line_in_string": CODE.replace("first\n\n", "first\n"),
    "spaces_in_string": CODE.replace("first\n", "first  \n"),
    "second_statement_of_a_line": CODE.replace("; t = ", "; u = "),
    "indentation": CODE.replace("    x: int", "  x: int").replace("    def", "  def"),
    "one_line_class": CODE.replace("class B: pass", "class B: y = 1"),
    "bytes_statement": CODE.replace("x: int = 1", 'x: int = 1\n    b"bytes"'),
}


@pytest.mark.parametrize("name", EQUAL)
def test_stripped_ignores_comments_docstrings_and_blank_lines(name):
    ast.parse(EQUAL[name])
    assert EQUAL[name] != CODE
    assert stripped(EQUAL[name].encode()) == stripped(CODE.encode())


@pytest.mark.parametrize("name", DIFFERENT)
def test_stripped_keeps_everything_that_runs(name):
    assert DIFFERENT[name] != CODE
    assert stripped(DIFFERENT[name].encode()) != stripped(CODE.encode())


def test_stripped_removes_the_docstring_of_a_one_line_class():
    assert stripped(b'class A: "doc"\n') == stripped(b'class A: "other"  # comment\n') == "class A:"


def test_stripped_keeps_blank_lines_of_multiline_f_strings():
    assert stripped(b'x = f"""{1}\n\n{2}"""\n') != stripped(b'x = f"""{1}\n{2}"""\n')
    assert stripped(b'x = f"""{1}\n\n{2}"""  # comment\n') == 'x = f"""{1}\n\n{2}"""'


@pytest.mark.parametrize("file", sorted((ROOT / "src").rglob("*.py")), ids=lambda file: file.stem)
def test_stripped_source_of_the_project_has_the_syntax_tree_of_the_source_without_docstrings(file):
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [statement for statement in body if not is_docstring(statement)]
    text = stripped(file.read_bytes())
    try:
        parsed = ast.parse(text)
    except SyntaxError:  # a function or class whose body was its docstring alone
        assert any(getattr(node, "body", None) == [] for node in ast.walk(tree) if not isinstance(node, ast.Module))
    else:
        assert ast.dump(parsed) == ast.dump(tree)


def is_docstring(node):
    """True for a string that is a statement of its own."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_digest_depends_on_the_stripped_source_alone(tmp_path):
    digests = []
    for i, source in enumerate(["x = 1\n", "# one\n\nx = 1\n", "x = 2\n"]):
        (tmp_path / f"{i}.py").write_text(source)
        digests.append(digest(tmp_path / f"{i}.py"))
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 32


@pytest.fixture
def project(tmp_path):
    """A function that writes files by path, with the files of a small project."""

    def write(**files):
        for name, source in files.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        for folder in ("src/pkg", "src/pkg/sub", "stages"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / "__init__.py").touch()
        return tmp_path

    return write


def closure(root, script="stages/run.py"):
    """The paths of the import closure of a script below the root."""
    return {file.relative_to(root).as_posix() for file in import_closure(root / script, root)}


INITS = {"src/pkg/__init__.py", "src/pkg/sub/__init__.py"}


def test_import_closure_follows_imports_of_modules_and_names_with_their_packages(project):
    root = project(
        stages__run="from pkg.sub.a import f\nimport pkg.b as b\nimport os, json",
        src__pkg__sub__a="from pkg import c",
        src__pkg__b="",
        src__pkg__c="",
        src__pkg__unused="",
    )
    files = {"stages/run.py", "stages/__init__.py", "src/pkg/sub/a.py", "src/pkg/b.py", "src/pkg/c.py"}
    assert closure(root) == files | INITS


def test_import_closure_has_the_packages_of_a_plug_in_without_imports(project):
    root = project(src__pkg__sub__plugin="x = 1")
    assert closure(root, "src/pkg/sub/plugin.py") == {"src/pkg/sub/plugin.py"} | INITS


def test_import_closure_ends_for_cyclic_imports(project):
    root = project(stages__run="import pkg.a", src__pkg__a="import pkg.b", src__pkg__b="import pkg.a")
    assert closure(root) == {"stages/run.py", "stages/__init__.py", "src/pkg/a.py", "src/pkg/b.py", "src/pkg/__init__.py"}


def test_import_closure_counts_imports_inside_functions_and_not_those_for_type_checking(project):
    root = project(
        stages__run="from typing import TYPE_CHECKING\nimport typing\n"
        "if TYPE_CHECKING:\n    import pkg.a\nelse:\n    import pkg.b\n"
        "if typing.TYPE_CHECKING:\n    import pkg.a\n"
        "if not TYPE_CHECKING:\n    import pkg.c\n"
        "def f():\n    import pkg.d\n",
        **{f"src__pkg__{name}": "" for name in "abcd"},
    )
    expected = {"stages/run.py", "stages/__init__.py", "src/pkg/__init__.py"} | {f"src/pkg/{name}.py" for name in "bcd"}
    assert closure(root) == expected


def test_import_closure_refuses_a_relative_import_with_its_place(project):
    root = project(stages__run="import pkg.a", src__pkg__a="x = 1\nfrom . import b")
    with pytest.raises(Refused, match=r"pkg/a.py:2: given a relative import, allowed: absolute imports"):
        closure(root)


def test_runtime_nodes_leave_out_code_for_type_checking():
    tree = ast.parse("if TYPE_CHECKING:\n    a\nelse:\n    b\nc")
    assert {node.id for node in runtime_nodes(tree) if isinstance(node, ast.Name)} == {"b", "c"}


def test_listing_is_sorted_and_joins_the_closures_of_all_scripts(project):
    root = project(stages__run="import pkg.b", src__pkg__sub__plugin="x = 1", src__pkg__b="")
    lines = listing([root / "stages/run.py", root / "src/pkg/sub/plugin.py"], root).splitlines()
    paths = [line.split(" ")[1] for line in lines]
    assert paths == sorted(paths)
    assert {"src/pkg/b.py", "src/pkg/sub/plugin.py", "stages/run.py"} <= set(paths)
    assert lines[paths.index("src/pkg/b.py")].startswith(digest(root / "src/pkg/b.py"))
