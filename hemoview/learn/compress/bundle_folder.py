"""A bundle's folder is written whole, hashed, and verified as any reader would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.estimate import bundle
from hemoview.estimate.card import parse_card


def write_bundle(
    folder: Path, model: bytes, card: Mapping[str, Any], golden: Mapping[str, NDArray[np.float32]]
) -> Path:
    """Write ``model.onnx``, ``card.json``, ``golden.npz`` and ``SHA256``.

    Args:
        folder: ``<name>-<version>`` of the card; made where absent.
        model: ONNX bytes.
        card: its JSON object.
        golden: arrays ``<case>_ppg`` and ``<case>_<output>``.

    Raises:
        ConfigError: the card is wrong, or the bundle does not verify.
    """
    parse_card(dict(card), f"bundle {folder.name}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / bundle.MODEL).write_bytes(model)
    np.savez(folder / bundle.GOLDEN, allow_pickle=False, **golden)
    (folder / bundle.CARD).write_text(
        json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
    bundle.write_hashes(folder)
    bundle.verify(folder)
    return folder
