"""`suppress remove`: an opt-out is taken back, and the answer says who is still suppressed."""

import json
import shutil
from pathlib import Path

from support.command_line import Typed


def test_another_opt_out_that_may_mean_the_number(typed: Typed) -> None:
    assert typed("add", "+201001234567", "--channel", "sms").returncode == 0
    done = typed("remove", "201001234567", "--default-region", "DE", "--channel", "sms")
    assert (
        "+49201001234567 is still suppressed by another opt-out that may mean the same number"
        in done.stdout
    )
    assert typed("check", "+201001234567", "--channel", "sms").returncode == 1


def test_opt_outs_without_a_number(typed: Typed) -> None:
    """Of the version that kept them as its parser had made them."""
    Path("store").mkdir()
    record = Path(__file__).parents[1] / "data" / "opt-outs-of-version-1.sqlite3"
    shutil.copy(record, "store/opt-outs.sqlite3")
    masked = ["+358***************67", "+442***********67"]
    done = typed("status")
    assert "2 opt-outs have no possible number. Take each back with `suppress remove`" in (
        done.stdout
    )
    assert done.stdout.split()[-2:] == masked
    assert json.loads(typed("status", "--json").stdout)["unread"] == masked
    assert typed("remove", masked[0], "+4420794601237867", "--channel", "sms").returncode == 0
    assert json.loads(typed("status", "--json").stdout)["unread"] == []
    assert "no possible number" not in typed("status").stdout
