"""Commands of the program, typed within a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hemoview import cli

Run = Callable[..., tuple[int, dict[str, Any]]]


def typing_into(capsys: pytest.CaptureFixture[str]) -> Run:
    """Type a command; its exit status and the JSON it printed last."""

    def typed(*words: object) -> tuple[int, dict[str, Any]]:
        status = cli.main([str(word) for word in words] + ["--json"])
        told: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return status, told

    return typed
