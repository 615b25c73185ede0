"""Plays the technical chime with what the system has; without a player, the system's own bell."""

from __future__ import annotations

import io
import math
import struct
import subprocess
import wave
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QApplication

from recorder.host import platform

RATE_HZ: Final = 22_050
TONES_HZ: Final = (587.3, 440.0)
"""D5, A4: two falling tones, soft."""
TONE_S: Final = 0.28


def sound() -> bytes:
    """The chime as a WAV file, mono, 16 bit."""
    n = round(TONE_S * RATE_HZ)
    samples = [
        0.35 * math.exp(-4 * i / n) * math.sin(2 * math.pi * hz * i / RATE_HZ)
        for hz in TONES_HZ
        for i in range(n)
    ]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(b"".join(struct.pack("<h", round(32767 * s)) for s in samples))
    return file.getvalue()


class Player:
    """Plays without waiting; a system that has no sound is no error.

    Args:
        folder: where the sound may lie.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "chime.wav"
        self._playing: subprocess.Popen[bytes] | None = None

    def play(self) -> None:
        """Once, from now."""
        if self._playing is not None and self._playing.poll() is None:
            return
        words = platform.sound_command()
        if words is None:
            QApplication.beep()
            return
        try:
            if not self._file.is_file():
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.write_bytes(sound())
            self._playing = subprocess.Popen(
                [*words, str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError:
            QApplication.beep()
