"""The exception tree. Every message says who, what and what to do.

::

    RecorderError                 anything a user may see; carries ``advice`` (an id the screens translate)
    ├── ConfigError (ValueError)  a profile, template or option is wrong
    ├── DeviceError               a device or its link
    │   ├── LinkLost              the link broke while in use; the supervisor retries
    │   │   └── DeviceAbsent      a radio device is off, out of range or connected elsewhere
    │   ├── DeviceBusy            in use elsewhere (port exclusive, other station)
    │   └── DeviceRefused         it answered, and said no
    ├── StationError              the station: lock held, recorder not answering
    │   ├── StationLocked
    │   └── StationUnreachable (ConnectionError)
    ├── SessionError              a session folder
    │   ├── SessionDamaged
    │   ├── SessionGone (FileNotFoundError)  moved or erased while it was looked at
    │   ├── SessionFormatUnknown  written by a newer HemoView
    │   └── SessionRefused        Start refused: subject, consent, disk or recorder
    ├── SyncError                 the service, or the way to it
    │   ├── WireError (ValueError)    a body that is not as both sides agreed
    │   │   └── SignatureWrong        forged, changed, or signed by somebody else
    │   ├── ServiceUnreachable (ConnectionError)  no answer; tried again
    │   ├── ServiceRefused        it answered, and said no
    │   └── WrongService          another service than the one enrolled with answers
    ├── RecordingUnreadable (ValueError)  a foreign file (E4 zip, WFDB, npz) cannot be read
    └── StorageError (OSError)    disk full, read-only, network folder

    NotReadyErrors                several devices failed; every one is named
"""

from __future__ import annotations

from collections.abc import Mapping


class RecorderError(Exception):
    """Root of every error a user may see.

    Args:
        message: one line: who, what, what to do.
        advice: id of the operator's advice; the screens own the text.
    """

    advice = "unknown"

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        if advice is not None:
            self.advice = advice


class ConfigError(RecorderError, ValueError):
    """A profile, template or option is wrong."""

    advice = "check-settings"


class DeviceError(RecorderError):
    """A device or its link failed."""

    advice = "check-device"


class LinkLost(DeviceError):
    """The link broke while in use; the supervisor retries with back-off."""

    advice = "link-lost"


class DeviceAbsent(LinkLost):
    """A radio device does not answer: off, out of range, or connected to somebody else, who keeps it silent."""

    advice = "device-absent"


class DeviceBusy(DeviceError):
    """The device or its port is in use elsewhere."""

    advice = "device-busy"


class DeviceRefused(DeviceError):
    """The device answered and said no."""

    advice = "device-refused"


class StationError(RecorderError):
    """The station: its lock, its connection file, its recorder."""

    advice = "check-station"


class StationLocked(StationError):
    """A second recorder was started on a station that has one."""

    advice = "station-locked"


class StationUnreachable(StationError, ConnectionError):
    """No recorder answers on this station."""

    advice = "recorder-down"


class SessionError(RecorderError):
    """A session folder cannot be used as asked."""

    advice = "check-session"


class SessionDamaged(SessionError):
    """Part of a session cannot be read; the message names the part."""

    advice = "session-damaged"


class SessionGone(SessionError, FileNotFoundError):
    """Somebody moved or erased the session while it was looked at."""


class SessionFormatUnknown(SessionError):
    """The session was written by a newer HemoView."""

    advice = "session-newer"


class SessionRefused(SessionError):
    """Start was refused: subject, consent, disk or recorder."""

    advice = "start-refused"


class SyncError(RecorderError):
    """The service, or the way to it."""

    advice = "check-service"


class WireError(SyncError, ValueError):
    """A body between bedside and service is not as both agreed; the message names the field."""

    advice = "service-garbled"


class SignatureWrong(WireError):
    """Forged, changed on its way, or signed by somebody else."""

    advice = "service-forged"


class ServiceUnreachable(SyncError, ConnectionError):
    """The service gives no answer: network, address or the service itself. Tried again later."""

    advice = "service-unreachable"


class ServiceRefused(SyncError):
    """The service answered and said no."""

    advice = "service-refused"


class WrongService(SyncError):
    """Another service answers than the one this station is enrolled with."""

    advice = "service-other"


class RecordingUnreadable(RecorderError, ValueError):
    """A foreign file cannot be read; the message names the file and the cause."""

    advice = "check-file"


class StorageError(RecorderError, OSError):
    """The disk refused: full, read-only, a network or cloud-synced folder."""

    advice = "check-disk"


class NotReadyErrors(DeviceError):
    """Several devices failed; all are named, one a line.

    Args:
        errors: device id -> what it said.
    """

    advice = "devices-not-ready"

    def __init__(self, errors: Mapping[str, Exception]) -> None:
        self.errors = dict(errors)
        super().__init__("\n".join(f"{name}: {error}" for name, error in self.errors.items()))
