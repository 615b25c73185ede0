"""A command line that says what was mistyped, what it may have been, and where help stands."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

STATION = "bed-1"
"""The station of a computer that has one: window, recorder and commands mean the same where none is named."""

_NO_CHOICE = re.compile(
    r"^argument (?P<what>.+?): invalid choice: '(?P<word>.*?)' \(choose from (?P<all>.+)\)$"
)


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know in its own name; commands below it are of this class as well."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse, but a word that is no option of this command is refused here, and before what is missing."""
        if isinstance(args, Sequence) and not any(
            isinstance(a, argparse._SubParsersAction) for a in self._actions
        ):
            for word in args:
                name = word.split("=", 1)[0]
                if name == "--":
                    break
                if name.startswith("--") and " " not in name and not self._may_be(name):
                    self._refuse_option(name)
        known, extra = super().parse_known_args(args, namespace)
        for word in extra:
            if word.startswith("-"):
                self._refuse_option(word.split("=", 1)[0])
            self.error(f"{word}: nothing is expected here")
        return known, extra

    def error(self, message: str) -> NoReturn:
        """Usage, what is wrong, and where to read on; exit status 2."""
        if found := _NO_CHOICE.match(message):
            choices = re.findall(r"'([^']*)'", found["all"])
            what = "command" if found["what"].isupper() else found["what"]
            message = f"'{found['word']}' is no {what}{_meant(found['word'], choices)}"
        if message.startswith("the following arguments are required:"):
            message += self._choices_of(message)
        super().error(f"{message}\nread on: {self.prog} --help")

    def _may_be(self, name: str) -> bool:
        return any(option.startswith(name) for option in self._option_string_actions)

    def _refuse_option(self, name: str) -> NoReturn:
        self.error(f"there is no option {name}{_meant(name, self._option_string_actions)}")

    def _choices_of(self, message: str) -> str:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction) and message.endswith(f" {action.metavar}"):
                return f", one of {', '.join(action.choices)}"
        return ""


def _meant(word: str, known: Iterable[str]) -> str:
    known = list(known)
    if near := difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return f"; did you mean {near[0]}?"
    return "" if word.startswith("-") else f"; there is {', '.join(known)}"
