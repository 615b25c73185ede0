"""Sleep is held off while a session is open; where the system refuses, the operator hears of it before Start."""

from __future__ import annotations

from recorder.acquire.machine import Inhibitor, Machine


class Awake:
    """Holds the machine awake, or knows why it cannot.

    Args:
        machine: the operating system.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._inhibitor: Inhibitor | None = None
        self._refusal: str | None = None

    def hold(self) -> str:
        """From now on; why the system refuses, empty where it does not."""
        try:
            self._inhibitor = self._machine.inhibit_sleep()
            self._refusal = ""
        except OSError as error:
            self._refusal = str(error)
        return self._refusal

    def release(self) -> None:
        """It may sleep again."""
        if self._inhibitor is not None:
            self._inhibitor.release()
            self._inhibitor = None

    def warning(self) -> list[tuple[str, str]]:
        """What pre-flight says, and what to do. Tried once before the first session, so that it can be told in time."""
        if self._refusal is None:
            self.hold()
            self.release()
        if not self._refusal:
            return []
        return [(f"sleep cannot be held off ({self._refusal})", "switch sleep off while recording")]
