"""`--out` is a regular file, a new name or standard output; anything else is refused and left as it is."""

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from hnn.commands.output import check_output, is_stdout, output
from hnn.core.errors import Refused


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(out, text="new"):
    with output(Path(out), ".csv") as path:
        temporary = path.with_name("temporary")
        temporary.write_text(text)
        os.replace(temporary, path)  # as `hnn.files.formats.writing` does


def test_output_writes_new_names_and_replaces_regular_files():
    write("a.csv")
    assert Path("a.csv").read_text() == "new"
    write("a.csv", "newer")
    assert Path("a.csv").read_text() == "newer"


def test_output_follows_links_and_leaves_them_as_they_are():
    Path("folder").mkdir()
    Path("folder/a.csv").write_text("old")
    Path("link").symlink_to("folder/a.csv")
    Path("dangling").symlink_to("folder/b.csv")
    write("link")
    write("dangling")
    assert Path("link").is_symlink()
    assert Path("dangling").is_symlink()
    assert [Path(f"folder/{name}.csv").read_text() for name in "ab"] == ["new", "new"]


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: Path(path).mkdir(), "it is a folder; give the name of a file"),
        (os.mkfifo, "it is a device, a socket or a pipe"),
        (make_socket, "it is a device, a socket or a pipe"),
        (lambda path: Path(path).symlink_to("/dev/null"), "it is a device, a socket or a pipe"),
        (lambda path: Path(path).symlink_to("."), "it is a folder"),
    ],
)
def test_output_refuses_what_is_no_regular_file_and_leaves_it(make, said):
    make("x")
    before = os.lstat("x")
    with pytest.raises(Refused, match=f"--out: x cannot be written: {said}") as caught:
        write("x")
    assert "\n" not in str(caught.value)
    after = os.lstat("x")
    assert (stat.S_IFMT(before.st_mode), before.st_ino) == (stat.S_IFMT(after.st_mode), after.st_ino)


def test_output_refuses_names_that_no_file_can_have():
    for out in ("a\0b", "n" * 300, "."):
        with pytest.raises(Refused, match="cannot be written"):
            write(out)
    Path("loop").symlink_to("loop")
    with pytest.raises(Refused, match="cannot be written"):
        write("loop")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_output_refuses_a_write_protected_file():
    Path("a.csv").write_text("mine")
    Path("a.csv").chmod(0o444)
    with pytest.raises(Refused, match="it is write-protected"):
        check_output(Path("a.csv"))


def test_output_to_standard_output_is_the_content_alone(capfd):
    assert is_stdout(Path("/dev/stdout"))
    print("before", end=" ")
    write("/dev/stdout", "new")
    sys.stdout.flush()
    assert capfd.readouterr().out == "before new"
    assert stat.S_ISLNK(os.lstat("/dev/stdout").st_mode)
