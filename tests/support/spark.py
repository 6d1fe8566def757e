"""The needs of tests that start Spark."""

import importlib.util
import os
import re
import shutil
import subprocess

import pytest

OLDEST_JAVA = 17

MARKS = [
    # A cluster takes its time to start, and to notice that an executor is gone.
    pytest.mark.timeout(300),
    # Spark warns of a pandas that is newer than it knows.
    pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning"),
    # Its connections to Java are closed by the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def missing_for_spark() -> str | None:
    """Return what is missing here to start Spark; None for nothing."""
    if importlib.util.find_spec("pyspark") is None:
        return "the extra spark is not installed"
    return None if _java() >= OLDEST_JAVA else f"Spark needs Java {OLDEST_JAVA} or later"


def _java() -> int:
    """Return the version of Java that Spark would start; 0 for none."""
    home = os.environ.get("JAVA_HOME")
    command = shutil.which("java", path=f"{home}/bin" if home else None)
    if command is None:
        return 0
    done = subprocess.run([command, "-version"], capture_output=True, text=True, check=True)
    found = re.search(r'version "(\d+)', done.stderr)
    return 0 if found is None else int(found[1])
