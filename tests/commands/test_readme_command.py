"""`python -m hnn readme`: results and output of commands in README."""

from pathlib import Path

import pytest

from hnn.commands import readme, summaries
from hnn.core.errors import Refused
from hnn.files import formats, paths
from hnn.reporting.report import BEGIN, END

BLOCK = "<!-- headline: begin -->\n<!-- headline: end -->\n<!-- comparisons: begin -->\n    old\n<!-- comparisons: end -->"
README = f"Before\n{BEGIN}\nold\n{END}\nBetween\n{BLOCK}\nAfter\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a README and a report, and no experiment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(summaries, "experiment", lambda name: None)
    monkeypatch.setattr(readme, "output", lambda command: [f"output of {command}"])
    formats.write_text(Path("README.md"), README)
    formats.write_text(paths.REPORT, f"# Report\n{BEGIN}\nnew\n{END}\n")


def test_readme_without_the_experiment_takes_the_results_and_the_headline_alone(project):
    readme.readme()
    headline = "<!-- headline: begin -->\n    $ dvc metrics show\n    output of dvc metrics show\n"
    assert Path("README.md").read_text() == README.replace("\nold\n", "\nnew\n").replace(
        "<!-- headline: begin -->\n", headline
    )


def test_readme_with_the_experiment_has_the_output_of_each_command(project, monkeypatch):
    monkeypatch.setattr(summaries, "experiment", lambda name: "abc" if name == "narrow" else None)
    readme.readme()
    readme.readme()  # again: the output is replaced, not added
    text = Path("README.md").read_text()
    assert text.count("output of dvc metrics show") == 1
    assert "    old\n" not in text
    for command in readme.HEADLINE | readme.COMPARISONS:
        assert f"    $ {command}\n    output of {command}\n" in text
    assert text.endswith("<!-- comparisons: end -->\nAfter\n")


def test_output_is_that_of_the_command_and_a_failure_is_its_reason(tmp_path, monkeypatch):
    assert readme.output("python -c 'import os; print(os.environ[\"COLUMNS\"])'") == ["120"]
    with pytest.raises(Refused, match=r"^python -c .*: no$"):
        readme.output("python -c 'raise SystemExit(\"no\")'")
