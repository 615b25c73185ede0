"""The page of the API: whole, offline, and nothing in it is taken for markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hemoview.cloud.identity.docs import page_of
from tests.cloud.cloud_rig import Rig


class Elements(HTMLParser):
    """What a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_operation_is_on_it_and_it_loads_from_nowhere_else(rig: Rig) -> None:
    reply = rig.http.get("/api/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    for path in rig.http.get("/api/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in reply.text
    elements = Elements(reply.text).found
    assert not [tag for tag, _ in elements if tag in {"script", "style", "iframe", "img"}]
    assert not [name for _, attrs in elements for name in attrs if name.startswith("on") or name == "style"]
    loaded = [str(attrs["href"]) for _, attrs in elements if attrs.get("href")]
    ids = {attrs["id"] for _, attrs in elements if attrs.get("id")}
    for address in loaded:
        assert address.startswith("/api/") or address.removeprefix("#") in ids, address
    assert rig.http.get("/api/docs.css").headers["content-type"].startswith("text/css")


def test_what_is_written_in_a_description_is_text() -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=y>"
    operation = {
        "tags": [evil],
        "description": evil,
        "parameters": [{"name": evil, "in": evil}],
        "responses": {evil: {}},
    }
    told = {
        "info": {"title": evil, "version": evil},
        "paths": {f"/{evil}": {"get": operation}},
        "components": {"schemas": {evil: {"description": evil}}},
    }
    page = page_of(told)
    assert not re.search(r"<script|<img", page)
    assert {tag for tag, _ in Elements(page).found} & {"script", "img"} == set()


def test_refusals_are_described_as_they_are(rig: Rig) -> None:
    told = rig.http.get("/api/openapi.json").json()
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            refusals = {code: a for code, a in operation["responses"].items() if code[0] in "45"}
            assert "422" in refusals, (method, path)
            assert all(set(a["content"]) == {"application/problem+json"} for a in refusals.values()), path
