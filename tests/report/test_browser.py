"""The page in a real browser; skipped where chromium is not installed."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report import made_up

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--virtual-time-budget=3000",
    "--dump-dom",
]

# A frame of the width of a phone around the page, and what it finds there, written into the document.
FRAME = """<!doctype html><meta charset="utf-8"><pre id="found"></pre>
<iframe style="border:0;width:390px;height:800px" srcdoc="{page}"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const inside = frame.contentDocument;
  inside.querySelectorAll("details").forEach((d) => (d.open = true));
  const wide = [...inside.querySelectorAll("body *")].filter((e) => !e.closest("svg *") && !e.matches(".skip")
    && e.getBoundingClientRect().right > 390.5).map((e) => e.tagName + "." + e.getAttribute("class"));
  const map = inside.querySelector("[data-map] [data-picture]");
  if (map) map.dispatchEvent(new Event("click", {{ bubbles: true }}));
  const shown = inside.querySelector(".pointed img");
  document.getElementById("found").textContent = JSON.stringify({{
    width: inside.documentElement.scrollWidth,
    wide: wide,
    fetched: frame.contentWindow.performance.getEntriesByType("resource").map((r) => r.name)
      .filter((name) => !name.startsWith("data:")),
    broken: [...inside.images].filter((i) => !i.hidden && i.complete && !i.naturalWidth).length,
    pointed: shown ? !shown.hidden && shown.src.startsWith("data:image/") : null,
  }});
}};
</script>"""


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory):
    """A function from a run's name to what the browser found, and what it wrote to the console."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    folder: Path = tmp_path_factory.mktemp("browser")

    def look(name: str) -> tuple[dict, list[str]]:
        file = folder / f"{name}.html"
        page = made_up.page(made_up.RUNS[name])
        file.write_text(FRAME.format(page=html.escape(page, quote=True)), encoding="utf-8")
        command = [
            CHROMIUM,
            *FLAGS,
            "--window-size=800,900",
            f"--user-data-dir={folder}/profile",
            file.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
        assert found and found[1], done.stderr[-2000:]
        return json.loads(html.unescape(found[1])), re.findall(r".*CONSOLE.*", done.stderr)

    return look


@pytest.mark.parametrize("name", list(made_up.RUNS))
def test_on_a_phone_nothing_is_too_wide_nothing_is_fetched_and_the_console_is_silent(
    visit, name: str
) -> None:
    found, console = visit(name)
    assert console == []
    assert found["fetched"] == []
    assert found["broken"] == 0
    assert found["wide"] == []
    assert found["width"] <= 390
    assert found["pointed"] in (None, True)
