"""What the three scripts share: the split, offsets as JavaScript counts them, and the way a row is written."""

import hashlib
import json
import pathlib
import unicodedata

FOLDER = pathlib.Path(__file__).resolve().parent.parent


def split_of(text):
    """"held" rows are never looked at by whoever writes detectors. By hash, so that no one chooses."""
    return "dev" if hashlib.sha256(text.encode("utf-8")).digest()[0] % 2 == 0 else "held"


def utf16(text):
    """Length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2


def visible(line):
    """Invisible characters as escapes, so that a person sees them in a diff; all others as they are."""

    def escaped(char):
        unseen = unicodedata.category(char) in ("Cf", "Co", "Zl", "Zp") or char == "\u00a0"
        selector = 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF
        if not unseen and not selector:
            return char
        units = char.encode("utf-16-be")
        return "".join("\\u%04x" % int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))

    return "".join(escaped(char) for char in line)


def write(name, rows):
    """Sorted by hash of the text, so that a change of one row is a change of one line. Texts met twice are kept once."""
    unique = {row["text"]: row for row in reversed(rows)}
    ordered = sorted(unique.values(), key=lambda row: hashlib.sha256(row["text"].encode("utf-8")).hexdigest())
    lines = [visible(json.dumps(row, ensure_ascii=False, separators=(",", ":"))) for row in ordered]
    (FOLDER / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(name, len(ordered), "rows", (FOLDER / name).stat().st_size, "bytes")
