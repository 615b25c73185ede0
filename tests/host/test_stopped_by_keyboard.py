"""Ctrl-C ends every command in the same words, also where what it interrupted wraps it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from recorder.errors import ConfigError, StationUnreachable
from recorder.host.console import run_command


def in_a_class_body() -> None:
    """As an import does: Python 3.11 makes a RuntimeError of it, 3.12 leaves it as it is."""

    class Slow:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    class Owner:
        field = Slow()


def in_a_fallback() -> None:
    try:
        raise KeyboardInterrupt
    except BaseException:  # noqa: BLE001
        raise ImportError("no such extension") from None


def in_a_chain() -> None:
    try:
        in_a_class_body()
    except BaseException as error:
        raise SystemError("initialization failed") from error


def in_words() -> None:
    """onnxruntime says that it cannot be initialised, and we that it is not installed."""
    try:
        in_a_chain()
    except SystemError as error:
        raise ConfigError("onnxruntime is not installed; install it") from error


@pytest.mark.parametrize("work", [in_a_class_body, in_a_fallback, in_a_chain, in_words])
def test_a_wrapped_interrupt_is_one(
    work: Callable[[], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_command("hemoview", work, as_json=True, explain=lambda _: "an explanation") == 1  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert said.err == "hemoview: stopped by the keyboard\n"
    assert json.loads(said.out) == {"ok": False, "error": "stopped by the keyboard"}


def test_an_error_with_words_for_the_user_keeps_them(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise StationUnreachable("station bed1: no answer; look at its log")

    assert run_command("recorder", work, as_json=False) == 1  # type: ignore[arg-type]
    assert capsys.readouterr().err == "recorder: station bed1: no answer; look at its log\n"


def test_errors_that_name_each_other_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path))

    def work() -> None:
        first, second = ValueError("a"), ValueError("b")
        first.__cause__, second.__context__ = second, first
        raise first

    assert run_command("recorder", work, as_json=False) == 1  # type: ignore[arg-type]
    assert "this is a fault of recorder" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="ends by signal")
@pytest.mark.parametrize("words", [("models", "list"), ("bench", "edge"), ("--station", "none")])
def test_a_command_interrupted_at_any_moment_of_its_imports_says_so(
    words: tuple[str, ...], tmp_path: object
) -> None:
    environment = {**os.environ, "HEMOVIEW_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    begins = (
        "import sys; from hemoview import cli\nrun = cli._run\n"
        "cli._run = lambda words: (print('begins', flush=True), run(words))[1]\nsys.exit(cli.main(sys.argv[1:]))"
    )
    for delay_s in (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        process = subprocess.Popen(
            [sys.executable, "-c", begins, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert "Traceback" not in said and "fault of" not in said, (delay_s, said)
        done = (0, -signal.SIGINT)  # the latter where all was said and Python was just ending
        assert said == ("" if process.returncode in done else "hemoview: stopped by the keyboard\n"), delay_s
        assert process.returncode in (*done, 1), delay_s
