"""Bodies of the routes of this room: strict, bounded, and without what no name or comment needs."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from hemoview.cloud.principals import Role

_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Control characters, half surrogates, and those that turn the direction of what follows them."""


def _visible(text: str) -> str:
    if _UNSEEN.search(text):
        raise ValueError("holds characters that cannot be seen")
    return text


SEEN: Final = AfterValidator(_visible)
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), SEEN]
LoginName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[\w.@-]{2,64}$"),
    Field(description="letters, digits and . _ @ -; small and capital letters are the same"),
]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256), SEEN]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=255), SEEN]


class Body(BaseModel):
    """Unknown members are refused, so that a misspelt one is not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SignIn(Body):
    """Name and password."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), SEEN]
    password: Secret


class NewPassword(Body):
    """The old one proves that it is not somebody who found the screen open."""

    old: Secret
    new: Secret


class NewUser(Body):
    """An account. Without ``one_time_password`` it is for the identity provider alone."""

    name: LoginName
    display: Label
    one_time_password: bool = True


class UserChange(Body):
    """What is left out stays."""

    name: LoginName | None = None
    display: Label | None = None
    disabled: bool | None = None
    oidc_subject: Subject | None = None


class NewGrant(Body):
    """A role for the account ``name``; no ward, no study: in all."""

    name: LoginName
    role: Role
    ward_id: Id | None = None
    study_id: Id | None = None


class NewKiosk(Body):
    """Turns the browser it is sent from into the screen of a ward."""

    ward_id: Id
    display: Label


class DeviceChange(Body):
    """What is left out stays."""

    name: Label | None = None
    bed_id: Id | None = None
