"""``/api/docs``: what OpenAPI says of this service, as one page that needs no script and nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

router = APIRouter(prefix="/api", include_in_schema=False)

_METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
nav a { margin-right: 1rem; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: 0 .8rem; }
summary { cursor: pointer; padding: .6rem 0; overflow-wrap: anywhere; }
summary:focus-visible { outline: 3px solid #2a7fd4; }
code, pre { font-family: ui-monospace, monospace; font-size: .92em; }
pre { background: var(--soft); padding: .6rem; overflow: auto; border-radius: .3rem; }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700; }
.says { opacity: .8; display: block; margin-left: 4.5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); }
"""


@router.get("/docs.css")
async def style() -> Response:
    """The page's look."""
    return Response(_STYLE, media_type="text/css")


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """The page, made once: anybody may ask for it, as often as they like."""
    kept = request.app.state
    if not hasattr(kept, "docs"):
        kept.docs = page_of(request.app.openapi())
    return HTMLResponse(kept.docs)


def page_of(told: dict[str, Any]) -> str:
    """The page of an OpenAPI document; all of it is escaped."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path, methods in told["paths"].items():
        for method in (m for m in _METHODS if m in methods):
            operation = methods[method]
            tag = (operation.get("tags") or ["service"])[0]
            groups[tag].append("".join(_operation(method, path, operation)))
    names = sorted(groups)
    links = "".join(f'<a href="#{_anchor(n)}">{_title(n)}</a>' for n in names)
    parts = "".join(
        f'<section><h2 id="{_anchor(n)}">{_title(n)}</h2>{"".join(groups[n])}</section>' for n in names
    )
    schemas = "".join(
        f'<details id="{_anchor("schema " + name)}"><summary>{escape(_short(name))}</summary>{_json(schema)}</details>'
        for name, schema in sorted(told.get("components", {}).get("schemas", {}).items())
    )
    info = told["info"]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])}: API</title><link rel="stylesheet" href="/api/docs.css"></head>
<body><h1>{escape(info["title"])} {escape(info["version"])}: API</h1>
<p>{escape(info.get("description", ""))}</p>
<p>For programs: <a href="/api/openapi.json">/api/openapi.json</a>. People send the cookie of their log-in, and with
everything but GET the header <code>X-HemoView-CSRF</code> of <code>/v1/me</code>; bedsides send
<code>Authorization: Bearer</code> with a token of their own. Every refusal is
<code>application/problem+json</code>.</p>
<nav aria-label="Parts">{links}<a href="#bodies">Bodies</a></nav>
<main>{parts}<section><h2 id="bodies">Bodies</h2>{schemas}</section></main></body></html>"""


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    says = operation.get("description") or operation.get("summary", "")
    yield (
        f'<details><summary><span class="method">{method.upper()}</span> <code>{escape(path)}</code>'
        f'<span class="says">{_text(says.partition(chr(10))[0])}</span></summary>'
    )
    if chr(10) in says:
        yield f"<p>{_text(says)}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        rows = "".join(
            f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td>"
            f"<td>{'needed' if p.get('required') else 'optional'}</td><td>{_schema(p.get('schema', {}))}</td></tr>"
            for p in parameters
        )
        yield f"<table><thead><tr><th>name<th>in<th><th>what</thead><tbody>{rows}</tbody></table>"
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(kind)}</code> {_schema(content.get('schema', {}))}</p>"
    answers = operation.get("responses", {})
    lines = ", ".join(f"{escape(code)} {escape(a.get('description', ''))}" for code, a in answers.items())
    yield f"<p>Answers: {lines}</p></details>"


def _schema(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_anchor("schema " + name)}">{escape(_short(name))}</a>'
    shown = {k: v for k, v in schema.items() if k != "title"}
    return f"<code>{escape(json.dumps(shown, ensure_ascii=False))}</code>" if shown else ""


def _text(told: str) -> str:
    """``code`` as code, roles of docstrings by their last word."""
    plain = re.sub(r":\w+:`~?\.?(?:[\w.]*\.)?(\w+)`", r"``\1``", told)
    return re.sub(r"``(.+?)``", r"<code>\1</code>", escape(plain))


def _title(name: str) -> str:
    return escape(name[:1].upper() + name[1:])


def _short(name: str) -> str:
    """Bodies of one name in two modules are told apart by their module, which says nothing to a reader."""
    return name.rpartition("__")[2]


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"


def _anchor(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text)
