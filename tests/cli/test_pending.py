"""Opt-outs that wait for a provider, as commands tell of them."""

import json
import re

from support.command_line import ANN, BOB, ROWS, Typed, listed, port_of
from suppress_bsg.sandbox import Sandbox


def test_what_waits(typed: Typed, provider: Sandbox) -> None:
    provider.close()
    with Sandbox(ROWS, api_key="test_another", port=port_of(provider)):
        done = typed("add", ANN, BOB, "--channel", "sms", "--json")
        assert done.returncode == 0
        answer = json.loads(done.stdout)
        assert answer["numbers"] == 2
        assert answer["new"] == {"sms": 2}
        ((row,), (told,)) = (
            answer["waiting"],
            json.loads(typed("status", "--json").stdout)["waiting"],
        )
        assert row == told
        assert row.pop("since").endswith("+00:00")
        assert "refused the API key" in row.pop("error")
        assert row == {
            "source": "bsg",
            "configured": True,
            "action": "add",
            "channel": "sms",
            "count": 2,
            "tries": 1,
        }
        text = typed("status", BSG_API_KEY="live_new").stdout
        assert re.search(
            "sms: 2 opt-outs are waiting for bsg, under another account or address than it has "
            "now, since 20",
            text,
        )
        assert "(1 try). Last error: BSG refused the API key" in text
        assert ANN[1:] not in text
    provider.start()
    assert typed("refresh").returncode == 0
    assert {ANN, BOB} <= listed(provider).keys()
    assert json.loads(typed("status", "--json").stdout)["waiting"] == []
