"""The page of a report: one HTML file that asks nothing of any network."""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template

import vl_convert

from kilonova.replay.contents import Contents
from kilonova.replay.pictures import Picture
from kilonova.replay.report_about import About, versions
from kilonova.replay.report_png import vega_lite_version

# What is in the page may run, and the browser refuses to fetch anything else. Vega
# compiles its expressions, hence 'unsafe-eval'; blob: is for saving a picture.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:"
)


def page(contents: Contents, about: About, pictures: Sequence[Picture]) -> str:
    """Write the page.

    Parameters
    ----------
    contents
        Finding, facts and tables.
    about
        What the caller knows of the replay.
    pictures
        Interactive ones, in the order of the page.
    """
    template = files("kilonova.replay").joinpath("report_page.html")
    return Template(template.read_text(encoding="utf-8")).substitute(
        policy=_POLICY,
        title=escape(about.title),
        finding=escape(contents.finding),
        facts="\n".join(
            f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"
            for name, text in [("Source", about.source), *contents.facts]
        ),
        sections="\n".join(_table(*section) for section in contents.sections),
        pictures="\n".join(
            _section(title, list(group))
            for title, group in groupby(pictures, lambda picture: picture.title)
        ),
        command=escape(about.command),
        versions="\n".join(
            f"<tr><th scope=row>{escape(name)}</th><td>{escape(text)}</td></tr>"
            for name, text in versions()
        ),
        attributions=_attributions(about.attributions),
        specifications="\n".join(_specification(picture) for picture in pictures),
        library=_library(),
    )


def _attributions(texts: Sequence[str]) -> str:
    paragraphs = "".join(f"\n<p>{escape(text)}</p>" for text in texts)
    return f"<h2>Data</h2>{paragraphs}" if texts else ""


def _table(title: str, reading: str, table: str) -> str:
    return (
        f"<section>\n<h2>{escape(title)}</h2>\n<p class=reading>{escape(reading)}</p>\n"
        f'<div class="wide">\n{table}\n</div>\n</section>'
    )


def _section(title: str, pictures: Sequence[Picture]) -> str:
    """Write a heading, how to read, and a picture or one tab for each of several."""
    head = (
        f"<section>\n<h2>{escape(title)}</h2>\n"
        f"<p class=reading>{escape(pictures[0].reading)}</p>\n"
    )
    if len(pictures) == 1 and not pictures[0].tab:
        return f"{head}{_place(pictures[0])}\n</section>"
    tabs = "\n".join(
        f"<input type=radio name={pictures[0].name} id=tab-{picture.name}"
        f"{' checked' if picture is pictures[0] else ''}>"
        f"<label for=tab-{picture.name}>{escape(picture.tab)}</label>"
        f"{_place(picture)}"
        for picture in pictures
    )
    return f"{head}<div class=tabs>\n{tabs}\n</div>\n</section>"


def _place(picture: Picture) -> str:
    return f'<div class=picture><div id="{picture.name}"></div></div>'


def _specification(picture: Picture) -> str:
    # The name of the schema is an address; the page says itself what it embeds.
    told = {k: v for k, v in picture.specification.items() if k != "$schema"}
    # A name with "</script>" in it must not end the element.
    text = json.dumps(told, separators=(",", ":")).replace("<", "\\u003c")
    head = f'<script type="application/json" data-picture="{picture.name}">'
    return f"{head}{text}</script>"


def _library() -> str:
    """Give Vega, Vega-Lite and Vega-Embed, once for all pictures of a page."""
    snippet = "window.vegaEmbed = vegaEmbed;"
    code = vl_convert.javascript_bundle(snippet, vl_version=vega_lite_version())
    return code.replace("</script", "<\\/script")
