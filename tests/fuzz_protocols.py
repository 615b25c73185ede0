"""Throw bytes at every protocol and driver until something raises. Run by hand:

    python tests/fuzz_protocols.py --seed 1 --seconds 60

The seed is printed; the same seed gives the same bytes. A short run of it is in the suite.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.ble_link import GATT_FRAMES
from recorder.devices.contract import DeviceConfig, Driver
from recorder.devices.registry import make_driver
from recorder.protocols import e4_ble, heart_rate, nonin
from recorder.protocols.e4_events import Sample
from recorder.protocols.e4_server import CommandDecoder, E4Decoder, format_sample
from recorder.protocols.gatt_packets import GattDecoder
from recorder.protocols.serial_adc import AdcDecoder, encode
from recorder.schema import Gap, SampleBlock
from recorder.transports import Chunk

S = 1_000_000_000
WORDS = [
    b"R ", b"OK\r\n", b"ERR ", b"pause ON\r\n", b"device_list 1 | 9ff167 Empatica_E4\r\n", b"device_connect OK\r\n",
    b"device_subscribe bvp ", b"connection lost to device 9ff167\r\n", b"E4_Bvp ", b"E4_Acc ", b"E4_Tag ", b"E4_Gsr ",
    b"1.0 ", b"1,5", b"-0.0", b"1e-5 ", b"9" * 30, b"|", b"\r\n", b"\n", b"\x00", b"\xff\xfe", b"\xaa\x55", b"\xaa",
    b"*", b",", b"1,2,3\n", " 1.0 ١٢".encode(),
]  # fmt: skip


def seeds_of(rng: random.Random) -> Iterator[bytes]:
    """Good bytes of every protocol, to be bent."""
    n = rng.randrange(2**33)
    yield format_sample(Sample("bvp", n, ((n % 9999 - 5000, rng.randrange(5)),)), comma=rng.random() < 0.5)
    yield format_sample(Sample("acc", n, ((1, 0), (-2, 0), (3, 0))))
    for name in profiles.shipped():
        yield encode(profiles.load(name), n, n, [rng.randrange(-2, 4096)])
    for uuid in (*e4_ble.LAYOUTS, e4_ble.BUTTON, e4_ble.BATTERY, heart_rate.MEASUREMENT):
        yield GATT_FRAMES.pack(rng.randrange(4), uuid, rng.randbytes(rng.choice([1, 8, 20])), n)
    for data_format in nonin.FORMATS:
        status, octet = rng.randrange(0x80, 0x100), rng.randrange(0x80)
        yield nonin.encode(nonin.Frame(status, rng.randrange(256), octet), data_format)


def piece(rng: random.Random, good: list[bytes]) -> bytes:
    """Words, noise, or a good frame with a byte changed, lost or doubled."""
    choice = rng.random()
    if choice < 0.25:
        return rng.randbytes(rng.randrange(60))
    if choice < 0.6:
        return b"".join(rng.choices(WORDS, k=rng.randrange(1, 6)))
    bent = bytearray(b"".join(rng.choices(good, k=rng.randrange(1, 5))))
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(bent))
        bent[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        if not bent:
            return b""
    return bytes(bent)


@dataclass
class Target:
    """One thing under fire; ``feed`` gets the bytes, ``fresh`` starts it anew."""

    name: str
    fresh: Callable[[], Callable[[bytes, int], None]]


def decoder_target(name: str, make: Callable[[], object]) -> Target:
    def fresh() -> Callable[[bytes, int], None]:
        decoder = make()
        return lambda data, _t: list(decoder.feed(data)) and None  # type: ignore[attr-defined, return-value]

    return Target(name, fresh)


def check(driver: Driver) -> Callable[[bytes, int], None]:
    """Feeds a driver; sample numbers must rise and gaps must lie before what follows them."""
    newest: dict[str, int] = {}
    driver.on_connected(0)

    def feed(data: bytes, t: int) -> None:
        for event in [*driver.feed(Chunk(data, t)), *driver.tick(t)]:
            if isinstance(event, SampleBlock):
                assert event.first_sample_no >= newest.get(event.stream_id, 0), event
                newest[event.stream_id] = event.next_sample_no
            elif isinstance(event, Gap):
                assert event.first_missing_no >= newest.get(event.stream_id, 0), event

    return feed


def targets() -> list[Target]:
    """Every decoder and driver there is."""
    found = [decoder_target("e4 decoder", E4Decoder), decoder_target("command decoder", CommandDecoder)]
    found.append(Target("e4 driver", lambda: check(make_driver(DeviceConfig("e4-tcp", "e4"), Clock()))))
    found.append(decoder_target("gatt decoder", GattDecoder))
    for kind, options in (
        ("e4-ble", {"address": "C0:01"}),
        ("ble-hr", {"address": "C0:02"}),
        ("nonin-serial", {"port": "none"}),
        ("nonin-serial", {"port": "none", "format": "df7"}),
    ):
        config = DeviceConfig(kind, "dev", options)
        found.append(Target(f"{kind} driver", lambda config=config: check(make_driver(config, Clock()))))  # type: ignore[misc]
    for name in profiles.shipped():
        profile = profiles.load(name)
        found.append(decoder_target(f"{name} decoder", lambda profile=profile: AdcDecoder(profile)))  # type: ignore[misc]
        config = DeviceConfig("serial-adc", "adc", {"port": "none", "profile": name})
        found.append(Target(f"{name} driver", lambda config=config: check(make_driver(config, Clock()))))  # type: ignore[misc]
    return found


def fuzz(seed: int, *, seconds: float | None = None, rounds: int | None = None) -> int:
    """Fire for so long or so often; returns the number of pieces.

    Raises:
        AssertionError: a target raised; names target, seed and piece.
    """
    rng = random.Random(seed)
    all_targets = targets()
    ends = None if seconds is None else time.monotonic() + seconds
    n_pieces = n_rounds = 0
    while (ends is None or time.monotonic() < ends) and (rounds is None or n_rounds < rounds):
        n_rounds += 1
        good = list(seeds_of(rng))
        feeds = [(target, target.fresh()) for target in all_targets]
        t = S
        for _ in range(rng.randrange(1, 40)):
            data = piece(rng, good)
            t += rng.choice([0, S // 100, S, 100 * S])
            n_pieces += 1
            for target, feed in feeds:
                try:
                    feed(data, t)
                except Exception as error:
                    raise AssertionError(f"{target.name}, seed {seed}, piece {n_pieces}: {data!r}") from error
    return n_pieces


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    n_pieces = fuzz(options.seed, seconds=options.seconds)
    print(f"{n_pieces} pieces to {len(targets())} targets, nothing raised")
    return 0


if __name__ == "__main__":
    sys.exit(main())
