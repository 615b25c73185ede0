"""Times of files that name no zone: read by the zone a person named, never guessed.

The one rule of every import: no zone, no import; an hour the clocks skipped is refused; an hour that came twice is
asked about.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from recorder.errors import ConfigError

FOLDS: Final = ("first", "second")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        ConfigError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"time zone {name!r} is not known; give an IANA name such as Europe/Berlin or Asia/Shanghai",
            advice="import-zone-unknown",
        ) from None


def wall_ns_of(local: datetime, zone: str, fold: str = "", *, whose: str) -> int:
    """UTC ns since 1970 of a local time without zone.

    Args:
        local: naive.
        zone: IANA name.
        fold: which of two, of an hour that came twice: ``first``, ``second``, or empty where nobody said.
        whose: what the time is of, for the message.

    Raises:
        ConfigError: no zone was named, it does not exist, or the local time never was or came twice in it.
    """
    if not zone:
        raise ConfigError(
            f"{whose}: its times ({local:%Y-%m-%d %H:%M}) name no time zone; give the one its clock showed, "
            "such as --zone Europe/Berlin",
            advice="import-zone-needed",
        )
    place = check_zone(zone)
    first, second = (local.replace(tzinfo=place, fold=n).astimezone(UTC) for n in (0, 1))
    if first.astimezone(place).replace(tzinfo=None) != local:
        before, after = sorted((first, second))
        raise ConfigError(
            f"{whose}: {local:%Y-%m-%d %H:%M} never was in {zone}, the clocks were put forward over it; it was "
            f"{before.astimezone(place):%H:%M} or {after.astimezone(place):%H:%M} there. Check --zone, or name the "
            "zone its clock was really set to, such as Etc/GMT-1",
            advice="import-hour-never",
        )
    if first != second and fold not in FOLDS:
        raise ConfigError(
            f"{whose}: {local:%Y-%m-%d %H:%M} came twice in {zone}, the clocks were put back that night: "
            f"{first:%H:%M} or {second:%H:%M} UTC. Say which one it was: --fold first or --fold second",
            advice="import-hour-twice",
        )
    chosen = second if fold == "second" else first
    return (chosen - _EPOCH) // timedelta(microseconds=1) * 1000
