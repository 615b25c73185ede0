"""For ``paho``: it leaves a connection whose handshake failed to the garbage collector."""

from __future__ import annotations

import ssl


class TidySocket(ssl.SSLSocket):
    """Closed where the handshake fails; for ``SSLContext.sslsocket_class``."""

    def do_handshake(self, block: bool = False) -> None:
        """As every SSL socket, but closed when it raises."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise
