"""Data keys of sessions, and how each was first announced: owner-only files at home, apart from the sessions.

No system keyring is used: on a machine without a desktop there is none, and a silent fallback would be worse than this
declared file (decision 0040).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from recorder.errors import SyncError, WireError
from recorder.session.files import make_folder, storage_errors, write_new
from recorder.sync import custody, wire
from recorder.sync.canonical import as_bytes, read_json


class Vault:
    """Data keys by session.

    Args:
        folder: made where it is missing, owner-only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def key_of(self, session_id: str) -> bytes:
        """The data key of a session, made when it is first asked for; on disk when this returns.

        Raises:
            SyncError: the file is not a key.
            StorageError: the folder is not writable.
        """
        path = self._folder / f"{session_id}.key"
        text = self._kept(path, lambda: custody.new_data_key().hex().encode())
        try:
            key = bytes.fromhex(text.decode("ascii", errors="replace").strip())
        except ValueError:
            key = b""
        if len(key) != custody.KEY_BYTES:
            raise SyncError(f"{path}: is no data key; put it back from a backup of this folder")
        return key

    def opening_of(
        self, server_id: str, session_id: str, make: Callable[[], wire.SessionOpening]
    ) -> wire.SessionOpening:
        """How a session is announced to a service: as it was the first time, for ever.

        A wrapped key is another text each time, and what is known of a session changes; the service takes one opening.

        Raises:
            SyncError: the file is none.
            StorageError: the folder is not writable.
        """
        path = self._folder / f"{session_id}.{server_id}.json"
        try:
            return wire.SessionOpening.from_json(read_json(self._kept(path, lambda: as_bytes(make()))))
        except WireError as error:
            raise SyncError(f"{path}: cannot be used ({error}); put it back from a backup") from error

    def was_announced(self, server_id: str, session_id: str) -> bool:
        """The session was once announced to that service, or was about to be."""
        return (self._folder / f"{session_id}.{server_id}.json").is_file()

    def forget(self, session_id: str) -> None:
        """Its session was erased: without the key what is left of it anywhere here is noise."""
        for path in self._folder.glob(f"{session_id}.*"):
            path.unlink(missing_ok=True)

    def _kept(self, path: Path, make: Callable[[], bytes]) -> bytes:
        """What is in a file, made once. Two processes may want the same one: the first file wins."""
        # making it may ask the service, whose failures are none of the disk
        content = b"" if path.exists() else make()
        with storage_errors(self._folder, "keeping a data key"):
            if content:
                make_folder(self._folder)
                write_new(path, content)
            return path.read_bytes()
