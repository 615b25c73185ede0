"""What a listening process found is stored once, and nothing else can be stored that way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bed import Bed

from recorder import session
from recorder.errors import ConfigError


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.station.start()
    yield made
    made.station.close()


def test_a_finding_is_an_event_of_the_session_with_its_own_time(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    at = bed.clock.monotonic_ns() - 1_000_000_000
    bed.ask("finding", client="edge", kind="heartbeat", payload={"verdict": "different"}, t_host_ns=at)
    bed.ask("stop")
    with session.open(folder) as stored:
        (found,) = stored.events("heartbeat")
    assert found.payload == {"verdict": "different"} and found.t_host_ns == at


@pytest.mark.parametrize("wrong", [{"kind": "gap", "payload": {}}, {"kind": "heartbeat", "payload": "two"}])
def test_nothing_else_is_a_finding(bed: Bed, wrong: dict[str, object]) -> None:
    before = bed.station.hub.event_no
    with pytest.raises(ConfigError, match="is no finding"):
        bed.ask("finding", client="edge", **wrong)
    assert bed.station.hub.event_no == before
