"""How an S3 store is reached: what the settings say of it, and the key that opens it."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from recorder.errors import ConfigError
from recorder.transports.tcp import is_loopback

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*|")
_FORM: Final = "s3://BUCKET or s3://BUCKET/PREFIX is wanted, such as s3://hemoview/ward-a"
_SIGNS: Final = (
    *("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
"""One of these gives a key; AWS's own machines have one without."""
REGION: Final = "us-east-1"
"""What a store of one's own is content with unless it was told otherwise."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a store: ``bucket``, and all names begin with ``prefix`` (empty, or without a slash at either end)."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Read ``s3://BUCKET/PREFIX``.

        Raises:
            ConfigError: it is none. What was given is not repeated: it may hold a key.
        """
        parts = urlsplit(url)
        prefix = parts.path.strip("/")
        if "@" in parts.netloc:
            raise ConfigError(f"blobs_url holds a key; it belongs into blobs_credentials_file, and {_FORM}")
        named = _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(prefix) and not parts.query
        if not named or ".." in prefix.split("/") or "." in prefix.split("/"):
            raise ConfigError(f"blobs_url: {_FORM}")
        return cls(parts.netloc, prefix)


@dataclass(frozen=True, slots=True)
class Key:
    """What a request is signed with."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Access:
    """To an S3 store.

    Args:
        endpoint: its address; empty = AWS.
        region: empty = that of the ``AWS_…`` environment, or :data:`REGION` where there is an endpoint.
        credentials_file: as AWS's own programs have it, profile ``default``; None = the ``AWS_…`` environment.
        ca: PEM file of the authority that vouches for the store, where that is none of the system's.
    """

    endpoint: str = ""
    region: str = ""
    credentials_file: Path | None = None
    ca: Path | None = None

    @property
    def is_given(self) -> bool:
        """Something is said of a store."""
        return bool(self.endpoint or self.region or self.credentials_file or self.ca)

    @property
    def is_open(self) -> bool:
        """Without TLS."""
        return self.endpoint.startswith("http://")

    def check(self, url: str, env: Mapping[str, str] = os.environ) -> None:
        """Refuse what is unsafe or cannot be, as far as that shows without asking the store.

        Raises:
            ConfigError: says which setting and what to do.
        """
        if not url.startswith("s3:"):
            if self.is_given:
                raise ConfigError("blobs_endpoint, blobs_region, blobs_credentials_file and blobs_ca go with "
                                  "blobs_url = \"s3://BUCKET\"")  # fmt: skip
            return
        Place.of(url)
        self._check_endpoint()
        if not (self.endpoint or self.region or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")):
            raise ConfigError("blobs_region: name the region of the bucket, such as eu-central-1")
        if self.ca and not self.ca.is_file():
            raise ConfigError(f"{self.ca}: no such file; check blobs_ca")
        if self.credentials_file:
            self.key()
        elif self.endpoint and not any(env.get(name) for name in _SIGNS):
            raise ConfigError(f"blobs_credentials_file: name the file with the key of {self.endpoint}")

    def _check_endpoint(self) -> None:
        if not self.endpoint:
            return
        parts = urlsplit(self.endpoint)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
            raise ConfigError("blobs_endpoint: https://HOST or https://HOST:PORT is wanted")
        if self.is_open and not is_loopback(parts.hostname):
            raise ConfigError(
                f"blobs_endpoint {self.endpoint}: everybody on the way could read which blobs come and go, and "
                "change the answers; an address that begins with https:// is wanted (blobs_ca names its authority)"
            )

    def key(self) -> Key:
        """Of the file, read anew each time: a key that is changed there counts within minutes.

        Raises:
            ConfigError: the file cannot be read, or holds none.
        """
        assert self.credentials_file is not None
        form = "[default], aws_access_key_id = …, aws_secret_access_key = …, a line each"
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(self.credentials_file.read_text("utf-8"))
            told = parser["default"]
            return Key(
                told["aws_access_key_id"], told["aws_secret_access_key"], told.get("aws_session_token")
            )
        except OSError as error:
            raise ConfigError(
                f"{self.credentials_file}: cannot be read ({error.strerror}); check blobs_credentials_file"
            ) from None
        except (UnicodeDecodeError, configparser.Error, KeyError):  # what it holds is not repeated
            raise ConfigError(f"{self.credentials_file}: is no file of credentials; wanted: {form}") from None
