"""One campaign in every form: the same people, in the form that it came in."""

import bz2
import codecs
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from support.builders import environ_of_list
from support.commands import run
from suppress import Rows

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


def parquet() -> bytes:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    out = io.BytesIO()
    pq.write_table(pa.table({"name": list(PEOPLE), "phone": list(PEOPLE.values())}), out)
    return out.getvalue()


def workbook() -> bytes:
    pytest.importorskip("python_calamine")
    out = io.BytesIO()
    with pytest.importorskip("xlsxwriter").Workbook(out, {"in_memory": True}) as book:
        for title in ("People", "Others"):
            sheet = book.add_worksheet(title)
            for place, cells in enumerate([("name", "phone"), *PEOPLE.items()]):
                sheet.write_row(place, 0, cells)
    return out.getvalue()


def numbers(path: Path) -> list[str]:
    with path.open("rb") as stream:
        return [row.number for row in Rows(stream, name=str(path))]


def test_parquet_works_as_text_does(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(parquet())
    words = ["--suppressed", "no", "--receipt", "receipt", "--decisions", "decisions", "--once"]
    filtered(environ, tmp_path, "in", "-o", "out.parquet", *words)
    assert numbers(tmp_path / "out.parquet") == [ANN, BOB]
    assert numbers(tmp_path / "no") == [LISTED]
    lines = (tmp_path / "decisions").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["1", ANN, "allowed"],
        ["2", LISTED, "suppressed"],
        ["3", BOB, "allowed"],
    ]
    done = run(["verify", "receipt", "in"], cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
    # From one pipe to another, and in place of the input.
    done = run(
        ["filter", "--channel", "sms", "--max-invalid", "0"],
        cwd=tmp_path,
        env=environ,
        stdin=parquet(),
    )
    assert done.stdout == (tmp_path / "out.parquet").read_bytes()
    filtered(environ, tmp_path, "in", "--in-place")
    assert (tmp_path / "in").read_bytes() == (tmp_path / "out.parquet").read_bytes()


def test_a_workbook_comes_out_as_csv_or_as_a_workbook(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "in.xlsx").write_bytes(workbook())
    words = ["--suppressed", "no.xlsx", "--receipt", "receipt"]
    filtered(environ, tmp_path, "in.xlsx", "-o", "out", *words)
    assert (tmp_path / "out").read_bytes() == f"name,phone\r\nx,{ANN}\r\nz,{BOB}\r\n".encode()
    assert numbers(tmp_path / "no.xlsx") == [LISTED]
    done = run(["verify", "receipt", "in.xlsx", "--sheet", "Others"], cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
    done = run(["filter", "in.xlsx", "--channel", "sms"], cwd=tmp_path, env=environ)
    assert b"Only the sheet 'People' was read, one of 2 with rows." in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--in-place"], "--in-place would remove something else from in.xlsx: its formats"),
        (["-o", "out.parquet"], "out.parquet would not be what its name says"),
        (["-o", "out", "--invalid", "no.json"], "no.json would not be what its name says"),
    ],
)
def test_an_output_that_cannot_have_the_form_is_refused(
    environ: dict[str, str], tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "in.xlsx").write_bytes(workbook())
    done = run(["filter", "in.xlsx", "--channel", "sms", *words], cwd=tmp_path, env=environ)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.decode().split())
    assert [each.name for each in tmp_path.iterdir()] == ["in.xlsx"]
