"""The card behind the estimates of a session: told by the session itself, else by the bundle that is installed here.

What a card allows to be claimed is :mod:`recorder.schema.claims`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def card_of(metadata: Mapping[str, str], root: Path) -> dict[str, Any]:
    """What the card of the model behind an estimate stream states; empty where nobody knows.

    Args:
        metadata: of the stream. It carries the claims itself; sessions of before name a model only, and that one's
            bundle speaks for it if it is the very same.
        root: folder of the bundles.
    """
    told = _json(metadata.get("claims", ""))
    if told:
        return told
    model, sha256 = metadata.get("model", ""), metadata.get("model_sha256", "")
    return load_card(model, root) if _is_the_same(root / model, sha256) else {}


def load_card(model: str, root: Path) -> dict[str, Any]:
    """``card.json`` of the bundle ``model`` (``<name>-<version>``) below ``root``; empty where there is none."""
    if not model or Path(model).name != model:
        return {}
    try:
        return _json((root / model / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _is_the_same(folder: Path, sha256: str) -> bool:
    """The bundle of that name is not another than the one that ran."""
    try:
        hashes = (folder / "SHA256").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return True
    return not sha256 or sha256 in hashes


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
