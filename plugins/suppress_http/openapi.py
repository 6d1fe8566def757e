"""`GET /openapi.json`: the description of the service, as OpenAPI 3.1 has it."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import phonenumbers
from starlette.requests import Request
from starlette.responses import Response

import suppress
from suppress_http.backend import Backend
from suppress_http.checking import CheckAnswer, CheckRequest, ListedBy
from suppress_http.health import ChannelHealth, HealthAnswer
from suppress_http.opt_outs import OptInAnswer, OptInRequest, OptOutAnswer, OptOutRequest
from suppress_http.problems import MEDIA_TYPE, ProblemDocument
from suppress_http.replies import FORM, SECRET_HEADER, ReplyAnswer, ReplyRequest
from suppress_http.requests import JSON, NDJSON
from suppress_http.screening import ScreenedRecipient, ScreenSummary

_SCHEMAS: Final = "#/components/schemas/"
_KINDS: Final = (
    *(CheckRequest, CheckAnswer, ScreenedRecipient, ScreenSummary),
    *(OptOutRequest, OptOutAnswer, OptInRequest, OptInAnswer),
    *(ReplyRequest, ReplyAnswer, HealthAnswer, ProblemDocument),
)
_TEXT: Final = {"type": "string"}
_NUMBER: Final = "+14155552671"

Described = dict[str, Any]

_EXAMPLES: Final = {
    "number": _NUMBER,
    "numbers": [_NUMBER],
    "from": _NUMBER,
    "text": "STOP",
    "at": "2026-01-02T09:00:00Z",
}
"""Examples of properties."""

_UNHEALTHY: Final = "Some channel may not serve. It is no error, and has the form of the answer."

_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds to wait before the request is sent again.",
        "schema": {"type": "integer"},
    }
}
"""The header of what can succeed later."""

_COUNTS: Final = {
    "Suppress-Counts": {
        "description": "The counts, such as `allowed=2, suppressed=1, invalid=0`.",
        "schema": _TEXT,
    }
}
"""The header of a screening."""


class OpenApiEndpoint:
    """The endpoint that describes the service.

    Args:
        backend: the channels and the settings.
    """

    def __init__(self, backend: Backend) -> None:
        self._document = msgspec.json.encode(described(backend))

    async def __call__(self, _request: Request) -> Response:
        """Answer with the description."""
        return Response(self._document, media_type=JSON)


def described(backend: Backend) -> Described:
    """Return the description of a service, with the channels that it serves."""
    open_to_all: list[Described] = []
    paths = {
        "/check": _operation(
            "check",
            "Check one number.",
            body={JSON: _ref("CheckRequest")},
            answer={JSON: _ref("CheckAnswer")},
        ),
        "/screen": _screen(),
        "/opt-outs": _operation(
            "optOut",
            "Opt people out, for good. It holds when it is answered.",
            body={JSON: _ref("OptOutRequest")},
            answer={JSON: _ref("OptOutAnswer")},
        ),
        "/opt-ins": _operation(
            "optIn",
            "Take opt-outs back.",
            body={JSON: _ref("OptInRequest")},
            answer={JSON: _ref("OptInAnswer")},
        ),
        **_replies(backend),
        "/health": _operation(
            "health",
            "Say whether every channel may serve.",
            method="get",
            answer={JSON: _ref("HealthAnswer")},
            others={"503": _content(_UNHEALTHY, {JSON: _ref("HealthAnswer")}, _RETRY_AFTER)},
            security=open_to_all,
        ),
        "/metrics": _operation(
            "metrics", "Show metrics for Prometheus.", method="get", answer={"text/plain": _TEXT}
        ),
        "/openapi.json": _operation(
            "describe", "Describe the service.", method="get", answer={JSON: {"type": "object"}}
        ),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "suppress",
            "summary": "Keep messages from reaching people who asked not to get them.",
            "version": suppress.__version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "security": [{"token": []}] if backend.settings.token else [],
        "components": {
            "schemas": _schemas(backend.suppressor.channels),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "replySecret": {"type": "apiKey", "in": "header", "name": SECRET_HEADER},
            },
        },
    }


def _screen() -> Described:
    """Return the description of the screening of a list."""
    recipients = {
        "type": "array",
        "description": "Numbers, or objects with a number at the key. Anything else is invalid.",
        "items": {},
        "examples": [[_NUMBER]],
    }
    whole = {
        "type": "object",
        "required": ["recipients", "channel", "counts", "read_at"],
        "properties": {"recipients": {"type": "array", "items": _ref("ScreenedRecipient")}},
        "allOf": [_ref("ScreenSummary")],
    }
    return _operation(
        "screen",
        "Screen a list. The answer has the outcome for each recipient, in order.",
        parameters=[
            _parameter("channel", _ref("Channel"), "The channel of the campaign.", required=True),
            _parameter("default_region", _ref("Region"), "The region of numbers in national form."),
            _parameter(
                "key",
                {"type": "array", "items": {"type": "string", "minLength": 1}},
                "The key of the number, where recipients are objects; repeat it if each has "
                "several numbers.",
            ),
            _parameter(
                "outcome",
                {"type": "array", "items": {"enum": list(suppress.Outcome)}},
                "An outcome to answer with; all, if none is named.",
            ),
        ],
        body={JSON: recipients, NDJSON: {**_TEXT, "description": "A recipient a line."}},
        answer={
            JSON: whole,
            NDJSON: {**_TEXT, "description": "A ScreenedRecipient a line."},
        },
        headers=_COUNTS,
    )


def _replies(backend: Backend) -> Described:
    """Return the descriptions of the replies that are taken."""
    settings, found = backend.settings, {}
    if settings.twilio_auth_token is not None:
        found["/replies/twilio"] = _operation(
            "replyOfTwilio",
            "Take a reply or the status of a message that Twilio has signed. The error 21610 "
            "opts the recipient out.",
            parameters=[_header("X-Twilio-Signature")],
            body={FORM: {"type": "object", "additionalProperties": _TEXT}},
            answer={"text/xml": _TEXT},
            security=[],
        )
    if settings.telnyx_public_key is not None:
        found["/replies/telnyx"] = _operation(
            "replyOfTelnyx",
            "Take an event that Telnyx has signed. The error 40300 opts the recipient out.",
            parameters=[_header("telnyx-signature-ed25519"), _header("telnyx-timestamp")],
            body={JSON: {"type": "object"}},
            answer={JSON: _ref("ReplyAnswer")},
            security=[],
        )
    if settings.reply_secret is not None:
        found["/replies/other"] = _operation(
            "reply",
            "Take a reply from whoever has the secret.",
            body={JSON: _ref("ReplyRequest")},
            answer={JSON: _ref("ReplyAnswer")},
            security=[{"replySecret": []}],
        )
    return found


def _operation(
    name: str,
    summary: str,
    *,
    answer: Described,
    method: str = "post",
    body: Described | None = None,
    parameters: list[Described] | None = None,
    others: Described | None = None,
    headers: Described | None = None,
    security: list[Described] | None = None,
) -> Described:
    problem = {MEDIA_TYPE: _ref("ProblemDocument")}
    operation: Described = {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": _content("The answer.", answer, headers),
            **(others or {}),
            "4XX": _content("The request cannot be answered as it is.", problem),
            "5XX": _content(
                "It cannot be answered now; `retryable` says if later.", problem, _RETRY_AFTER
            ),
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, **_content(None, body)}
    if security is not None:
        operation["security"] = security
    return {method: operation}


def _content(
    description: str | None, schemas: Described, headers: Described | None = None
) -> Described:
    content = {kind: {"schema": each} for kind, each in schemas.items()}
    parts = {"description": description, "headers": headers, "content": content}
    return {name: each for name, each in parts.items() if each is not None}


def _parameter(
    name: str, schema: Described, description: str, *, required: bool = False
) -> Described:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": schema,
    }


def _header(name: str) -> Described:
    return {"name": name, "in": "header", "required": True, "schema": _TEXT}


def _ref(name: str) -> Described:
    return {"$ref": f"{_SCHEMAS}{name}"}


def _schemas(channels: tuple[str, ...]) -> Described:
    """Return the schemas of all documents, with the channels and regions that there are."""
    _, found = msgspec.json.schema_components(_KINDS, ref_template=f"{_SCHEMAS}{{name}}")
    parts = ListedBy, ChannelHealth
    documented = {each.__name__: inspect.getdoc(each) or "" for each in (*_KINDS, *parts)}
    for name, schema in found.items():
        said = documented.get(name, "")
        schema.pop("title", None)
        schema["description"] = said.partition("\n")[0]
        for field, text in _attributes(said):
            if (place := schema.get("properties", {}).get(field)) is not None:
                place["description"] = text
        for field, kind in (("channel", "Channel"), ("default_region", "Region")):
            place = schema.get("properties", {}).get(field)
            if place is not None:
                as_it_is = place.get("type") == "string"
                place.pop("type", None)
                place.pop("anyOf", None)
                place |= _ref(kind) if as_it_is else {"anyOf": [_ref(kind), {"type": "null"}]}
        for field, example in _EXAMPLES.items():
            if (place := schema.get("properties", {}).get(field)) is not None:
                place["examples"] = [example]
        if "items" in (place := schema.get("properties", {}).get("channels", {})):
            place["items"] = _ref("Channel")
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    return {
        **found,
        "Channel": {"enum": list(channels)},
        "Region": {"enum": ["international", *regions]},
    }


def _attributes(documentation: str) -> Iterator[tuple[str, str]]:
    """Give the names of the attributes of a docstring, each with its text."""
    section = documentation.partition("Attributes:\n")[2]
    for name, text in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
        yield name, " ".join(text.split())
