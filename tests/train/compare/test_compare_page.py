"""The page in a real browser (Chromium, headless): no errors, no request, filters, themes, keyboard, hostile articles."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples import GOLD, WEAK, answers_of, gold_articles, write_corpus, write_run

from model.runtime.document import write_jsonl
from train.compare.comparison import Settings, compare_answers
from train.compare.entrants import find_entrants
from train.compare.page import page
from train.compare.sections import sections
from train.compare.statistics import Sampling
from train.config import Recipe

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found (Debian: apt-get install chromium)")

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2> \u2028 😀 "


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, four articles, of which the first begins with what must not run; an emoji moves UTF-16 offsets."""
    root = tmp_path_factory.mktemp("report")
    data = write_corpus(root / "data")
    shift = len(HOSTILE)

    def hostile(document: Any) -> Any:
        moved = tuple(replace(e, start=e.start + shift, end=e.end + shift) for e in document.entities)
        return replace(document, text=HOSTILE + document.text, title=HOSTILE.strip(), entities=moved)

    gold = gold_articles()
    write_jsonl(data / "test.jsonl", [hostile(gold[0]), *gold[1:]])
    places = [write_run(root / "runs" / name, Recipe(name="r"), {}) for name in ("weak", "good & <b>")]
    given = []
    for bodies in (WEAK, GOLD):
        found = answers_of(bodies, 0.9, 10.0)
        parts = [[hostile(p[0]), *p[1:]] for p in (found.predictions.end_to_end, found.predictions.with_gold_mentions)]
        given.append(replace(found, predictions=type(found.predictions)(*parts)))
    comparison = compare_answers(find_entrants(places), given, Settings(data=data, sampling=Sampling(200)))
    path = root / "report.html"
    path.write_text(page("Report <script>window.hit=3</script>", comparison, sections(comparison)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser: Any, report: Path) -> Iterator[Any]:
    """The open page; fails afterwards on a console message, an exception, or a request beyond the file itself."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    problems: list[str] = []
    requests: list[str] = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(report.as_uri())
    yield tab
    assert problems == [] and requests == [report.as_uri()]
    assert tab.evaluate("window.hit") is None
    context.close()


def items(tab: Any) -> list[str]:
    return list(tab.locator("#list button").all_inner_texts())


def test_an_article_with_a_script_is_shown_as_text(tab: Any) -> None:
    tab.locator("#list button", has_text="window.hit=1").click()
    text = tab.locator("#article .text").first.inner_text()
    assert "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>" in text
    assert tab.locator("#article img, #article script").count() == 0
    assert tab.locator("h1").inner_text() == "Report <script>window.hit=3</script>"


def test_marks_stand_where_they_belong_behind_an_emoji(tab: Any) -> None:
    tab.locator("#list button", has_text="window.hit=1").click()
    right = tab.locator('#article [data-entrant="1"] .text .m').all_inner_texts()
    assert right == ["부산시", "후쿠오카시", "수소"]
    assert tab.locator('#article [data-entrant="1"] .tag').count() == 0
    tags = tab.locator('#article [data-entrant="0"] .tag').all_inner_texts()
    assert tags == ["boundary CITY", "CITY → ORG", "spurious FIELD"]


def test_filters(tab: Any) -> None:
    assert len(items(tab)) == 4 and "differences" in items(tab)[0]
    tab.select_option("#label", "m:PERSON")
    assert len(items(tab)) == 1
    tab.select_option("#label", "")
    tab.select_option("#error", "r:wrong type")
    assert [text.splitlines()[0] for text in items(tab)] == ["서울과 도쿄는 2007년 자매결연을 맺었다."]
    assert tab.locator("#article .relations tbody tr").count() == 1
    tab.select_option("#error", "m:both")
    assert items(tab) == [] and "No article" in tab.locator("#article").inner_text()
    tab.click("text=Reset")
    tab.fill("#query", "하카타")
    assert len(items(tab)) == 1 and tab.locator("#count").inner_text() == "1 of 4 articles"
    tab.fill("#query", "")
    tab.select_option("#right", "-1")
    assert tab.locator("#article [data-entrant]").count() == 1
    tab.select_option("#left", "1")
    assert all("0 errors" in text for text in items(tab))


def test_differences_come_first(tab: Any) -> None:
    numbers = [int(text.splitlines()[-1].split()[0]) for text in items(tab)]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > numbers[-1]


def test_relations_can_be_cut_down_to_mistakes(tab: Any) -> None:
    tab.locator("#list button", has_text="서울").click()
    before = tab.locator('#article [data-entrant="1"] .relations tbody tr').count()
    tab.check("#wrong")
    assert before == 3 and tab.locator('#article [data-entrant="1"] .relations').count() == 0


def test_the_keyboard_reaches_everything(tab: Any) -> None:
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.locator("#list button").nth(1).focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#list button").nth(1).get_attribute("aria-current") == "true"
    tab.locator('[aria-label="Previous article"]').focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#list button").nth(0).get_attribute("aria-current") == "true"
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Previous article"
    tab.locator("summary").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("details").first.get_attribute("open") is not None


def test_light_and_dark(tab: Any) -> None:
    def background() -> str:
        return str(tab.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = background()
    tab.emulate_media(color_scheme="dark")
    dark = background()
    assert light != dark
    tab.click("#theme")  # light, whatever the system says
    assert background() == light
    tab.click("#theme")
    tab.emulate_media(color_scheme="light")
    assert background() == dark


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_never_wider_than_the_screen(tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("#article .text").first.bounding_box()["width"] > 250
