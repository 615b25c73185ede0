"""Words about the person in the bed: who it is, what was consented to, corrections, discarding."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    # questions before Start
    "answer-is-pseudonym": "“{pseudonym}” is a pseudonym all the same",
    "answer-same-person": "I have checked: it is the same person, and what is entered now is right",
    "known-other-sex": "{pseudonym} was recorded before as {then}; now it says {now}.",
    "known-other-age": "{pseudonym} was recorded before at {then} years; now it says {now}.",
    "known-other-height": "{pseudonym} was recorded before with {then} cm; now it says {now} cm.",
}

CHINESE: Final[dict[str, str]] = {
    "answer-is-pseudonym": "“{pseudonym}”确实是代号",
    "answer-same-person": "已核对：是同一人，现在填写的内容正确",
    "known-other-sex": "{pseudonym} 以前记录的性别是{then}，现在填写的是{now}。",
    "known-other-age": "{pseudonym} 以前记录的年龄是 {then} 岁，现在填写的是 {now} 岁。",
    "known-other-height": "{pseudonym} 以前记录的身高是 {then} 厘米，现在填写的是 {now} 厘米。",
}
