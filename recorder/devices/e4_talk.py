"""The conversation with an E4 streaming server, as a table. Replies in, commands and notices out; no I/O.

::

    listing ─list─► connecting ─OK─► pausing ─ON─► subscribing ─OK (each stream)─► resuming ─OFF─► streaming
       │ empty, headless server: discovering ─list─► linking ─OK─► listing                            │
       └ any error, or no answer in 5 s: failed (the supervisor closes the link and tries again)      │
                            no sample in 5 s: unsubscribing ─► resubscribing ─► streaming, once ◄─────┘

The pattern pause → subscribe one by one → resume is the LSL client's: with samples held back no reply drowns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from recorder.devices.contract import DriverEvent, Notice, Send
from recorder.protocols.e4_events import SUBSCRIPTIONS, Command, News, Outcome, Reply
from recorder.protocols.e4_server import format_command

State = Literal[
    "idle",
    "listing",
    "discovering",
    "linking",
    "connecting",
    "pausing",
    "subscribing",
    "resuming",
    "unsubscribing",
    "resubscribing",
    "streaming",
    "failed",
]

REPLY_TIMEOUT_S = 5.0
"""The server answers within milliseconds; a wireless connection to a band may take seconds."""
LINKING_TIMEOUT_S = 30.0
NO_SAMPLE_S = 5.0
"""Server 1.0.3 (5332) may accept every subscription and send nothing (ble-client-windows issue 12)."""

_LISTS: Final = frozenset({"device_list", "device_discover_list"})
_WATCHED: Final = "bvp"
"""The watchdog looks at BVP: IBI is absent for long stretches whenever the wearer moves (empalink issue 2)."""


class Conversation:
    """One client of one band.

    Args:
        server: ``host:port``, for messages.
        band: serial to use, empty = the first one found.
        connects_bands: a headless server waits for its client to connect the wristband; True does so.
    """

    def __init__(self, server: str, band: str = "", *, connects_bands: bool = False) -> None:
        self.server = server
        self.wanted = band
        self.serial = band
        self.state: State = "idle"
        self.link_lost_since_ns: int | None = None
        self._connects_bands = connects_bands
        self._before = ""
        self._left: list[str] = []
        self._in_flight: Command | None = None
        self._deadline_ns = 0
        self._last_sample_ns = 0
        self._resubscribed = False
        self._was_ready = False

    # ---- what happens

    def begin(self, t_host_ns: int) -> list[DriverEvent]:
        """A connection was opened."""
        self._before = self.serial or self._before
        self.serial, self.link_lost_since_ns = self.wanted, None
        self._resubscribed = self._was_ready = False
        return self._ask("listing", t_host_ns, "device_list")

    def reply(self, reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        """The server answered."""
        if not self._answers(reply):
            text = f"{reply.command} {reply.argument} {reply.outcome}".replace("  ", " ")
            return [Notice("unexpected-reply", f"{self._who} answered what was not asked: {text}", t_host_ns)]
        self._in_flight = None
        step = _STEPS.get((self.state, reply.outcome))
        if step is None:
            return self._refused(reply, t_host_ns)
        return step(self, reply, t_host_ns)

    def news(self, news: News, t_host_ns: int) -> list[DriverEvent]:
        """The server told something unasked. Binding and subscriptions survive the loss of the radio."""
        if self.serial and news.serial != self.serial:
            return []
        if news.kind == "link-back":
            self.link_lost_since_ns = None
            self._last_sample_ns = t_host_ns
            return [Notice("signal-back", f"E4 {news.serial}: the wristband is back", t_host_ns)]
        self.link_lost_since_ns = t_host_ns
        if news.kind == "turned-off":
            text = f"E4 {news.serial} was turned off with its button: turn it on again"
            return [Notice("turned-off", text, t_host_ns)]
        text = f"E4 {news.serial} lost its radio link: bring the wristband nearer to the computer"
        return [Notice("signal-lost", text, t_host_ns)]

    def sample(self, kind: str, t_host_ns: int) -> list[DriverEvent]:
        """A sample arrived; the watched stream proves that the subscription works."""
        if kind != _WATCHED:
            return []
        self._last_sample_ns = t_host_ns
        self._resubscribed = False
        if self.link_lost_since_ns is None:
            return []
        self.link_lost_since_ns = None
        return [Notice("signal-back", f"E4 {self.serial}: samples flow again", t_host_ns)]

    def tick(self, t_host_ns: int) -> list[DriverEvent]:
        """Time passes: no answer, or no sample."""
        if self._in_flight is not None and t_host_ns > self._deadline_ns:
            asked = format_command(self._in_flight).decode().strip()
            text = (
                f"{self._who} did not answer {asked!r}: see that it is an E4 streaming server, and restart it"
            )
            return self._fail("no-answer", text, t_host_ns)
        if self.state != "streaming" or self.link_lost_since_ns is not None:
            return []
        if t_host_ns - self._last_sample_ns <= NO_SAMPLE_S * 1e9:
            return []
        if not self._resubscribed:
            return self._resubscribe(t_host_ns)
        text = (
            f"{self._who} accepts subscriptions but sends no samples of {self.serial}: wear and turn on the band; "
            "if that is so, restart the server from the last page of its installer"
        )
        return self._fail("no-samples", text, t_host_ns)

    # ---- the steps of the table

    def _choose(self, reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        found = [band.serial for band in reply.bands]
        if self.wanted in found or (found and not self.wanted):
            self.serial = self.wanted or (self._before if self._before in found else found[0])
            asked = self._ask("connecting", t_host_ns, "device_connect", self.serial)
            return [*self._other_band(t_host_ns), *asked]
        if self._connects_bands:
            return self._ask("discovering", t_host_ns, "device_discover_list")
        if found:
            text = f"{self._who} does not have E4 {self.wanted}, but {', '.join(found)}: choose one of them"
        else:
            text = f"{self._who} has no wristband connected: turn the E4 on and connect it in the server"
        return self._fail("no-band", text, t_host_ns)

    def _other_band(self, t_host_ns: int) -> list[DriverEvent]:
        """Any band will do, but two bands in one stream must be seen."""
        if self._before in {"", self.serial}:
            return []
        text = f"E4 {self._before} is gone; {self.serial} is used instead: see that the subject wears it"
        payload = {"before": self._before, "serial": self.serial}
        return [Notice("other-band", text, t_host_ns, payload=payload)]

    def _discovered(self, reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        heard = [band for band in reply.bands if not self.wanted or band.serial == self.wanted]
        allowed = [band.serial for band in heard if band.allowed]
        if allowed:
            return self._ask("linking", t_host_ns, "device_connect_btle", allowed[0])
        if heard:
            text = f"{self._who} refuses E4 {heard[0].serial}: register the band for the server's API key"
        else:
            text = (
                f"{self._who} hears no E4 {self.wanted}".rstrip()
                + ": turn the wristband on, near the computer"
            )
        return self._fail("no-band", text, t_host_ns)

    def _list_again(self, _reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        return self._ask("listing", t_host_ns, "device_list")

    def _pause(self, _reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        return self._ask("pausing", t_host_ns, "pause", "ON")

    def _subscribe_all(self, reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        self._left = list(SUBSCRIPTIONS)
        return self._subscribe_next(reply, t_host_ns)

    def _subscribe_next(self, _reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        if self._left:
            return self._ask("subscribing", t_host_ns, "device_subscribe", self._left.pop(0), "ON")
        return self._ask("resuming", t_host_ns, "pause", "OFF")

    def _not_subscribed(self, reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        """A stream refused is named; the others go on. Without BVP there is nothing to record."""
        if reply.argument in {_WATCHED, ""}:
            return self._refused(reply, t_host_ns)
        text = (
            f"{self._who} refuses stream {reply.argument} of E4 {self.serial} ({reply.message}): others go on"
        )
        notice = Notice("refused", text, t_host_ns, payload={"stream": reply.argument})
        return [notice, *self._subscribe_next(reply, t_host_ns)]

    def _stream(self, _reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        self.state = "streaming"
        self._last_sample_ns = t_host_ns
        if self._was_ready:
            text = f"{self._who}: BVP of E4 {self.serial} was subscribed anew, for no sample came in 5 s"
            return [Notice("resubscribed", text, t_host_ns)]
        self._was_ready = True
        text = f"E4 {self.serial} is connected and subscribed"
        return [Notice("ready", text, t_host_ns, payload={"serial": self.serial})]

    def _resubscribe(self, t_host_ns: int) -> list[DriverEvent]:
        self._resubscribed = True
        return self._ask("unsubscribing", t_host_ns, "device_subscribe", _WATCHED, "OFF")

    def _subscribe_anew(self, _reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        return self._ask("resubscribing", t_host_ns, "device_subscribe", _WATCHED, "ON")

    def _refused(self, reply: Reply, t_host_ns: int) -> list[DriverEvent]:
        said = reply.message or reply.outcome
        asked = " ".join(part for part in (reply.command, reply.argument) if part)
        text = f"{self._who} refused {asked} for E4 {self.serial or 'any'} ({said}): check band and server"
        return self._fail("refused", text, t_host_ns)

    # ---- inside

    @property
    def _who(self) -> str:
        return f"E4 streaming server {self.server}"

    def _ask(self, state: State, t_host_ns: int, name: str, *arguments: str) -> list[DriverEvent]:
        timeout_s = LINKING_TIMEOUT_S if state == "linking" else REPLY_TIMEOUT_S
        self.state = state
        self._in_flight = Command(name, arguments)
        self._deadline_ns = t_host_ns + int(timeout_s * 1e9)
        return [Send(format_command(self._in_flight))]

    def _answers(self, reply: Reply) -> bool:
        """Whether a reply is to the command in flight; the two lists are taken for each other (vendor's page)."""
        asked = self._in_flight
        if asked is None:
            return False
        same = reply.command == asked.name or {reply.command, asked.name} <= _LISTS
        return same and (not reply.argument or reply.argument in asked.arguments)

    def _fail(self, kind: str, text: str, t_host_ns: int) -> list[DriverEvent]:
        self.state, self._in_flight = "failed", None
        return [Notice(kind, text, t_host_ns, fatal=True)]


_Step = Callable[[Conversation, Reply, int], list[DriverEvent]]

# One row a state and outcome; whatever is not here is a refusal. One class's own table, hence its own methods.
_STEPS: Final[dict[tuple[State, Outcome], _Step]] = {
    ("listing", "list"): Conversation._choose,
    ("discovering", "list"): Conversation._discovered,
    ("linking", "ok"): Conversation._list_again,
    ("connecting", "ok"): Conversation._pause,
    ("pausing", "on"): Conversation._subscribe_all,
    ("subscribing", "ok"): Conversation._subscribe_next,
    ("subscribing", "error"): Conversation._not_subscribed,
    ("resuming", "off"): Conversation._stream,
    ("unsubscribing", "ok"): Conversation._subscribe_anew,
    ("unsubscribing", "error"): Conversation._subscribe_anew,
    ("resubscribing", "ok"): Conversation._stream,
}
