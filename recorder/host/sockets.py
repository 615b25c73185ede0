"""A client's socket: CURVE, loopback, gone at once when closed."""

from __future__ import annotations

import zmq

from recorder.host.connection import Connection


def open_socket(
    context: zmq.Context[zmq.Socket[bytes]], kind: int, connection: Connection, port: int
) -> zmq.Socket[bytes]:
    """Connect to ``port`` of the recorder with the keys of the connection file."""
    socket = context.socket(kind)
    socket.linger = 0
    socket.curve_serverkey = connection.server_public.encode()
    socket.curve_publickey = connection.client_public.encode()
    socket.curve_secretkey = connection.client_secret.encode()
    socket.connect(f"tcp://127.0.0.1:{port}")
    return socket
