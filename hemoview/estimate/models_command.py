"""What ``hemoview models`` answers, as plain JSON values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hemoview.estimate import bundle as bundles
from hemoview.labels.datasets.folder import WITHDRAWN
from recorder.errors import ConfigError


def list_models(root: Path) -> dict[str, Any]:
    """``{bundles: [{name, parameters, size_bytes, params, macs} | {name, why}]}`` for every bundle below ``root``."""
    return {"bundles": [_line(folder) for folder in bundles.list_bundles(root)]}


def verify_models(root: Path) -> dict[str, Any]:
    """``{ok, bundles: [{name, ok, why}]}``; no bundle at all is not ok."""
    lines = []
    for folder in bundles.list_bundles(root):
        try:
            bundles.verify(folder)
            lines.append({"name": folder.name, "ok": True, "why": ""})
        except ConfigError as error:
            lines.append({"name": folder.name, "ok": False, "why": str(error)})
    return {"ok": bool(lines) and all(line["ok"] for line in lines), "bundles": lines}


def show_model(root: Path, name: str) -> dict[str, Any]:
    """The whole card of one bundle, with ``model_sha256``. ``name`` may leave the version out if it is the only one.

    Raises:
        ConfigError: no such bundle, several, or a bundle that is refused.
    """
    known = bundles.list_bundles(root)
    found = [f for f in known if f.name == name] or [f for f in known if f.name.rpartition("-")[0] == name]
    if len(found) != 1:
        have = ", ".join(f.name for f in known) or "none"
        raise ConfigError(f"model {name!r}: {len(found)} bundles of that name; name one of: {have}")
    bundle = bundles.load(found[0])
    return {**bundle.card.raw, "model_sha256": bundle.model_sha256}


def _line(folder: Path) -> dict[str, Any]:
    try:
        card = bundles.load(folder).card
    except ConfigError as error:
        return {"name": folder.name, "why": str(error)}
    withdrawn = {"withdrawn": "contains withdrawn subject"} if (folder / WITHDRAWN).is_file() else {}
    return {
        "name": folder.name,
        **withdrawn,
        "parameters": list(card.parameters),
        "size_bytes": card.size_bytes,
        "params": card.params,
        "macs": card.macs,
    }
