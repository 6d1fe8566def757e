"""The calls of BSG's One-API that concern the stop list, and signing in for them.

Every answer has a schema. Neither key nor token is ever shown.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from http import HTTPStatus
from typing import Any, Self, TypeVar

import msgspec

from suppress import BearerToken, Exchange, HttpAnswer, Refused, Secret, SourceError, mask_numbers
from suppress_bsg.answers import (
    Listing,
    WireEntry,
    decode_found,
    decode_listing,
    decode_message,
    decode_object,
    decode_signed_in,
)
from suppress_bsg.failures import NEXT_STEP, REFUSED_STATUSES
from suppress_bsg.limits import DEFAULT_LIMITS, BsgLimits
from suppress_bsg.signing_in import ApiKey, KeptToken

T = TypeVar("T")


class Client:
    """A connection to the API, for several threads at once, used in a `with` block.

    Args:
        base_url: `https://...`; plain `http` for loopback addresses alone, unless allowed.
        api_key: the account's key.
        kept: keeps the token from one client to the next; None to sign in for this one alone.
        connections: how many requests may be under way at once.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        load_timeout: seconds from the beginning of the block after which every request ends.
        allow_http: whether a base URL without TLS is taken.
        limits: the limits of each request.

    Raises:
        ConfigurationError: the base URL or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | Secret,
        *,
        kept: KeptToken | None = None,
        connections: int = 8,
        timeout: float = 30.0,
        load_timeout: float = 600.0,
        allow_http: bool = False,
        limits: BsgLimits = DEFAULT_LIMITS,
    ) -> None:
        api_key = Secret(api_key)  # before any error, whose traceback may show what is here
        self._exchange = Exchange(
            base_url,
            connections=connections,
            timeout=timeout,
            load_timeout=load_timeout,
            allow_http=allow_http,
            prefix="BSG",
            table="suppress.bsg",
            limits=limits,
        )
        self._api_key = ApiKey(api_key)
        self._kept = KeptToken() if kept is None else kept
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._exchange.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._exchange.__exit__(*exception)

    def stop(self) -> None:
        """End every request that is under way with an error, and let no other begin."""
        self._exchange.stop()

    def listing(self, *, offset: int, limit: int, channel: str | None) -> tuple[Listing, bool]:
        """Return one page of the stop list, and whether the server throttled the request.

        Args:
            offset: the place of the first entry, from 0.
            limit: how many entries, 15 to 500.
            channel: the channel to filter by; None for all.

        Raises:
            SourceError: no such answer came; says what did.
        """
        params: dict[str, Any] = {"page[limit]": limit, "page[offset]": offset}
        if channel is not None:
            # The documentation's page names the filter `types`, its OpenAPI description `type`.
            params |= {"types": channel, "type": channel}
        what = f"the page at offset {offset}"
        answer = self._authorized("GET", "/api/stoplist", what, params=params)
        return self._decoded(answer, decode_listing, what), answer.throttled

    def attach(self, phones: Sequence[int], channel: str) -> list[WireEntry]:
        """Put phones on the list of a channel.

        Args:
            phones: digits without the plus, 1,000 phones at most.
            channel: one that the API knows of.

        Returns:
            The entries that the answer has, be it of all phones or of some.

        Raises:
            Refused: they will not be taken.
            SourceError: nobody knows that it was done; says what came.
        """
        what = f"adding {len(phones)} to the stop list"
        wanted = {"phones": phones, "types": [channel]}
        answer = self._authorized("POST", "/api/stoplist/attach", what, json=wanted)
        return self._decoded(answer, decode_found, what, refused=REFUSED_STATUSES).data

    def detach(self, ids: Sequence[int], channel: str) -> None:
        """Take entries off the list of a channel.

        Args:
            ids: ids of entries, 200 at most.
            channel: one that the API knows of.

        Raises:
            Refused, SourceError: as for `attach`.
        """
        what = f"removing {len(ids)} from the stop list"
        wanted = {"ids": ids, "types": [channel]}
        answer = self._authorized("POST", "/api/stoplist/detach", what, json=wanted)
        self._decoded(answer, decode_object, what, refused=REFUSED_STATUSES)

    def search(self, name: str, value: int | str) -> list[WireEntry]:
        """Return the first 500 entries of which a field, `id` or `phone`, has the value.

        Raises:
            Refused, SourceError: as for `attach`.
        """
        what = f"a search of the stop list by {name}"
        params: dict[str, Any] = {
            "page[limit]": 500,
            "search[field]": name,
            "search[operator]": "=",
            "search[value]": value,
        }
        answer = self._authorized("GET", "/api/stoplist/search", what, params=params)
        return self._decoded(answer, decode_found, what, refused=REFUSED_STATUSES).data

    def sign_in(self) -> BearerToken:
        """Sign in with the key.

        Raises:
            SourceError: the key is wrong, or the server does not answer.
        """
        what = "signing in"
        answer = self._exchange.request("POST", "/api/auth/login", what, auth=self._api_key)
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SourceError(
                f"BSG refused the API key (status {answer.status}). Run `suppress login` with the "
                "right one, or set BSG_API_KEY."
            )
        return BearerToken(self._decoded(answer, decode_signed_in, what).bearer)

    def _authorized(self, method: str, path: str, what: str, **request: Any) -> HttpAnswer:
        """Send a request with the token; after a 401, once more with a new one."""
        token = self._token()
        answer = self._exchange.request(method, path, what, auth=token, **request)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            token = self._token(instead_of=token)
            answer = self._exchange.request(method, path, what, auth=token, **request)
        return answer

    def _token(self, instead_of: BearerToken | None = None) -> BearerToken:
        """Return the token that is kept; a new one if there is none, or if it is that one."""
        with self._lock:
            token = self._kept.token
            if token is None or token is instead_of:
                token = self._kept.token = self.sign_in()
            return token

    def _decoded(
        self,
        answer: HttpAnswer,
        decode: Callable[[bytes], T],
        what: str,
        *,
        refused: Collection[int] = (),
    ) -> T:
        if answer.status != HTTPStatus.OK:
            kind = Refused if answer.status in refused else SourceError
            raise kind(self._refusal(answer, what))
        try:
            return decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            fault = str(error)
        # Raised outside: the error in its context would have frames that hold the answer.
        raise SourceError(f"The answer to {what} is not what was expected: {fault}.")

    def _refusal(self, answer: HttpAnswer, what: str) -> str:
        status = answer.status
        try:
            said = self._fit_to_show(decode_message(answer.body).message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = ""
        next_step = NEXT_STEP.get(status, "Try again later.")
        return (
            f"BSG answered {what} with status {status}{f' ({said})' if said else ''}. {next_step}"
        )

    def _fit_to_show(self, said: str) -> str:
        """Return a server's words without a key, a token, a number or orders to a terminal."""
        said = said.replace(self._api_key.key.reveal(), str(self._api_key.key))
        if (token := self._kept.token) is not None:
            said = said.replace(token.bearer.reveal(), str(token.bearer))
        return mask_numbers(said, 200)
