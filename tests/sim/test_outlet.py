"""A link that takes what it likes: every frame is sent or counted as overrun, and none is cut by another."""

from hypothesis import given
from hypothesis import strategies as st

from recorder.devices.sim.outlet import Outlet, Tally


class Link:
    """Takes at most ``room`` bytes until drained."""

    def __init__(self, room: int) -> None:
        self.room, self.taken, self.held = room, b"", 0

    def write(self, octets: bytes) -> int:
        n = min(len(octets), self.room - self.held)
        if n == 0:
            raise BlockingIOError
        self.taken += octets[:n]
        self.held += n
        return n


def frame(n: int) -> bytes:
    return b"<%d>" % n


def test_a_stuck_link_gives_counted_overruns_and_keeps_frames_whole():
    tally, link = Tally(), Link(100)
    outlet = Outlet(link.write, tally, room=50)
    for n in range(100):
        outlet.put("s", (frame(n),))
        outlet.flush()
    assert tally.overrun["s"] > 50
    link.room = 10**6
    outlet.flush()
    whole = link.taken.decode().strip("<>").split("><")
    assert tally.sent["s"] == len(whole)
    assert tally.sent["s"] + tally.overrun["s"] == 100


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    drains=st.lists(st.integers(0, 60), min_size=60, max_size=60),
    room=st.integers(1, 80),
)
def test_every_frame_is_accounted_for(sizes, drains, room):
    tally, link = Tally(), Link(30)
    outlet = Outlet(link.write, tally, room=room)
    for size, drain in zip(sizes, drains, strict=False):
        outlet.put("s", (b"<" + b"x" * size + b">",))
        outlet.flush()
        link.held = max(link.held - drain, 0)
    outlet.abandon()
    assert tally.sent["s"] + tally.overrun["s"] == len(sizes)
    assert link.taken.count(b">") == tally.sent["s"]
    assert b"<<" not in link.taken.replace(b"x", b"")


def test_replies_are_not_counted():
    tally = Tally()
    outlet = Outlet(Link(100).write, tally)
    outlet.put("", (b"R pause ON\r\n",))
    outlet.flush()
    assert tally.to_json() == {}


def test_the_tally_prints_all_four_counts():
    tally = Tally()
    tally.generated["adc.wave"] += 3
    tally.overrun["adc.wave"] += 1
    expected = {"generated": 3, "on_air_lost": 0, "sent": 0, "overrun": 1}
    assert tally.to_json() == {"adc.wave": expected}
