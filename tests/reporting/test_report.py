"""The report: its Markdown equals a golden file; its page says the same and needs no other file."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image
from report_fixture import METRICS, PIXEL_METRICS, of_pixels, of_states, results

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import FEW_SEEDS
from hnn.files.paths import in_git
from hnn.params.loading import load_params
from hnn.reporting.provenance import Origin
from hnn.reporting.report import Report, extract
from hnn.reporting.results import SETS

TASKS = load_params().tasks
FIGURES = {
    "all": {"energy-error.png": "Energy error & all."},
    "pendulum": {"pendulum-paths.png": "Paths.", "pendulum-film.gif": "Moving."},
}
ORIGIN = Origin(
    code=[{"folder": "src/hnn", "git object": "a" * 40}],
    data=[{"file": "data/observations/pendulum.npz", "sha256": "b" * 64}],
    versions=[{"package": "python", "version": "3.11"}],
    parameters="seed: 0 # <not markup>\n",
)


def uri(kind, size=(8, 8)):
    file = BytesIO()
    Image.new("L", size).save(file, format=kind)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


PICTURES = {name: uri(name[-3:]) for names in FIGURES.values() for name in names}


def states():
    return Report.of(results(), {"pendulum": 0.0}, FIGURES, TASKS, 5)


def both():
    figures = FIGURES | {"pixel_pendulum": {"pendulum-paths.png": "Seen."}}
    return Report.of(results(METRICS | PIXEL_METRICS), {"pendulum": 0.0}, figures, TASKS, 5)


def pixels():
    return Report.of(results(PIXEL_METRICS), {}, {"all": {}, "pixel_pendulum": {}}, TASKS, 5)


class Page(HTMLParser):
    """The tags of a page with their attributes, all of them closed in order."""

    VOID = ("meta", "link", "img", "wbr")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_markdown_of_states_and_pixels_equals_the_golden_report(golden):
    golden("report.md", both().markdown(in_git))


def test_extract_is_the_headline_the_table_and_a_sentence_for_each_task():
    quoted = extract(both().markdown(in_git))
    assert quoted.startswith("<!-- results: begin -->\nIn energy, the Hamiltonian network")
    assert quoted.endswith("<!-- results: end -->")
    assert quoted.count("\n- **") == 2
    assert "published" not in quoted


def test_markdown_of_pixels_alone_has_their_section_and_no_other():
    text = pixels().markdown(in_git)
    assert "## From pixels" in text
    assert "truth (floor)" not in text
    assert "## From pixels" not in states().markdown(in_git)
    assert "pixel_pendulum" in "".join(Page(pixels().page(PICTURES, ORIGIN)).text)


def test_markdown_of_one_model_of_an_unpublished_task_has_no_empty_table():
    tasks, found = {"spring": TASKS["mass_spring"]}, results({Cell("spring", "hnn"): METRICS[Cell("pendulum", "hnn")]})
    values = Report.of(found, {"spring": 0.0}, FIGURES, tasks, 1)
    assert "published results" not in values.markdown(in_git)
    assert "||" not in values.markdown(in_git)
    assert "published results" not in "".join(Page(values.page(PICTURES, ORIGIN)).text)


def test_markdown_tables_have_as_many_cells_in_each_row():
    for table in re.findall(r"(?:^\|.*\n)+", both().markdown(in_git), re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_page_needs_no_other_file():
    page = Page(both().page(PICTURES, ORIGIN))
    sources = [attrs[key] for _, attrs in page.tags for key in ("src", "href") if key in attrs]
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not page.all("script")
    assert "@import" not in "".join(page.text)
    assert "url(" not in "".join(page.text)


def test_page_links_lead_to_its_sections():
    page = Page(both().page(PICTURES, ORIGIN))
    targets = {attrs["id"] for attrs in page.all("section")}
    links = [attrs["href"][1:] for attrs in page.all("a")]
    assert {"published", "ours", "integrators", "pendulum", "pixel_pendulum", "origin"} == targets == set(links)


def test_page_pictures_have_alternative_texts_and_animations_are_folded():
    text = both().page(PICTURES, ORIGIN)
    assert all(attrs["alt"] for attrs in Page(text).all("img"))
    before = text[: text.index("data:image/gif")]
    assert before.rindex("<details>") > before.rindex("</details>") if "</details>" in before else "<details>" in before


def test_page_and_markdown_have_the_same_sentences():
    values = both()
    said = values.values
    page, text = "".join(Page(values.page(PICTURES, ORIGIN)).text), values.markdown(in_git)
    for sentence in (*said["headline"], said["method"], *said["findings"].values(), said["notes"]["glance"]):
        assert sentence.replace("`", "") in page
        assert sentence in text


def test_page_separates_a_number_from_its_interval_and_colours_it_by_its_verdict():
    text = states().page(PICTURES, ORIGIN)
    assert re.search(r'<td class="better">\s*4 times smaller <small>\[3.2, 5\]</small>\s*</td>', text)
    assert re.search(r"<td>\s*not distinguishable, 1.1 times <small>\[0.8, 1.4\]</small>\s*</td>", text)
    assert re.search(r"<td>\s*0.1 <small>\[0.08, 0.125\]</small>\s*</td>", text)
    worse = Report.of(results(verdict="worse"), {"pendulum": 0.0}, FIGURES, TASKS, 5).page(PICTURES, ORIGIN)
    assert re.search(r'<td class="worse">\s*4 times larger <small>\[3.2, 5\]</small>\s*</td>', worse)
    assert 'class="better"' not in worse


def test_page_escapes_texts():
    text = states().page(PICTURES, ORIGIN)
    assert "seed: 0 # &lt;not markup&gt;" in text
    assert "Energy error &amp; all." in text


MARKUP = '<script>alert(1)</script><img src=x onerror="alert(1)">'


def test_page_escapes_parameters_and_forbids_scripts_and_other_files():
    pictures = {name: uri(name[-3:], (4, 4)) for names in both().values["figures"].values() for name in names}
    page = both().page(pictures, replace(ORIGIN, parameters=MARKUP))
    assert MARKUP not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert policy.split("; ")[:3] == ["default-src 'none'", "img-src data:", "style-src 'unsafe-inline'"]
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert "<script" not in page
    assert not re.findall(r"<[^>]*\son[a-z]+=", page)


def test_page_without_one_of_its_pictures_is_an_error():
    with pytest.raises(Exception, match=r"pendulum-paths\.png"):
        states().page({"energy-error.png": "data:,"}, ORIGIN)


def test_page_names_a_task_once_above_its_rows():
    text = both().page(PICTURES, ORIGIN)
    table = text[text.index(f'aria-label="{SETS["held_out"]}"') :]
    table = table[: table.index("</table>")]
    assert table.count("<span>pendulum</span>") == 1
    assert 'scope="col">task' not in table
    assert '<th scope="row">truth (floor)</th>' in table


def whole(report):
    """(Markdown, text of the page) of a report, whose tables and tags are complete."""
    text, page = report.markdown(in_git), Page(report.page(PICTURES, ORIGIN))
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
    assert "||" not in text
    assert "None" not in text
    return text, "".join(page.text)


def test_report_of_one_seed_has_no_interval_and_says_why():
    found = results(of_states(seeds=1) | of_pixels(seeds=1), verdict=FEW_SEEDS)
    figures = FIGURES | {"pixel_pendulum": {}}
    text, page = whole(Report.of(found, {"pendulum": 0.0}, figures, TASKS, 1))
    assert "network, 1 seed of each. Each model was trained once: intervals and verdicts need at least 2 seeds" in text
    assert "(HNN) needs at least 2 seeds for a verdict on pendulum and pixel_pendulum." in extract(text)
    assert "| pendulum | needs at least 2 seeds | 0.1 | 0.4 | 1.0e-6 | needs at least 2 seeds |" in extract(text)
    assert "HNN's energy error is 0.1, beside the baseline's 0.4; " in extract(text)
    assert not re.search(r"\d \[", text)
    assert "needs at least 2 seeds for a verdict" in page
    assert not re.search(r"\d \[", page[: page.index("Origin")])


@pytest.mark.parametrize("gone", ["hnn", "baseline", TRUTH])
def test_report_without_a_model_shows_the_others_and_says_what_is_not_compared(gone):
    files = {cell: entry for cell, entry in METRICS.items() if cell.model != gone}
    text, page = whole(Report.of(results(files), {"pendulum": 0.0}, FIGURES, TASKS, 5))
    for said in (text, page):
        assert ("is not compared on pendulum." in said) is (gone != TRUTH)
        assert ("4 times smaller" in said) is (gone == TRUTH)
    for model, name in {"hnn": "hnn", "baseline": "baseline", TRUTH: "truth (floor)"}.items():
        assert (f"| pendulum | {name} |" in text) is (model != gone)


def test_report_of_pixels_without_published_starts_has_no_number_of_them():
    files = of_pixels()
    for entries in files.values():
        del entries["rollout"]["table1"]
    text, _ = whole(Report.of(results(files), {}, {"all": {}, "pixel_pendulum": {}}, TASKS, 5))
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| pixel_pendulum | hnn-rk4 | energy_mse")]
    assert [row[5] for row in rows] == ["–"]


def test_report_without_a_task_names_it_nowhere_and_one_that_lacks_a_model_stands_beside_the_others():
    text, page = whole(pixels())
    assert "| pendulum |" not in text
    assert "verdict on pendulum" not in text + page
    files = METRICS | {cell: entry for cell, entry in PIXEL_METRICS.items() if cell.model == "hnn"}
    figures = FIGURES | {"pixel_pendulum": {}}
    text, page = whole(Report.of(results(files), {"pendulum": 0.0}, figures, TASKS, 5))
    for said in (text, page):
        assert "beats the baseline on pendulum (error 4 times smaller [3.2, 5]) and is not compared on pixel_pendulum." in said
    assert "| pixel_pendulum | hnn-rk4 |" in text
