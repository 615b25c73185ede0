"""The card of the model whose estimates are shown, read from its bundle's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load_card(model: str, root: Path) -> dict[str, Any]:
    """``card.json`` of the bundle ``model`` (``<name>-<version>``) below ``root``; empty where there is none."""
    if not model or Path(model).name != model:
        return {}
    try:
        card = json.loads((root / model / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
