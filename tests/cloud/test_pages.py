"""The pages for browsers: how they are served, and their logic, which has no DOM and is run by Node."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hemoview.cloud.web import assets
from hemoview.cloud.web.routes import ADDRESSES
from recorder.host import places
from tests.cloud.cloud_rig import Rig

WEB = places.resources_dir() / "web"
HERE = Path(__file__).parent


def test_every_address_is_the_page_and_nothing_but_our_files_may_run_in_it(rig: Rig) -> None:
    for address in ADDRESSES:
        reply = rig.http.get(re.sub(r"\{\w+\}", "some", address))
        assert reply.status_code == 200, address
        policy = reply.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", reply.text)


def test_the_browser_knows_the_addresses_that_are_served() -> None:
    known = (WEB / "js" / "router.js").read_text().count("/^")
    assert known == len(ADDRESSES)


def test_files_are_kept_for_ever_under_a_name_that_changes_with_them(rig: Rig) -> None:
    page = rig.http.get("/").text
    named = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    assert len(named) >= 5
    for address in named:
        reply = rig.http.get(address)
        assert reply.status_code == 200, address
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["content-type"].split(";")[0] in {"text/javascript", "text/css", "image/svg+xml"}
        plain = rig.http.get(address, headers={"Accept-Encoding": "identity"})
        assert plain.content == reply.content
    version = assets.shipped().version
    for wrong in (
        "0" * 20 + "/js/main.js",
        f"{version}/js/../index.html",
        f"{version}/package.json",
        f"{version}/",
    ):
        assert rig.http.get(f"/assets/{wrong}").status_code == 404, wrong


def test_any_byte_of_any_file_changes_the_name(tmp_path: Path) -> None:
    folder, icon = tmp_path / "web", tmp_path / "icon.svg"
    (folder / "js").mkdir(parents=True)
    (folder / "index.html").write_text("<link href=@version@>")
    (folder / "js" / "a.js").write_text("1")
    (folder / "LICENSE").write_text("not served")
    icon.write_text("<svg/>")
    one = assets.read(folder, icon)
    assert sorted(one.files) == ["icon.svg", "js/a.js"]
    assert one.version.encode() in one.page
    assert gzip.decompress(one.files["js/a.js"].packed) == b"1"
    (folder / "js" / "a.js").write_text("2")
    assert assets.read(folder, icon).version != one.version


def test_modules_import_what_is_there() -> None:
    for module in (WEB / "js").rglob("*.js"):
        for name in re.findall(r'from "(\.[^"]+)"', module.read_text()):
            assert (module.parent / name).is_file(), f"{module.name}: {name}"


def test_no_text_becomes_markup() -> None:
    for module in (WEB / "js").rglob("*.js"):
        told = module.read_text()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|DOMParser", told
        ), module


def test_uplot_is_the_one_it_says_it_is() -> None:
    folder = WEB / "vendor" / "uplot"
    stated = dict(re.findall(r"\| (\S+) \| ([0-9a-f]{64}) \|", (folder / "README.md").read_text()))
    assert set(stated) == {"uPlot.esm.js", "uPlot.min.css"}
    for name, digest in stated.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "MIT" in (folder / "LICENSE").read_text()


@pytest.mark.skipif(
    shutil.which("node") is None, reason="Node is not installed; the browser tests cover the pages"
)
def test_the_logic_of_the_pages() -> None:
    modules = [str(p) for p in sorted((WEB / "js").rglob("*.js")) if not p.name.startswith("words_")]
    done = subprocess.run(
        ["node", "--test", str(HERE / "pages" / "test_logic.mjs")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HEMOVIEW_PAGES": json.dumps(modules), "TZ": "UTC"},
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
