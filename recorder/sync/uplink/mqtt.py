"""The live path over the site's broker: MQTT 5, TLS 1.3, a certificate of the bedside's own.

Every message wants the broker's answer (QoS 1): it alone says that the broker does not let us tell, that nobody takes
what we tell, or, by not coming, that the broker hangs; then the message goes another way before the next one is made.
"""

from __future__ import annotations

import secrets
import ssl
import threading
import time
from collections.abc import Callable
from typing import Final

from paho.mqtt.client import Client, DisconnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from recorder.schema.sync_status import LiveWay
from recorder.sync.uplink import topics
from recorder.sync.uplink.site_pass import Pass, Passes
from recorder.sync.uplink.transport import BEAT_S, LinkEnded, told
from recorder.sync.uplink.wire import LIMIT_BYTES, REPLACED_CODE

OPEN_S: Final = 4.0
"""Less than the queue holds: while the broker is tried nothing is lost."""
SEND_S: Final = 4.0
"""A message that the broker has not taken by then shows a link that is none; the queue holds what comes meanwhile."""
SHORTEST_S: Final = 1.0
"""No connection is made anew sooner."""
_OF_CERTIFICATES: Final = frozenset({"broker-refuses", "broker-unknown"})
"""Either side may have another authority by now: the next certificate is a new one."""
_NOBODY: Final = "No matching subscribers"
_TELL: Final = "tell the service's administrator"
_TAKEN_OVER: Final = "Session taken over"
_OTHER_NAME: Final = frozenset({62, 64})
"""X509_V_ERR_*: host name or address mismatch."""


class MqttTransport:
    """To the broker that one service offers.

    Args:
        passes: what lets us in.
        name: who we are there (``uplink_topics.name_of``).
    """

    way: LiveWay = "broker"

    def __init__(self, passes: Passes, name: str) -> None:
        self._passes, self._me = passes, name

    def offered(self) -> bool:
        """The service has a broker."""
        return bool(self._passes.offered())

    def open(self, wake: Callable[[], None]) -> MqttLink:
        """A new connection; listening before it tells.

        Raises:
            LinkEnded: none came about.
        """
        link = MqttLink(self._passes.now(), self._me, wake)
        try:
            link.begin()
        except LinkEnded as ended:
            link.close()
            if ended.trouble in _OF_CERTIFICATES:
                self._passes.forget()
            raise
        return link


class MqttLink:
    """One connection. ``paho`` has a thread of its own for it; everything it tells is kept here under a lock.

    Args:
        pass_: what lets us in.
        name: who we are there (``uplink_topics.name_of``).
        wake: called when it has ended.
    """

    def __init__(self, pass_: Pass, name: str, wake: Callable[[], None]) -> None:
        self.holds_s = max(SHORTEST_S, pass_.renew_s - time.monotonic())
        self._pass, self._me, self._wake = pass_, name, wake
        self._name = secrets.token_hex(16)
        self._turn = threading.Condition()
        self._ended: LinkEnded | None = None
        self._is_open, self._is_leaving = False, False
        self._said = ""
        self._publish = properties_of(PacketTypes.PUBLISH)
        self._publish.MessageExpiryInterval = topics.EXPIRES_S
        self._publish.UserProperty = (topics.LINK, self._name)
        self._client = self._made()

    def _made(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, self._name, protocol=MQTTv5, reconnect_on_failure=False)
        client.tls_set_context(self._pass.context)
        client.connect_timeout = OPEN_S
        client.on_connect = lambda _c, _u, _flags, reason, _p: self._connected(reason)
        client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self._subscribed(reasons)
        client.on_publish = lambda _c, _u, _mid, reason, _p: self._published(reason)
        client.on_message = lambda _c, _u, message: self._heard(bytes(message.payload))
        client.on_disconnect = lambda _c, _u, flags, reason, _p: self._disconnected(flags, reason)
        client.on_log = lambda _c, _u, level, text: self._logged(level, text)
        return client

    @property
    def _where(self) -> str:
        return f"broker {self._pass.host}:{self._pass.port}"

    def begin(self) -> None:
        """Connect, be let in, and listen.

        Raises:
            LinkEnded: one of these did not happen in time.
        """
        limits = properties_of(PacketTypes.CONNECT)
        limits.MaximumPacketSize = LIMIT_BYTES
        try:
            self._client.connect(
                self._pass.host, self._pass.port, round(BEAT_S), clean_start=True, properties=limits
            )
        except ssl.SSLCertVerificationError as error:
            what = (
                "is for another name"
                if error.verify_code in _OTHER_NAME
                else f"is not one the service vouches for ({error.verify_message})"
            )
            why = f"{self._where}: its certificate {what}; {_TELL}"
            raise LinkEnded(why, trouble="broker-unknown") from error
        except (OSError, ValueError) as error:
            raise LinkEnded(
                f"{self._where} cannot be reached ({error}); is its port open?", trouble="broker-away"
            ) from error
        self._client.loop_start()
        until_s = time.monotonic() + OPEN_S
        with self._turn:
            while not self._is_open and self._ended is None and (left_s := until_s - time.monotonic()) > 0:
                self._turn.wait(left_s)
            if not self._is_open and self._ended is None:
                self._ended = LinkEnded(f"{self._where} does not answer in time", trouble="broker-away")
        self.check()

    def check(self) -> None:
        """Nothing, as long as it holds.

        Raises:
            LinkEnded: why it does not.
        """
        with self._turn:
            if self._ended is not None:
                raise self._ended

    def send(self, text: str) -> None:
        """Hand a message over, and wait until the broker has taken it.

        Raises:
            LinkEnded: the broker does not take it, or the link is none any more.
        """
        self.check()
        topic = topics.live_topic(self._me)
        info = self._client.publish(topic, text.encode(), 1, properties=self._publish)
        until_s = time.monotonic() + SEND_S
        while info.rc is MQTTErrorCode.MQTT_ERR_SUCCESS and not info.is_published():
            self.check()
            if time.monotonic() >= until_s:
                self._end(LinkEnded(f"{self._where} takes nothing", trouble="broker-away"))
            info.wait_for_publish(0.2)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end(self._broke())
        self.check()

    def close(self) -> None:
        """Say good-bye where somebody hears it."""
        with self._turn:
            self._is_leaving = True
        self._client.disconnect()
        self._client.loop_stop()

    # ---- told by the thread of paho

    def _end(self, ended: LinkEnded) -> None:
        with self._turn:
            if self._ended is None and not self._is_leaving:
                self._ended = ended
            self._turn.notify_all()
        self._wake()

    def _broke(self) -> LinkEnded:
        """The link is gone. Under TLS 1.3 a broker refuses a certificate after the handshake; what it says of that may
        be lost with the connection, and ``paho`` tells its log alone."""
        if not self._is_open:
            why = f"{self._where} does not let this station in, most likely for its certificate"
            said = f" ({self._said})" if self._said else ""
            return LinkEnded(f"{why}{said}; {_TELL}", trouble="broker-refuses")
        return LinkEnded(f"the link to {self._where} broke", trouble="broker-away")

    def _logged(self, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._said = text.removeprefix("failed to receive on socket: ")[:160]

    def _connected(self, reason: ReasonCode) -> None:
        if reason.is_failure:
            why = f"{self._where} refuses this station ({reason}); {_TELL}"
            self._end(LinkEnded(why, trouble="broker-refuses"))
            return
        self._client.subscribe(topics.refused_topic(self._me), qos=1)

    def _subscribed(self, reasons: list[ReasonCode]) -> None:
        denied = [reason for reason in reasons if reason.is_failure]
        if denied:
            self._end(self._denied(f"listen ({denied[0]})"))
            return
        with self._turn:
            self._is_open = True
            self._turn.notify_all()

    def _published(self, reason: ReasonCode) -> None:
        if reason.is_failure:
            self._end(self._denied(f"tell anything ({reason})"))
        elif str(reason) == _NOBODY:
            why = f"nobody takes what is told at {self._where}; {_TELL}"
            self._end(LinkEnded(why, trouble="broker-nobody"))

    def _denied(self, what: str) -> LinkEnded:
        return LinkEnded(f"{self._where} does not let this station {what}; {_TELL}", trouble="broker-denies")

    def _heard(self, payload: bytes) -> None:
        refusal = topics.read_refusal(payload)
        if refusal is not None and refusal.link in ("", self._name):
            self._end(told(refusal.code, refusal.why))

    def _disconnected(self, flags: DisconnectFlags, reason: ReasonCode) -> None:
        if not flags.is_disconnect_packet_from_server:
            self._end(self._broke())
        elif str(reason) == _TAKEN_OVER:
            self._end(told(REPLACED_CODE, "another connection of this device took over"))
        else:
            self._end(LinkEnded(f"{self._where} ends the connection ({reason})", trouble="broker-away"))


def properties_of(kind: int) -> Properties:
    """Of one kind of packet, empty."""
    return Properties(kind)  # type: ignore[no-untyped-call]
