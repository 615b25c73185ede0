"""Commands: verbs are a table, every request is acknowledged, a retry is carried out once, one client controls."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from recorder.acquire import wire
from recorder.acquire.wire import Request
from recorder.errors import ConfigError, RecorderError, StationError

REMEMBERED: Final = 4096
"""Replies kept for retries: over an hour of estimates once a second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table.

    Args:
        run: carries it out; returns plain JSON values.
        control: refused from a client that does not hold control of the station.
        slow: may take longer than a blink, so it runs beside the others, one slow verb after the other.
        apart: a slow verb that changes nothing and waits for seconds, so that no other slow verb waits for it.
        once: a retry with the same id gets the first answer again.
    """

    run: Callable[[Request], dict[str, Any]]
    control: bool = False
    slow: bool = False
    once: bool = True
    apart: bool = False


class Control:
    """Which client may start, stop, configure and calibrate. Several may watch.

    Args:
        on_change: called with (new holder, former holder).
    """

    def __init__(self, on_change: Callable[[str, str], None]) -> None:
        self.holder = ""
        self._on_change = on_change

    def need(self, client: str) -> None:
        """``client`` must hold control; a free station is taken by the first who asks.

        Raises:
            StationError: another client holds it.
        """
        if not self.holder:
            self.take(client)
        elif self.holder != client:
            raise StationError(
                f"{self.holder} controls this station: take control first, then repeat", advice="take-control"
            )

    def take(self, client: str) -> None:
        """Explicit takeover; told to whoever stores events."""
        if client != self.holder:
            self.holder, former = client, self.holder
            self._on_change(client, former)

    def release(self, client: str) -> None:
        """Give it back, if ``client`` holds it."""
        if client == self.holder:
            self.holder = ""
            self._on_change("", client)


class CommandDesk:
    """Answers requests. One thread asks :meth:`remembered`; :meth:`answer` may run in another for slow verbs.

    Args:
        verbs: the table.
        control: who may change things.
    """

    def __init__(self, verbs: Mapping[str, Verb], control: Control) -> None:
        self.verbs = dict(verbs)
        self.control = control
        self._replies: OrderedDict[str, bytes] = OrderedDict()

    def remembered(self, request: Request) -> bytes | None:
        """The answer given to this request before, if it is a retry."""
        return self._replies.get(request.request_id)

    def is_slow(self, request: Request) -> bool:
        """Whether the verb may take long."""
        verb = self.verbs.get(request.verb)
        return verb is not None and verb.slow

    def is_apart(self, request: Request) -> bool:
        """Whether the verb holds up no other slow one."""
        verb = self.verbs.get(request.verb)
        return verb is not None and verb.apart

    def answer(self, request: Request) -> bytes:
        """Carry out and reply; never raises."""
        try:
            verb = self._verb(request)
            reply = wire.pack_result(request.request_id, verb.run(request))
            remember = verb.once
        except RecorderError as error:
            reply, remember = wire.pack_error(request.request_id, error), False
        except (KeyError, TypeError, ValueError) as error:
            refused = ConfigError(f"{request.verb}: {_in_words(error)}; correct it and send again")
            log.info("refused %s from %s: %s", request.verb, request.client, type(error).__name__)
            reply, remember = wire.pack_error(request.request_id, refused), False
        except Exception:
            log.exception("%s failed", request.verb)
            fault = StationError(
                f"recorder: {request.verb} failed inside; see the log", advice="recorder-fault"
            )
            reply, remember = wire.pack_error(request.request_id, fault), False
        if remember:
            self._remember(request.request_id, reply)
        return reply

    def _verb(self, request: Request) -> Verb:
        verb = self.verbs.get(request.verb)
        if verb is None:
            raise ConfigError(
                f"recorder: verb {request.verb!r} is unknown; it knows {', '.join(sorted(self.verbs))}"
            )
        if verb.control:
            self.control.need(request.client)
        return verb

    def _remember(self, request_id: str, reply: bytes) -> None:
        self._replies[request_id] = reply
        while len(self._replies) > REMEMBERED:
            self._replies.popitem(last=False)


def _in_words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"argument {error.args[0]!r} is missing"
    return str(error)
