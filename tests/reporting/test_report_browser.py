"""The page in a real browser, from disk and without network."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from test_report import ORIGIN, both, uri

COMMITTED = Path(__file__).parents[2] / "metrics" / "report.html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync
--disable-component-update --hide-scrollbars --enable-logging=stderr --allow-file-access-from-files --dump-dom"""
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
AROUND = """<!DOCTYPE html><iframe src="page.html" style="border: 0; width: %dpx; height: 800px"></iframe><script>
addEventListener("load", () => {
  const view = document.querySelector("iframe").contentWindow, page = view.document;
  const found = {
    images: [...page.images].map(image => image.naturalWidth),
    fetched: view.performance.getEntriesByType("resource").map(entry => entry.name).filter(name => !name.startsWith("data:")),
    width: view.innerWidth, needed: page.documentElement.scrollWidth,
    hidden: [...page.querySelectorAll("#laws .scroll, header [aria-label='further models']")].map(
      region => region.scrollWidth - region.clientWidth),
    first: page.querySelector("header table")?.getBoundingClientRect().bottom ?? null};
  document.body.append(Object.assign(document.createElement("pre"), {id: "found", textContent: JSON.stringify(found)}));
});</script>"""
"""A page that shows ours in a frame of any width, which windows do not have, and looks into it when all is loaded."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH")


def opened(text, folder, width):
    """The browser's measurements of the page at this width, and its console messages."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    (folder / "around.html").write_text(AROUND % width, encoding="utf-8")
    profile, address = f"--user-data-dir={folder / 'profile'}", (folder / "around.html").as_uri()
    command = [CHROMIUM, *FLAGS.split(), OFFLINE, profile, "--window-size=1400,900", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout)
    return json.loads(unescape(found)), re.findall(r".*CONSOLE.*", done.stderr)


@pytest.fixture(params=["fixtures", "committed"])
def page(request):
    """One of small fixtures with pictures as wide as real ones, or the committed one."""
    if request.param == "committed":
        return COMMITTED.read_text(encoding="utf-8") if COMMITTED.is_file() else pytest.skip(f"no {COMMITTED.name} yet")
    values = both()
    pictures = {name: uri(name[-3:], (1500, 300)) for names in values.values["figures"].values() for name in names}
    return values.page(pictures, ORIGIN)


@pytest.mark.parametrize("width", [1280, 400])
def test_page_opens_without_errors_with_all_pictures_within_its_window(page, width, tmp_path):
    found, complaints = opened(page, tmp_path, width)
    assert complaints == []
    assert found["fetched"] == []
    assert found["images"]
    assert all(found["images"])
    assert found["width"] == width
    assert found["needed"] <= width


def test_page_shows_the_verdicts_on_the_first_screen(page, tmp_path):
    assert opened(page, tmp_path, 1280)[0]["first"] < 800


def test_page_shows_the_tables_of_formulas_and_of_further_models_whole(page, tmp_path):
    assert not any(opened(page, tmp_path, 1280)[0]["hidden"])


@pytest.mark.parametrize(
    ("planted", "caught"),
    [
        ('<img src="data:image/png;base64,AAAA" alt="">', lambda found, complaints: not all(found["images"])),
        ("<p style='width: 3000px'>wide</p>", lambda found, complaints: found["needed"] > found["width"]),
        (
            "<section id=laws><div class=scroll style='overflow: auto'><p style='width: 3000px'>wide</p></div></section>",
            lambda found, complaints: max(found["hidden"]) > 0,
        ),
        ("<script>console.error('wrong')</script>", lambda found, complaints: complaints),
        ('<link rel="stylesheet" href="https://example.org/style.css">', lambda found, complaints: found["fetched"]),
    ],
)
def test_opened_detects_planted_faults(planted, caught, tmp_path):
    assert caught(*opened(f"<!DOCTYPE html><body>{planted}</body>", tmp_path, 800))
