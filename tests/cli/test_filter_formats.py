"""One campaign in every form: the same people, in the form that it came in."""

import bz2
import codecs
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from support.builders import environ_of_list
from support.commands import run

LISTED, ANN, BOB = "+14155552671", "+14155552672", "+442079460958"
TABLE = "name,phone\r\n{0},+14155552672\r\n\u00e9,+14155552671\r\n{0},+442079460958\r\n"
PEOPLE = {"x": ANN, "y": LISTED, "z": BOB}
OBJECTS = [{"name": name, "phone": phone} for name, phone in PEOPLE.items()]


def without_listed(content: str) -> str:
    return "".join(line for line in content.splitlines(keepends=True) if LISTED not in line)


TABLES = {
    "a.csv": TABLE,
    "semicolons.csv": "sep=;\r\n" + TABLE.replace(",", ";"),
    "tabs.csv": TABLE.replace(",", "\t"),
    "a.tsv": TABLE.replace(",", "\t"),
    "quoted.csv": TABLE.replace("{0}", '"a, ""b""\r\nc"'),
    "a.txt": f"{ANN}\n{LISTED}\n{BOB}",
    "a.jsonl": "".join(json.dumps(each) + "\n" for each in OBJECTS),
}
FORMS: dict[str, tuple[bytes, bytes]] = {
    **{name: (text.encode(), without_listed(text).encode()) for name, text in TABLES.items()},
    "utf-16.csv": (
        codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le"),
        codecs.BOM_UTF16_LE + without_listed(TABLE).encode("utf-16-le"),
    ),
    "a.json": (
        json.dumps(OBJECTS, indent=2).encode(),
        json.dumps([OBJECTS[0], OBJECTS[2]], indent=2).encode(),
    ),
}
COMPRESSIONS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    ".gz": (gzip.compress, gzip.decompress),
    ".bz2": (bz2.compress, bz2.decompress),
    ".xz": (lzma.compress, lzma.decompress),
}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environ_of_list(tmp_path_factory.mktemp("list"), f"{LISTED}\n".encode())


def filtered(environ: dict[str, str], folder: Path, *words: str) -> None:
    done = run(["filter", "--channel", "sms", *words], cwd=folder, env=environ)
    assert done.returncode == 0, done.stderr
    assert b"3 recipients: 2 allowed, 1 suppressed, 0 invalid." in done.stderr


@pytest.mark.parametrize("name", FORMS)
def test_every_form(environ: dict[str, str], tmp_path: Path, name: str) -> None:
    content, expected = FORMS[name]
    (tmp_path / name).write_bytes(content)
    filtered(environ, tmp_path, name, "-o", "out", "--suppressed", "no")
    assert (tmp_path / "out").read_bytes() == expected
    assert (tmp_path / "no").read_bytes() != b""


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.slow
def test_compressed(environ: dict[str, str], tmp_path: Path, compression: str) -> None:
    """The input is told by its bytes, the output by its name, and a file replaced by both."""
    compress, decompress = COMPRESSIONS[compression]
    content, expected = FORMS["a.csv"]
    (tmp_path / "in").write_bytes(compress(content))
    filtered(environ, tmp_path, "in", "-o", "out", "--suppressed", f"no{compression}")
    assert (tmp_path / "out").read_bytes() == expected
    assert LISTED.encode() in decompress((tmp_path / f"no{compression}").read_bytes())
    words = ["in", "-o", f"held{compression}", "--max-invalid", "0"]
    filtered(environ, tmp_path, *words)
    assert decompress((tmp_path / f"held{compression}").read_bytes()) == expected
    filtered(environ, tmp_path, "in", "--in-place")
    assert decompress((tmp_path / "in").read_bytes()) == expected


def test_without_a_header(environ: dict[str, str], tmp_path: Path) -> None:
    content = f"x,{ANN}\ny,{LISTED}\nz,{BOB}\n"
    (tmp_path / "in.csv").write_text(content)
    words = ["in.csv", "--no-header", "--column", "2", "--receipt", "receipt"]
    filtered(environ, tmp_path, *words, "-o", "out")
    assert (tmp_path / "out").read_text() == without_listed(content)
    done = run(["verify", "receipt", "in.csv", "--no-header"], cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
