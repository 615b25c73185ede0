"""``recorder calibrate``: find volt → mmHg by two points or by the monitor's own file, and hand it to the station."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from recorder import session as store
from recorder.acquire import settings as settings_file
from recorder.clock import Clock
from recorder.devices import calibration, registry
from recorder.devices.calibration import Waveform
from recorder.errors import ConfigError
from recorder.exchange.sources import cnap_waveform
from recorder.host import places, processes
from recorder.host.arguments import STATION
from recorder.host.client import StationClient
from recorder.host.connection import check_station
from recorder.host.lock import StationLock
from recorder.schema import Calibration, StreamInfo
from recorder.session import SessionHeader

HOLE: Final = 1.5
"""Samples further apart than so many intervals have a hole between them."""


@dataclass(frozen=True, slots=True)
class CalibrateOrder:
    """What the command line asks for.

    Args:
        stream_id, channel: which ADC channel.
        operator: operator code, kept in the record.
        station, home: who keeps it.
        points: two of (volt, mmHg); else ``against``, a waveform file of the monitor, and ``session``, the folder.
        file_starts: when that file began, local time of the session, where its name does not tell or is wrong.
        keep: store a refused one too, as refused.
        take_control: from whoever controls the station, and give it back.
    """

    stream_id: str
    channel: str
    operator: str
    station: str = STATION
    home: Path | None = None
    points: tuple[tuple[float, float], ...] = ()
    against: Path | None = None
    session: Path | None = None
    file_starts: datetime | None = None
    keep: bool = False
    take_control: bool = False


def run(order: CalibrateOrder) -> dict[str, Any]:
    """Find the line, judge it, and keep it if it is good; returns what to print.

    Raises:
        RecorderError: the points or files are no good, or the station does not take it.
    """
    check_station(order.station)
    if not order.operator.strip():
        raise ConfigError("Calibration: --operator is empty; a calibration is signed with an operator code")
    clock = Clock.from_environment()
    found = _two_point(order, clock) if order.points else compare(order, clock).found
    outcome = {"ok": found.accepted, "line": in_words(found), **_facts(found)}
    outcome["kept"] = _keep(order, found, clock) if found.accepted or order.keep else "no"
    return outcome


def in_words(found: Calibration) -> str:
    """``mmHg = 100.2 · V − 12.1``."""
    sign = "−" if found.offset_mmhg < 0 else "+"
    return f"mmHg = {found.gain_mmhg_per_v:.4g} · V {sign} {abs(found.offset_mmhg):.3g}"


def _facts(found: Calibration) -> dict[str, Any]:
    fit = {"r": found.r, "rmse_mmhg": found.rmse_mmhg, "lag_s": found.lag_s}
    return {
        "method": found.method,
        "gain_mmhg_per_v": found.gain_mmhg_per_v,
        "offset_mmhg": found.offset_mmhg,
        **{name: round(value, 4) for name, value in fit.items() if value is not None},
        "accepted": found.accepted,
        **({} if found.accepted else {"why": calibration.why_refused(found)}),
        "calibration_id": found.calibration_id,
    }


# ---- finding it


def _two_point(order: CalibrateOrder, clock: Clock) -> Calibration:
    low, high = order.points
    return calibration.two_point(
        order.stream_id, order.channel, low, high, wall_ns=clock.wall_ns(), operator=order.operator
    )


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A fit, and what was compared: the ADC's volt and the monitor's own pressure."""

    found: Calibration
    volts: Waveform
    reference: Waveform


def compare(order: CalibrateOrder, clock: Clock) -> Comparison:
    """Fit the ADC of a session against the monitor's own waveform file. Nothing is kept.

    Raises:
        RecorderError: file or session is no good, or there is nothing alike.
    """
    if order.against is None or order.session is None:
        raise ConfigError("Calibration: give --points, or --against FILE with --session SESSION")
    file = cnap_waveform.read(order.against)
    with store.open(order.session) as session:
        starts = order.file_starts or file.starts
        if starts is None:
            raise ConfigError(
                f"{order.against}: its name does not tell when it began; give --file-start 2026-11-20T16:05:07"
            )
        length_s = file.t0_s + file.mmhg.size / cnap_waveform.RATE_HZ
        start_ns = _wall_ns(starts, session, length_s, order.against) + round(file.t0_s * 1e9)
        reference = Waveform(file.mmhg, cnap_waveform.RATE_HZ, start_ns)
        volts = _volts(session, order, reference)
    found = calibration.fit(
        order.stream_id, order.channel, volts, reference, wall_ns=clock.wall_ns(), operator=order.operator
    )
    return Comparison(found, volts, reference)


def _wall_ns(local: datetime, session: store.Session, length_s: float, file: Path) -> int:
    """A local time of the session's place, in UTC ns since 1970: where clocks were changed, that of the two which
    lies in the session.

    Raises:
        ConfigError: both do.
    """
    zone = _zone(session.header)
    both = [local] if local.tzinfo else [local.replace(tzinfo=zone, fold=n) for n in (0, 1)]
    found = {round(moment.timestamp()) * 1_000_000_000: moment for moment in both}
    slack_ns = round(calibration.MAX_LAG_S * 1e9)
    first_ns = session.start_wall_ns - slack_ns
    last_ns = session.start_wall_ns + round(session.duration_s * 1e9) + slack_ns
    within = [ns for ns in found if ns < last_ns and ns + round(length_s * 1e9) > first_ns]
    if len(within) > 1:
        first, second = (moment.isoformat() for moment in found.values())
        raise ConfigError(
            f"{file}: {local:%Y-%m-%d %H:%M:%S} may be two moments in {session.header.zone}, where the clocks were "
            f"changed that night; give --file-start {first} or --file-start {second}"
        )
    return within[0] if within else next(iter(found))


def _zone(header: SessionHeader) -> ZoneInfo | timezone:
    try:
        return ZoneInfo(header.zone)
    except (ZoneInfoNotFoundError, ValueError):
        return timezone(timedelta(seconds=header.utc_offset_s))


def _volts(session: store.Session, order: CalibrateOrder, reference: Waveform) -> Waveform:
    """What the ADC stored while the file was written, and the search for the lag to both sides."""
    info = session.streams.get(order.stream_id)
    if info is not None:
        _must_have([info], order)
    begin_s = (reference.start_wall_ns - session.start_wall_ns) / 1e9
    end_s = begin_s + reference.values.size / reference.rate_hz
    margin_s = calibration.MAX_LAG_S + 1.0
    rows = session.read(order.stream_id, begin_s - margin_s, end_s + margin_s)
    rate_hz = rows.info.nominal_rate_hz
    if rate_hz is None:
        raise ConfigError(f"Calibration: {order.stream_id} is no waveform; choose the stream of the ADC")
    if len(rows) < 2:
        raise ConfigError(
            f"Calibration: the file covers {begin_s:.0f} to {end_s:.0f} s of a session of {session.duration_s:.0f} s; "
            "choose the file of this recording, or tell with --file-start when it began"
        )
    column = [c.name for c in rows.info.channels].index(order.channel)
    values = steady(rows.time_s, rows.values[:, column], rate_hz)
    return Waveform(values, rate_hz, session.start_wall_ns + round(rows.time_s[0] * 1e9))


def steady(time_s: NDArray[np.float64], values: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Samples ``(n,)`` at their times → samples at a steady rate from the first; NaN in the holes."""
    order = np.argsort(time_s, kind="stable")
    time_s, values = time_s[order], values[order]
    grid_s = time_s[0] + np.arange(int((time_s[-1] - time_s[0]) * rate_hz) + 1) / rate_hz
    after = np.clip(np.searchsorted(time_s, grid_s), 1, time_s.size - 1)
    hole = time_s[after] - time_s[after - 1] > HOLE / rate_hz
    return np.where(hole, np.nan, np.interp(grid_s, time_s, values))


# ---- keeping it


def _keep(order: CalibrateOrder, found: Calibration, clock: Clock) -> str:
    """Hand it to the running station, or leave it for its next session; returns where it is now."""
    if processes.find_recorder(order.station, order.home) is None:
        path = places.station_dir(order.station, order.home) / "settings.json"
        if not path.exists():
            return f"no: there is no station {order.station} here; give --station and --home"
        _leave(path, order, found, clock)
        return f"for the next session of station {order.station}, whose recorder does not run"
    name = f"recorder calibrate {os.getpid()}"
    with (
        StationClient(order.station, order.home, name=name, clock=clock) as client,
        _control(client, order),
    ):
        client.call("calibrate", **from_now(client, found, clock).to_json())
    return f"in the running station {order.station}"


class Asks(Protocol):
    """The part of ``StationClient`` that is needed here."""

    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        """Ask the recorder and wait for its answer."""
        ...


def from_now(client: Asks, found: Calibration, clock: Clock) -> Calibration:
    """A second one of a channel holds from now on; the first also for what was recorded before it."""
    known = (Calibration.from_json(c) for c in client.call("describe")["calibrations"])
    place = (found.stream_id, found.channel)
    again = any(c.accepted and (c.stream_id, c.channel) == place for c in known)
    return replace(found, t_host_ns=clock.monotonic_ns()) if again else found


@contextmanager
def _control(client: StationClient, order: CalibrateOrder) -> Iterator[None]:
    """Control for one command: taken only where asked for, and given back to whom it was."""
    holder = str(client.call("status")["status"]["controller"])
    if holder and order.take_control:
        client.call("take_control")
    try:
        yield
    finally:
        if holder and order.take_control:
            client.call("take_control", name=holder)
        else:
            client.call("release_control")


def _leave(path: Path, order: CalibrateOrder, found: Calibration, clock: Clock) -> None:
    """Nobody runs the station: into its settings, as its recorder would."""
    with StationLock(order.station, order.home):
        settings = settings_file.read(path)
        drivers = [registry.make_driver(d, clock) for d in settings.devices if registry.has_link(d)]
        _must_have([info for driver in drivers for info in driver.streams], order)
        settings_file.write(path, settings.with_calibration(found))


def _must_have(streams: list[StreamInfo], order: CalibrateOrder) -> None:
    known = {(s.stream_id, c.name) for s in streams for c in s.channels if c.unit == "V"}
    if (order.stream_id, order.channel) not in known:
        names = ", ".join(f"--stream {s} --channel {c}" for s, c in sorted(known)) or "no ADC at all"
        raise ConfigError(
            f"Calibration: there is no {order.stream_id} with a channel {order.channel} in volt; there is {names}"
        )
