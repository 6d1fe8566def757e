"""The plugin for an in-house list of people who must not be contacted, kept in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import suppress

NAME = "file"


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """The table `[suppress.file]`; each is also `SUPPRESS_FILE_` and its name.

    Attributes:
        path: the file: text with a number a line, CSV or TSV with a header, or JSON lines.
        column: the column or key of the number, or several of them; None for the only one,
            else for the one that holds numbers by its name and its first cells.
        channels: the channels on which its people must not be messaged.
        format: `text`, `csv`, `tsv` or `jsonl`; None to tell by the file's name and first line.
        default_region: ISO 3166 region of numbers in national form, or `international`; None
            for the setting of suppress.
    """

    path: Path
    column: str | tuple[str, ...] | None = None
    channels: tuple[str, ...] = ("sms", "viber")
    format: str | None = None
    default_region: str | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in suppress.Rows.FORMATS:
            raise suppress.ConfigurationError(
                "SUPPRESS_FILE_FORMAT (`format` in the table [suppress.file]) has to be one of "
                f"{', '.join(suppress.Rows.FORMATS)}."
            )


class FileSource:
    """Reads a list from a file, anew each time. A row that cannot be read fails the load."""

    name = NAME
    strict = True

    def __init__(self, settings: FileSettings, default_region: str | None) -> None:
        self.channels = settings.channels
        named = settings.column or ()
        self._columns = (named,) if isinstance(named, str) else named
        # One column is in it as ever, so that a snapshot from before is still used.
        columns = self._columns if len(self._columns) > 1 else "".join(self._columns) or None
        self.identity = f"{settings.path.absolute()} {columns} {settings.format} {default_region}"
        self.region = default_region
        self._settings = settings

    def load(
        self, channels: frozenset[str], progress: suppress.Progress
    ) -> Iterator[suppress.Entries]:
        """The file's rows, each for all of the channels.

        Raises:
            SourceError: the file or one of its rows cannot be read.
        """
        path = self._settings.path
        try:
            with path.open("rb") as stream:
                rows = suppress.Rows(
                    stream,
                    name=str(path),
                    format=self._settings.format,
                    columns=self._columns,
                    default_region=self.region,
                )
                count = 0
                for batch in rows.batches():
                    yield suppress.Entries(
                        numbers=batch.numbers,
                        channels=channels,
                        ids=batch.lines,
                        id_word="line",
                        place=str(path),
                    )
                    count += len(batch.numbers)
                    progress(count, None)
                if not count and not rows.header:
                    raise suppress.SourceError(
                        f"{path} is empty. If nobody is on the list, leave a header in it, "
                        "or take the source out of the settings."
                    )
                progress(count, count)
        except OSError as error:
            raise suppress.SourceError(f"{path} cannot be read: {error.strerror}.") from error
        except suppress.InputError as error:
            raise suppress.SourceError(str(error)) from error


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> suppress.Source | None:
    """The list in the file, when a path is set."""
    own = settings.section(NAME, FileSettings)
    if own is None:
        if NAME in (settings.sources or ()):
            raise suppress.ConfigurationError(
                "SUPPRESS_FILE_PATH (`path` in the table [suppress.file]) is missing."
            )
        return None
    suppress.warn_if_others_write(own.path, "list")
    if own.default_region is not None:
        return FileSource(own, suppress.known_region(own.default_region))
    return FileSource(own, settings.default_region)
