"""`make docs`: what the engine prints is printed anew, and every page of docs/ becomes a page of site/.

Plain HTML, no script, readable without a network.
"""

import html
import re
import shutil
import sys
from pathlib import Path

from markdown_it import MarkdownIt

sys.path.insert(0, str(Path(__file__).parent))

import build_site_picture
import build_tariffs

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SITE = ROOT / "site"
STYLE = """body{font:16px/1.55 system-ui,sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;color:#1b2733}
pre{background:#f4f6f8;padding:.8rem;overflow:auto}code{background:#f4f6f8}table{border-collapse:collapse}
td,th{border:1px solid #d5dde5;padding:.3rem .6rem;text-align:left;vertical-align:top}img{max-width:100%}
nav a{margin-right:1rem}"""


def page(markdown: str, *, title: str, up: str) -> str:
    """One HTML page; links to other pages of the documentation stay links."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = re.sub(r'(href="(?!https?:)[^"]*)\.md(#[^"]*)?"', r'\1.html\2"', body)
    links = " ".join(f'<a href="{up}{name}.html">{html.escape(name)}</a>' for name in names())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<style>{STYLE}</style><nav><a href="{up}index.html">OCPI hub</a>{links}</nav>{body}</html>'
    )


def names() -> list[str]:
    return sorted(path.stem for path in DOCS.glob("*.md"))


def build() -> int:
    """Write site/ anew; gives the number of pages."""
    build_tariffs.PAGE.write_text(build_tariffs.build(build_tariffs.PAGE.read_text()))
    build_site_picture.PICTURE.write_text(build_site_picture.build())
    shutil.rmtree(SITE, ignore_errors=True)
    for folder in ("decisions", "modules"):
        (SITE / folder).mkdir(parents=True)
    for picture in DOCS.glob("*.svg"):
        shutil.copy(picture, SITE)
    readme = (ROOT / "README.md").read_text().replace("](docs/", "](")
    readme = readme.replace("](decisions)", "](decisions/index.md)")
    pages = {"index": readme, "CONTRIBUTING": (ROOT / "CONTRIBUTING.md").read_text()}
    pages["CHANGELOG"] = (ROOT / "CHANGELOG.md").read_text()
    pages |= {path.stem: path.read_text() for path in DOCS.glob("*.md")}
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    listed = "\n".join(f"- [{path.read_text().splitlines()[0].lstrip('# ')}]({path.name})" for path in decisions)
    pages["decisions/index"] = f"# Decisions\n\n{listed}\n"
    pages |= {f"decisions/{path.stem}": path.read_text() for path in decisions}
    pages |= {f"modules/{path.stem}": path.read_text() for path in (DOCS / "modules").glob("*.md")}
    for name, text in pages.items():
        title = text.splitlines()[0].lstrip("# ")
        (SITE / f"{name}.html").write_text(page(text, title=title, up="../" if "/" in name else ""))
    return len(pages)


if __name__ == "__main__":
    print(f"{build()} pages in {SITE.relative_to(ROOT)}/")
