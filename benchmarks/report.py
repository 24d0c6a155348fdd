"""How long the report is on paper: ``python3 run.py benchmark report [build/demo/report.html]``.

Prints the page in each language with Chromium, as a person would, and counts the A4 pages. Ends with 1 above the goal of 15.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

GOAL = 15
LANGUAGES = ("en", "zh")


def pages(report: Path, language: str) -> int:
    """Pages of the printed report in ``language``; the script is left out, and the switch set by hand."""
    browser = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if browser is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    html = re.sub("<script>.*</script>", "", report.read_text(encoding="utf-8"), flags=re.S)
    html = html.replace('class="language" checked', 'class="language"')
    html = html.replace(
        f'id="language-{language}" class="language"', f'id="language-{language}" class="language" checked'
    )
    with tempfile.TemporaryDirectory() as folder:
        source, printed = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(html, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={printed}"]
        subprocess.run([browser, *options, source.as_uri()], check=True, capture_output=True, timeout=300)
        return len(re.findall(rb"/Type\s*/Page[^s]", printed.read_bytes()))


def main(report: Path) -> int:
    """Print bytes and pages."""
    print(f"{report}: {report.stat().st_size:,} bytes")
    counts = {language: pages(report, language) for language in LANGUAGES}
    for language, count in counts.items():
        print(f"  {language}: {count} A4 pages (goal: at most {GOAL})")
    return int(max(counts.values()) > GOAL)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo/report.html")))
