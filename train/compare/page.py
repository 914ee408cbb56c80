"""The report as one HTML file that asks the network for nothing."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .articles import browser_data, script_json
from .comparison import Comparison
from .tables import Figure, Section

TEMPLATES = Path(__file__).parent / "templates"


def page(title: str, comparison: Comparison, parts: Sequence[Section]) -> str:
    """The page. Everything from data is escaped; its own script is the only one its content policy lets run."""
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    html = environment.get_template("report.html.j2").render(
        title=title,
        comparison=comparison,
        sections=parts,
        is_figure=lambda part: isinstance(part, Figure),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=Markup(_content_hash(script)),
        data=Markup(script_json(browser_data(comparison))),
        markup=Markup,
    )
    # A lone surrogate (half a character, from a damaged source) has no UTF-8 form; shown as its code.
    return html.encode("utf-8", "backslashreplace").decode("utf-8")


def _content_hash(script: str) -> str:
    """The hash by which the content policy knows the script (CSP level 2)."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
