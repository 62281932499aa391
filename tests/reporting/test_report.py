"""The report in its two forms says the same, holds everything it shows, and shows only what there is."""

import base64
import re
from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image
from report_fixture import CELLS, COMPARISONS, PIXEL_CELLS, pixels_compared

from hnn.parallel.progress import steps_of
from hnn.params.loading import load_params
from hnn.reporting import report, results

TASKS = load_params().tasks
FIGURES = {
    "all": {"energy-error.png": "Energy error & all."},
    "pendulum": {"pendulum-paths.png": "Paths.", "pendulum-film.gif": "Moving."},
}
ORIGIN = {
    "code": [{"folder": "src/hnn", "git object": "a" * 40}],
    "data": [{"file": "data/observations/pendulum.npz", "sha256": "b" * 64}],
    "versions": [{"package": "python", "version": "3.11"}],
    "parameters": "seed: 0 # <not markup>\n",
}


def uri(kind, size=(8, 8)):
    file = BytesIO()
    Image.new("L", size).save(file, format=kind)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


PICTURES = {name: uri(name[-3:]) for names in FIGURES.values() for name in names}


def states():
    return report.content(CELLS, COMPARISONS, {"pendulum": 0.0}, FIGURES, TASKS, 3)


def both():
    comparisons = COMPARISONS | pixels_compared()
    figures = FIGURES | {"pixel_pendulum": {"pendulum-paths.png": "Seen."}}
    return report.content(CELLS | PIXEL_CELLS, comparisons, {"pendulum": 0.0}, figures, TASKS, 3)


def pixels():
    return report.content(PIXEL_CELLS, pixels_compared(), {}, {"all": {}, "pixel_pendulum": {}}, TASKS, 3)


class Page(HTMLParser):
    """The tags of a page with their attributes, and whether all of them are closed in order."""

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


def test_the_markdown_has_published_and_own_numbers_and_its_figures():
    text = report.markdown(states())
    what = "q² + p², mixed SI units"
    assert f"| pendulum | hnn | energy_mse | {what} | 0.0249 ± 0.00542 | 0.01 [0.009, 0.011] | 1.0e-12 |" in text
    assert "![Paths.](figures/pendulum-paths.png)" in text
    assert "truth (floor)" in text
    assert "{{" not in text


def test_the_results_for_the_readme_begin_with_the_headline_and_end_with_the_published_table():
    results = report.extract(report.markdown(states()))
    assert results.startswith("<!-- results: begin -->\nIn energy, the Hamiltonian network")
    assert results.index("In energy") < results.index("better, 4 times") < results.index("0.0249 ± 0.00542")
    assert "## Our protocol" not in results
    assert "## From pixels" not in report.markdown(states())


def test_the_report_of_pixels_alone_has_their_section_and_no_other():
    text = report.markdown(pixels())
    assert "## From pixels" in text
    assert "continuous (mismatch)" in text
    assert "| pixel_pendulum | baseline-euler | energy_mse | 3/8 H, J² | 0.00927 ± 0.00114 | 3 [2.7, 3.3] |" in text
    assert "**pixel_pendulum**" in report.extract(text)
    assert "truth (floor)" not in text
    Page(report.page(pixels(), PICTURES, ORIGIN))


def test_one_model_of_an_unpublished_task_leaves_no_empty_table():
    tasks = {"spring": TASKS["mass_spring"]}
    said = report.content({("spring", "hnn"): CELLS["pendulum", "hnn"]}, {}, {"spring": 0.0}, FIGURES, tasks, 1)
    assert "published results" not in report.markdown(said)
    assert "||" not in report.markdown(said)
    Page(report.page(said, PICTURES, ORIGIN))


def test_tables_of_the_markdown_have_as_many_cells_in_each_row():
    for table in re.findall(r"(?:^\|.*\n)+", report.markdown(both()), re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_page_needs_no_other_file():
    page = Page(report.page(both(), PICTURES, ORIGIN))
    sources = [attrs[key] for _, attrs in page.tags for key in ("src", "href") if key in attrs]
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not page.all("script")
    assert "@import" not in "".join(page.text)
    assert "url(" not in "".join(page.text)


def test_every_link_of_the_page_leads_to_a_section():
    page = Page(report.page(both(), PICTURES, ORIGIN))
    targets = {attrs["id"] for attrs in page.all("section")}
    links = [attrs["href"][1:] for attrs in page.all("a")]
    assert {"published", "ours", "integrators", "pendulum", "pixel_pendulum", "origin"} == targets == set(links)


def test_every_picture_of_the_page_has_words_and_animations_wait_to_be_opened():
    text = report.page(both(), PICTURES, ORIGIN)
    assert all(attrs["alt"] for attrs in Page(text).all("img"))
    before = text[: text.index("data:image/gif")]
    assert before.rindex("<details>") > before.rindex("</details>") if "</details>" in before else "<details>" in before


def test_the_page_and_the_markdown_say_the_same_sentences():
    said = both()
    page, text = "".join(Page(report.page(said, PICTURES, ORIGIN)).text), report.markdown(said)
    for sentence in (*said["headline"], said["sureness"], *said["findings"].values(), said["contract_says"]):
        assert sentence.replace("`", "") in page
        assert sentence in text


def test_a_number_stands_apart_from_its_interval_and_its_verdict():
    text = report.page(states(), PICTURES, ORIGIN)
    judged = re.search(r'<td class="better">\s*-0.3 <small>\[-0.27, -0.33\]</small> <span class="said">better</span>', text)
    assert judged
    assert re.search(r"<td>\s*0.1 <small>\[0.09, 0.11\]</small>\s*</td>", text)


def test_what_is_told_is_text_and_not_markup():
    text = report.page(states(), PICTURES, ORIGIN)
    assert "seed: 0 # &lt;not markup&gt;" in text
    assert "Energy error &amp; all." in text


def test_the_same_numbers_give_the_same_page_byte_for_byte():
    assert report.page(both(), PICTURES, ORIGIN) == report.page(both(), PICTURES, ORIGIN)


def test_a_picture_that_was_not_drawn_is_missed():
    with pytest.raises(Exception, match=r"pendulum-paths\.png"):
        report.page(states(), {"energy-error.png": "data:,"}, ORIGIN)


def test_progress_is_lines_for_a_log_and_nothing_without_a_label(capsys):
    assert list(steps_of(3, None)) == [1, 2, 3]
    assert capsys.readouterr().err == ""
    bar = steps_of(2, "fit")
    bar.delay = 0
    assert list(bar) == [1, 2]
    assert "\r" not in capsys.readouterr().err


def test_progress_of_several_at_a_time_moves_no_cursor_in_a_log(capsys):
    bars = [steps_of(2, f"fit {k}") for k in range(3)]
    for bar in bars:
        bar.delay = 0
    for _ in zip(*bars, strict=True):
        pass
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert all(f"fit {k}: 100%" in printed for k in range(3))


def test_a_task_with_several_rows_is_named_once_above_them_and_a_row_by_its_model():
    text = report.page(both(), PICTURES, ORIGIN)
    table = text[text.index(f'aria-label="{results.SETS["held_out"]}"') :]
    table = table[: table.index("</table>")]
    assert table.count("<span>pendulum</span>") == 1
    assert 'scope="col">task' not in table
    assert '<th scope="row">truth (floor)</th>' in table
