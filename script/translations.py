"""The catalogues: `update` brings them up to date with the source, `check` says what is missing.

There are two, the server's and the Authenticator's. The template is `locale/<domain>.pot`; each language has
`locale/<tag>/LC_MESSAGES/<domain>.po`. No dates and no line numbers are written: a catalogue changes when a message
does.
"""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from ostiary.authenticator.app.assembly import protection_in_words  # noqa: E402
from ostiary.authenticator.app.errors import WORDS  # noqa: E402
from ostiary.authenticator.app.web import translations as app  # noqa: E402
from ostiary.authenticator.keys.sealing import Protection  # noqa: E402
from ostiary.web import translations as server  # noqa: E402

SOURCES: Final = ROOT / "src" / "ostiary"
SAID_BY_THE_SERVICE: Final = (
    *(text for words in WORDS.values() for text in words),
    *(protection_in_words(protection) for protection in Protection),
)
AUTHENTICATOR: Final = SOURCES / "authenticator"
KEYWORDS: Final[dict[str, tuple[int, ...] | None]] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
METHODS: Final = {".py": "python", ".html": "jinja2"}
CHURN: Final = re.compile(rb'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator): .*\n', re.MULTILINE)
PLACEHOLDER: Final = re.compile(r"%\((\w+)\)[sd]")
TAG: Final = re.compile(r"</?\w+")
WIDTH: Final = 120


@dataclass(frozen=True, slots=True)
class Kept:
    """One domain: the files its messages are in, and where its catalogues are. `also` are messages that stand in tables
    of the source, where nothing marks them."""

    domain: str
    locale: Path
    tags: tuple[str, ...]
    sources: tuple[Path, ...]
    also: tuple[str, ...] = ()

    @property
    def template(self) -> Path:
        return self.locale / f"{self.domain}.pot"

    def path(self, tag: str) -> Path:
        return self.locale / tag / "LC_MESSAGES" / f"{self.domain}.po"


def kept() -> tuple[Kept, Kept]:
    files = [path for path in sorted(SOURCES.rglob("*")) if path.suffix in METHODS]
    return (
        Kept(
            server.DOMAIN,
            server.LOCALE,
            tuple(language.tag for language in server.LANGUAGES if language.tag != server.SOURCE),
            tuple(path for path in files if AUTHENTICATOR not in path.parents),
        ),
        Kept(
            app.DOMAIN,
            app.LOCALE,
            tuple(tag for tag in app.LANGUAGES if tag != app.SOURCE),
            tuple(path for path in files if AUTHENTICATOR in path.parents),
            tuple(dict.fromkeys(text for text in SAID_BY_THE_SERVICE if text)),
        ),
    )


def update() -> int:
    for one in kept():
        template = extract(one.sources, one.also)
        one.template.parent.mkdir(parents=True, exist_ok=True)
        one.template.write_bytes(written(template))
        for tag in one.tags:
            path = one.path(tag)
            catalogue = read(path, tag, one.domain)
            catalogue.update(template, no_fuzzy_matching=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(catalogue))
            open_messages = sum(1 for message in catalogue if message.id and not is_translated(message))
            print(f"{one.domain}, {tag}: {len(catalogue)} messages, {open_messages} to translate")
    return 0


def check() -> int:
    findings = []
    for one in kept():
        template = extract(one.sources, one.also)
        findings += [
            f"{one.domain}, {tag}: {finding}"
            for tag in one.tags
            for finding in compare(template, read(one.path(tag), tag, one.domain))
        ]
        if not one.template.exists() or one.template.read_bytes() != written(template):
            findings.append(f"{one.template.relative_to(ROOT)} is not what the source says: run `make translations`")
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


def compare(template: Catalog, catalogue: Catalog) -> Iterator[str]:
    """What is wrong with a language's catalogue, message by message."""
    for wanted in template:
        if not wanted.id:
            continue
        message = catalogue.get(wanted.id, wanted.context)
        if message is None:
            yield f"missing: {shown(wanted)}"
        elif not is_translated(message):
            yield f"not translated: {shown(wanted)}"
        elif message.fuzzy:
            yield f"fuzzy: {shown(wanted)}"
        else:
            yield from (f"{fault}: {shown(wanted)}" for fault in faults(message))
    for message in catalogue:
        if message.id and template.get(message.id, message.context) is None:
            yield f"no longer used: {shown(message)}"
    yield from (f"no longer used: {shown(message)}" for message in catalogue.obsolete.values())


def faults(message: Message) -> Iterator[str]:
    """Placeholders and tags must survive translation. A plural form may leave out the number it stands for."""
    originals = texts(message.id)
    allowed = {name for text in originals for name in PLACEHOLDER.findall(text)}
    needed = set(allowed) if len(originals) == 1 else allowed - {"num", "count"}
    tags = sorted(TAG.findall(originals[-1]))
    for text in texts(message.string):
        names = set(PLACEHOLDER.findall(text))
        if not needed <= names <= allowed or "%" in PLACEHOLDER.sub("", text).replace("%%", ""):
            yield "placeholders differ"
        elif sorted(TAG.findall(text)) != tags:
            yield "tags differ"


def extract(sources: Iterable[Path], also: Iterable[str]) -> Catalog:
    catalogue = Catalog(project="Ostiary", header_comment="# Messages of Ostiary.", fuzzy=False)
    for path in sources:
        method = METHODS[path.suffix]
        name = path.relative_to(ROOT).as_posix()
        options = {"trimmed": "true", "newstyle_gettext": "true"} if method == "jinja2" else {}
        for _line, message, comments, context in extract_from_file(method, path, KEYWORDS, ("Translators:",), options):
            catalogue.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    for message in also:
        catalogue.add(message)
    return catalogue


def written(catalogue: Catalog) -> bytes:
    target = io.BytesIO()
    write_po(target, catalogue, width=WIDTH, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    return CHURN.sub(b"", target.getvalue())


def read(path: Path, tag: str, domain: str) -> Catalog:
    if not path.exists():
        return Catalog(
            locale=tag, domain=domain, project="Ostiary", header_comment="# Messages of Ostiary.", fuzzy=False
        )
    with path.open("rb") as source:
        return read_po(source, locale=tag, domain=domain)


def is_translated(message: Message) -> bool:
    return bool(message.string) and all(texts(message.string))


def texts(text: object) -> list[str]:
    return [text] if isinstance(text, str) else list(text) if isinstance(text, list | tuple) else []


def shown(message: Message) -> str:
    return repr(texts(message.id)[0])


if __name__ == "__main__":
    COMMANDS = {"update": update, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit("usage: translations.py update|check")
    sys.exit(COMMANDS[sys.argv[1]]())
