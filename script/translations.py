"""The catalogues: `update` brings them up to date with the source, `check` says what is missing.

The template is `locale/ostiary.pot`; each language has `locale/<tag>/LC_MESSAGES/ostiary.po`. No dates and no line
numbers are written: a catalogue changes when a message does.
"""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from ostiary.web.translations import DOMAIN, LANGUAGES, LOCALE, SOURCE, catalogue_path  # noqa: E402

SOURCES: Final = ROOT / "src" / "ostiary"
TEMPLATE: Final = LOCALE / f"{DOMAIN}.pot"
KEYWORDS: Final[dict[str, tuple[int, ...] | None]] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
METHODS: Final = {".py": "python", ".html": "jinja2"}
CHURN: Final = re.compile(rb'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator): .*\n', re.MULTILINE)
PLACEHOLDER: Final = re.compile(r"%\((\w+)\)[sd]")
TAG: Final = re.compile(r"</?\w+")
WIDTH: Final = 120


def update() -> int:
    template = extract()
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_bytes(written(template))
    for tag in targets():
        path = catalogue_path(tag)
        catalogue = read(path, tag)
        catalogue.update(template, no_fuzzy_matching=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalogue))
        open_messages = sum(1 for message in catalogue if message.id and not is_translated(message))
        print(f"{tag}: {len(catalogue)} messages, {open_messages} to translate")
    return 0


def check() -> int:
    template = extract()
    findings = [
        f"{tag}: {finding}" for tag in targets() for finding in compare(template, read(catalogue_path(tag), tag))
    ]
    if not TEMPLATE.exists() or TEMPLATE.read_bytes() != written(template):
        findings.append(f"{TEMPLATE.relative_to(ROOT)} is not what the source says: run `make translations`")
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


def extract() -> Catalog:
    catalogue = Catalog(project="Ostiary", header_comment="# Messages of Ostiary.", fuzzy=False)
    for path in sorted(SOURCES.rglob("*")):
        method = METHODS.get(path.suffix)
        if method is None:
            continue
        name = path.relative_to(ROOT).as_posix()
        options = {"trimmed": "true", "newstyle_gettext": "true"} if method == "jinja2" else {}
        for _line, message, comments, context in extract_from_file(method, path, KEYWORDS, ("Translators:",), options):
            catalogue.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalogue


def written(catalogue: Catalog) -> bytes:
    target = io.BytesIO()
    write_po(target, catalogue, width=WIDTH, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    return CHURN.sub(b"", target.getvalue())


def read(path: Path, tag: str) -> Catalog:
    if not path.exists():
        return Catalog(
            locale=tag, domain=DOMAIN, project="Ostiary", header_comment="# Messages of Ostiary.", fuzzy=False
        )
    with path.open("rb") as source:
        return read_po(source, locale=tag, domain=DOMAIN)


def targets() -> list[str]:
    return [language.tag for language in LANGUAGES if language.tag != SOURCE]


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
