"""The service keeps its lists recent by itself, and no request waits for a source that hangs."""

import pytest

pytest.importorskip("httpx2")
pytest.importorskip("prometheus_client")
pytest.importorskip("starlette")

from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from support.builders import GatedSource, wait_for
from suppress import Suppressor
from suppress.serving.limits import ServingLimits
from suppress_http.app import make_app
from suppress_http.backend import Backend

LISTED, OTHER = "+14155552671", "+14155552672"


def test_a_source_that_hangs_holds_up_no_request() -> None:
    source = GatedSource(LISTED)
    source.shut()
    limits = ServingLimits(max_wait=0.1)
    one = Suppressor(plugins=[source], sources=["list"], store=None, limits=limits)
    question = {"number": OTHER, "channel": "sms"}
    app = make_app(Backend(one), CollectorRegistry())
    with TestClient(app, base_url="http://localhost") as client:
        assert source.begun.wait(10), "it is read though nobody asks"
        for _ in range(3):
            refused = client.post("/check", json=question)
            assert (refused.status_code, refused.json()["retryable"]) == (503, True)
            assert "retry-after" in refused.headers
            assert "sms stop list has not been read within 0.1 s" in refused.json()["detail"]
            screened = client.post("/screen?channel=sms", json=[OTHER])
            assert (screened.status_code, screened.json()["retryable"]) == (503, True)
            health = client.get("/health")
            assert health.status_code == 503
            reason = health.json()["channels"]["sms"]["reason"]
            assert reason == "the stop list was never read, and is being read."
        source.open.set()
        wait_for(lambda: bool(client.get("/health").status_code == 200))
        assert client.post("/check", json=question).json()["outcome"] == "allowed"
    assert len(source.loads) == 2, "sms and viber, once each"
