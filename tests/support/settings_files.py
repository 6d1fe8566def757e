"""Settings files for tests."""

from pathlib import Path
from typing import Any

from suppress import Settings, config_folder


def load(file: str = "", environ: dict[str, str] | None = None, **arguments: Any) -> Settings:
    """Load settings from a file in the working directory, an environment and arguments."""
    path = Path("settings.toml")
    path.write_text("[suppress]\n" + file)
    return Settings.load(path, environ=environ or {}, **arguments)


def of_user(file: str) -> Path:
    """The user's own settings file."""
    folder = config_folder()
    assert folder is not None
    folder.mkdir(parents=True)
    (folder / "suppress.toml").write_text(f"[suppress]\n{file}\n")
    return folder / "suppress.toml"
