"""Text for a person that can be said in another language: what it says in English, and the message it was made of.

A phrase is the English text, so that logs and the command line print it as it is; a page translates the message and
puts the values in (`web.translations.translate`). What is kept on the disk keeps neither: only messages without values
go there.
"""

from collections.abc import Mapping
from typing import Any, Self


def N_(message: str) -> str:
    """Mark a message for the catalogue; whoever knows the reader's language translates it."""
    return message


class Phrase(str):
    __slots__ = ("message", "values")
    message: str
    values: Mapping[str, str | int]

    def __new__(cls, message: str, values: Mapping[str, str | int]) -> Self:
        made = super().__new__(cls, message % values)
        made.message, made.values = message, values
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # nothing in it changes


def phrase(message: str, **values: str | int) -> Phrase:
    """`message` is marked (`N_`) and names its values: `%(port)d`."""
    return Phrase(message, values)
