"""A page in one file: the shell, the style, and the few elements that report pages are built from.

No script, no font, no image from elsewhere: a page can be mailed, archived and printed. It follows the reader's light
or dark setting. Every text is escaped here, so no caller has to remember it.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path

from grinder_resources.errors import StorageFull

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --muted: #5d6670; --hairline: #dfe3e8;
  --shade: #f6f8fa; --accent: #0072b2; --contrast: #b54a00; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --ink: #e6e9ed; --muted: #9aa4af; --hairline: #30363d;
    --shade: #1c2126; --accent: #56b4e9; --contrast: #f0a35e; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 48px 28px 72px; }
header p { margin: 0; color: var(--muted); }
.eyebrow { font-size: 12px; letter-spacing: .08em; text-transform: uppercase; }
h1 { margin: 4px 0 6px; font-size: 30px; line-height: 1.2; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { margin: 44px 0 10px; font-size: 18px; line-height: 1.3; }
h2 + p { margin-top: 0; }
p { max-width: 74ch; }
.note { color: var(--muted); font-size: 13.5px; }
.verdict { margin: 26px 0 0; padding: 16px 20px; border-left: 4px solid var(--muted); background: var(--shade); }
.verdict.good { border-color: var(--accent); }
.verdict p { margin: 0; max-width: none; }
.verdict p:first-child { font-size: 18px; font-weight: 600; line-height: 1.4; }
.verdict p + p { margin-top: 4px; color: var(--muted); }
.tiles { display: flex; flex-wrap: wrap; gap: 14px 44px; margin: 26px 0 0; }
.tiles div { display: flex; flex-direction: column-reverse; }
.tiles dt { color: var(--muted); font-size: 13px; }
.tiles dd { margin: 0; font-size: 24px; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
caption { text-align: left; color: var(--muted); padding-bottom: 6px; }
th { text-align: left; font-weight: 600; font-size: 12.5px; color: var(--muted); vertical-align: bottom; }
th, td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--hairline); }
:is(th, td):last-child { padding-right: 0; }
td { vertical-align: top; }
tbody tr:hover { background: var(--shade); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.name { font-weight: 600; white-space: nowrap; }
.interval { display: block; color: var(--muted); font-size: 11.5px; }
.badge { display: inline-block; padding: 0 8px; border: 1px solid var(--hairline); border-radius: 10px; font-size: 12px;
  color: var(--muted); white-space: nowrap; }
.badge.good { border-color: var(--accent); color: var(--accent); font-weight: 600; }
.badge.alarm { border-color: var(--contrast); background: var(--contrast); color: var(--paper); font-weight: 600; }
.badge.open { border-style: dashed; border-color: var(--contrast); color: var(--contrast); }
figure { margin: 12px 0 0; }
figure svg { width: 100%; height: auto; }
figure svg text { font-family: inherit !important; }
figcaption { margin-top: 6px; color: var(--muted); font-size: 13px; max-width: 80ch; }
details { margin-top: 14px; }
summary { cursor: pointer; color: var(--accent); font-size: 14px; }
details .scroll { margin-top: 10px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 22px; margin: 0; font-size: 13.5px; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; font: 12.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --muted: #444; --hairline: #ccc;
    --shade: #f4f4f4; --accent: #0072b2; --contrast: #b54a00; }
  main { max-width: none; padding: 0; }
  details:not([open]) { display: none; }
  figure, tr, .verdict { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""


class Markup(str):
    """Text that is HTML already. Whatever is not Markup gets escaped."""

    __slots__ = ()


@dataclass(frozen=True)
class Column:
    """A table column: its heading, the class of its cells ('', 'name' or 'number'), and what the heading means."""

    heading: str
    kind: str = ""
    title: str = ""


def page(title: str, *parts: Markup) -> str:
    """Return a whole HTML document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def element(name: str, content: object, css: str = "", **attributes: str) -> Markup:
    """Return `<name class=css ...>content</name>`; content and attributes are escaped unless content is Markup."""
    given = ({"class": css} if css else {}) | attributes
    inside = "".join(f' {key}="{escape(value)}"' for key, value in given.items())
    return Markup(f"<{name}{inside}>{text(content)}</{name}>")


def text(content: object) -> Markup:
    """Return the content as HTML: Markup as it is, anything else escaped."""
    return content if isinstance(content, Markup) else Markup(escape(str(content)))


def join(*parts: object) -> Markup:
    """Return the parts one after the other, as HTML."""
    return Markup("".join(text(part) for part in parts))


def head(kind: str, title: str, subtitle: str) -> Markup:
    """Return the page header."""
    lines = element("p", kind, "eyebrow"), element("h1", title), element("p", subtitle)
    return element("header", join(*lines))


def verdict(sentence: str, note: str, *, good: bool) -> Markup:
    """Return the box that says what follows from the page."""
    return element("div", join(element("p", sentence), element("p", note)), "verdict good" if good else "verdict")


def tiles(numbers: Mapping[str, str]) -> Markup:
    """Return key numbers, large, with their labels."""
    pairs = (element("div", join(element("dt", label), element("dd", value))) for label, value in numbers.items())
    return element("dl", join(*pairs), "tiles")


def section(title: str, *parts: object) -> Markup:
    """Return a section under a heading."""
    return element("section", join(element("h2", title), *parts))


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> Markup:
    """Return a table; each row has one cell a column."""
    heading = join(*(element("th", c.heading, c.kind, **({"title": c.title} if c.title else {})) for c in columns))
    body = join(
        *(
            element("tr", join(*(element("td", cell, c.kind) for c, cell in zip(columns, row, strict=True))))
            for row in rows
        )
    )
    inside = join(element("thead", element("tr", heading)), element("tbody", body))
    return element("div", element("table", inside), "scroll")


def folded(summary: str, *parts: object) -> Markup:
    """Return parts that a reader may unfold."""
    return element("details", join(element("summary", summary), *parts))


def picture(svg: str, caption: str) -> Markup:
    """Return a figure from an SVG element."""
    return element("figure", join(Markup(svg), element("figcaption", caption)))


def facts(pairs: Mapping[str, str]) -> Markup:
    """Return labels and texts, two columns."""
    lines = (join(element("dt", label), element("dd", value)) for label, value in pairs.items())
    return element("dl", join(*lines), "facts")


def listing(sentences: Sequence[str]) -> Markup:
    """Return a bullet list."""
    return element("ul", join(*(element("li", sentence) for sentence in sentences)))


def write_page(path: Path, html: str) -> None:
    """Write a page so that readers see the old file or the whole new one; raises StorageFull if that fails."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(html, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise StorageFull("the page could not be written", where=str(path), got=error.strerror or str(error)) from error
