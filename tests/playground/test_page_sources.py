"""What the page's sources may not do, seen without a browser."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "playground" / "slack" / "page"
SOURCES = sorted(path for path in PAGE.rglob("*") if path.suffix in (".js", ".css", ".html"))
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\(|new Function"
)
ADDRESS = re.compile(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9-]+\.[a-z]", re.IGNORECASE)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_source_makes_markup_of_text_or_names_another_host(source: Path) -> None:
    """Text of alerts can become nothing but text, and the page works without a network."""
    text = source.read_text(encoding="utf-8")
    assert MARKUP.findall(text) == []
    assert ADDRESS.findall(text) == []


def test_the_page_loads_every_style_sheet_and_reaches_every_module() -> None:
    """No file lies there unused, and none that is named is missing."""
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    reached, found = {"main.js"}, {"main.js"}
    while found:
        names = re.findall(r'from "\./(\w+\.js)"', (PAGE / "js" / found.pop()).read_text(encoding="utf-8"))
        found |= set(names) - reached
        reached |= set(names)
    assert reached == {path.name for path in PAGE.glob("js/*.js")}
    assert set(re.findall(r'href="css/([\w.]+)"', index)) == {path.name for path in PAGE.glob("css/*.css")}
