"""`suppress reset-opt-outs`: a record that is gone, and one that is back."""

from pathlib import Path

from support.command_line import ANN, BOB, Typed, refuses


def test_a_record_that_is_gone(typed: Typed) -> None:
    assert typed("add", ANN, "--channel", "sms").returncode == 0
    Path("store/opt-outs.sqlite3").rename("backup")
    for command in ("check", ANN, "--channel", "sms"), ("status",):
        refuses(typed(*command), 3, "but opt-outs were made here.*suppress reset-opt-outs")
    refuses(typed("add", BOB, "--channel", "sms"), 5, "but opt-outs were made here")
    refuses(typed("reset-opt-outs"), 2, "Nothing was done.*add --yes")
    assert typed("check", ANN, "--channel", "sms").returncode == 3
    assert (
        typed("reset-opt-outs", "--yes").stdout
        == f"Opt-outs start over in {Path('store').absolute()}. Restart all running processes.\n"
    )
    assert typed("status").returncode == 0
    assert "Nothing to do: no record is missing" in typed("reset-opt-outs", "--yes").stdout
    Path("backup").rename("store/opt-outs.sqlite3")
    assert typed("check", ANN, "--channel", "sms").returncode == 1, "it is in force as before"
