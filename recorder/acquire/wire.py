"""The bytes of the live bus and of commands: pure packing and unpacking, no socket, no clock.

Live bus, one multipart message each: ``[topic, header JSON, payload…]``; topics ``block/<stream_id>``, ``status``
and ``event``. Commands: ``[request JSON, binary…]`` → ``[reply JSON]``. Arrays travel little-endian, C order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from recorder import errors
from recorder.schema import Event, SampleBlock, StationStatus

BLOCK: Final = "block/"
STATUS: Final = "status"
EVENT: Final = "event"

DTYPES: Final = ("<i2", "<i4", "<i8", "<f4", "<f8")
"""Dtypes a block may have on the wire."""

_OPTIONAL_PARTS: Final = ("device_time_us", "row_t_host_ns")


class WireError(ValueError):
    """Bytes that are not one of our messages."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the live bus. ``bus_seq`` counts within its topic, so a hole is a lost message."""

    topic: str
    bus_seq: int
    t_host_ns: int
    item: SampleBlock | StationStatus | Event


@dataclass(frozen=True, slots=True)
class Request:
    """A command. A retry carries the same ``request_id`` and is carried out once."""

    request_id: str
    client: str
    verb: str
    args: dict[str, Any] = field(default_factory=dict, hash=False)
    frames: tuple[bytes, ...] = ()


# ---- blocks


def block_parts(block: SampleBlock) -> tuple[dict[str, Any], list[bytes]]:
    """A block as (header, binary frames)."""
    values = np.ascontiguousarray(block.values)
    dtype = values.dtype.newbyteorder("<").str
    if dtype not in DTYPES:
        raise WireError(f"block of {block.stream_id}: dtype {values.dtype} does not travel")
    header: dict[str, Any] = {
        "stream_id": block.stream_id,
        "first_sample_no": block.first_sample_no,
        "t_host_ns": block.t_host_ns,
        "era": block.era,
        "dtype": dtype,
        "shape": values.shape,
        "parts": [name for name in _OPTIONAL_PARTS if getattr(block, name) is not None],
    }
    frames = [values.astype(dtype, copy=False).tobytes()]
    frames += [np.asarray(getattr(block, name), "<i8").tobytes() for name in header["parts"]]
    return header, frames


def block_from_parts(header: dict[str, Any], frames: Sequence[bytes]) -> SampleBlock:
    """Inverse of :func:`block_parts`.

    Raises:
        WireError: the header or the frames are not a block.
    """
    try:
        parts = header["parts"]
        if header["dtype"] not in DTYPES or any(name not in _OPTIONAL_PARTS for name in parts):
            raise WireError(f"block header {header!r} has an unknown dtype or part")
        if len(frames) != 1 + len(parts):
            raise WireError(f"block of {header['stream_id']}: {len(frames)} frames, needs {1 + len(parts)}")
        values = np.frombuffer(frames[0], header["dtype"]).reshape([int(n) for n in header["shape"]])
        times = {name: np.frombuffer(f, "<i8") for name, f in zip(parts, frames[1:], strict=True)}
        return SampleBlock(
            str(header["stream_id"]),
            int(header["first_sample_no"]),
            values,
            int(header["t_host_ns"]),
            int(header["era"]),
            **times,
        )
    except WireError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"not a block: {error}") from None


def n_frames(header: dict[str, Any]) -> int:
    """Binary frames that belong to a block header."""
    return 1 + len(header.get("parts", ()))


def pack_blocks(blocks: Sequence[SampleBlock]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Blocks as (headers, all frames in order), the arguments of the verb ``derived``."""
    packed = [block_parts(block) for block in blocks]
    return [header for header, _ in packed], [frame for _, frames in packed for frame in frames]


def unpack_blocks(headers: Sequence[dict[str, Any]], frames: Sequence[bytes]) -> list[SampleBlock]:
    """Inverse of :func:`pack_blocks`.

    Raises:
        WireError: too few or too many frames, or a header that is none.
    """
    blocks, at = [], 0
    for header in headers:
        if not isinstance(header, dict):
            raise WireError("block header is not a JSON object")
        end = at + n_frames(header)
        blocks.append(block_from_parts(header, frames[at:end]))
        at = end
    if at != len(frames):
        raise WireError(f"{len(frames)} frames for {at} announced")
    return blocks


# ---- live bus


def pack_block(block: SampleBlock, bus_seq: int) -> list[bytes]:
    """A block as a message of the live bus."""
    header, frames = block_parts(block)
    header["bus_seq"] = bus_seq
    return [(BLOCK + block.stream_id).encode(), _dumps(header), *frames]


def pack_status(status: StationStatus, bus_seq: int) -> list[bytes]:
    """A status as a message of the live bus."""
    head = {"bus_seq": bus_seq, "t_host_ns": status.t_host_ns}
    return [STATUS.encode(), _dumps(head), _dumps(status.to_json())]


def pack_event(event: Event, bus_seq: int) -> list[bytes]:
    """An event as a message of the live bus."""
    head = {"bus_seq": bus_seq, "t_host_ns": event.t_host_ns}
    return [EVENT.encode(), _dumps(head), _dumps(event.to_json())]


def unpack(frames: Sequence[bytes]) -> Message:
    """A message of the live bus.

    Raises:
        WireError: it is none of ours.
    """
    try:
        topic, header = frames[0].decode(), _loads(frames[1])
        if topic.startswith(BLOCK):
            item: Any = block_from_parts(header, frames[2:])
        elif topic == STATUS:
            item = StationStatus.from_json(_loads(frames[2]))
        elif topic == EVENT:
            item = Event.from_json(_loads(frames[2]))
        else:
            raise WireError(f"topic {topic!r} is unknown")
        return Message(topic, int(header["bus_seq"]), int(header["t_host_ns"]), item)
    except WireError:
        raise
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise WireError(f"not a message of the live bus: {error}") from None


# ---- commands


def pack_request(request: Request) -> list[bytes]:
    """A request as frames."""
    body = {
        "id": request.request_id,
        "client": request.client,
        "verb": request.verb,
        "args": request.args,
    }
    return [_dumps(body), *request.frames]


def unpack_request(frames: Sequence[bytes]) -> Request:
    """Inverse of :func:`pack_request`.

    Raises:
        WireError: not a request.
    """
    try:
        body = _loads(frames[0])
        args = body.get("args", {})
        if not isinstance(args, dict):
            raise WireError("the arguments of a request are a JSON object")
        return Request(str(body["id"]), str(body["client"]), str(body["verb"]), args, tuple(frames[1:]))
    except WireError:
        raise
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise WireError(f"not a request: {error}") from None


def pack_result(request_id: str, result: dict[str, Any]) -> bytes:
    """The reply of a command that was carried out."""
    return _dumps({"id": request_id, "ok": True, "result": result})


def pack_error(request_id: str, error: errors.RecorderError) -> bytes:
    """The reply of a command that was refused."""
    body = {"type": type(error).__name__, "message": str(error), "advice": error.advice}
    return _dumps({"id": request_id, "ok": False, "error": body})


def reply_id(frame: bytes) -> str:
    """Which request a reply answers.

    Raises:
        WireError: not a reply.
    """
    return str(_loads(frame).get("id", ""))


def unpack_reply(frame: bytes) -> dict[str, Any]:
    """The result of a command.

    Raises:
        WireError: not a reply.
        RecorderError: the type the recorder raised, with its message.
    """
    reply = _loads(frame)
    if reply.get("ok") is True and isinstance(reply.get("result"), dict):
        return dict(reply["result"])
    error = reply.get("error")
    if not isinstance(error, dict):
        raise WireError("not a reply")
    raise _error_from(str(error.get("type")), str(error.get("message")), str(error.get("advice")))


def _error_from(name: str, message: str, advice: str) -> errors.RecorderError:
    kind: Any = getattr(errors, name, None)
    if kind is errors.NotReadyErrors:  # its parts stay behind; the message names them all
        kind = errors.DeviceError
    if not (isinstance(kind, type) and issubclass(kind, errors.RecorderError)):
        kind = errors.RecorderError
    made: errors.RecorderError = kind(message, advice=advice)
    return made


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    """numpy scalars and tuples that crept into plain values."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} does not travel as JSON")


def _loads(frame: bytes) -> dict[str, Any]:
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise WireError("not a JSON object")
    return value
