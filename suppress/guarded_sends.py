"""Guarded sends: a function that sends a message asks the stop list first, at each call."""

import contextlib
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar, overload

from suppress.bypasses import Recipient, each_of, log_bypass, open_block, passing_on
from suppress.default import default_suppressor
from suppress.errors import InvalidNumber, Suppressed, SuppressError
from suppress.events import SendBypassed
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import why_invalid
from suppress.numbers.mask import mask_numbers
from suppress.numbers.readings import read
from suppress.screening.outcome import Decision, Outcome
from suppress.screening.screening import Screening
from suppress.suppressor import Suppressor
from suppress.tracebacks import stripped

P = ParamSpec("P")
T = TypeVar("T")

Handler = Literal["raise", "skip"] | Callable[[Decision[Any]], Any]
"""The answer in the place of a send that must not be made."""


@overload
def guard(
    *,
    channel: str | Callable[..., str],
    to: str | Callable[..., Any],
    on_suppressed: Literal["raise"] = "raise",
    on_invalid: Literal["raise"] = "raise",
    default_region: str | None = None,
    suppressor: Suppressor | None = None,
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...


@overload
def guard(
    *,
    channel: str | Callable[..., str],
    to: str | Callable[..., Any],
    on_suppressed: Handler = "raise",
    on_invalid: Handler = "raise",
    default_region: str | None = None,
    suppressor: Suppressor | None = None,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]: ...


def guard(
    *,
    channel: str | Callable[..., str],
    to: str | Callable[..., Any],
    on_suppressed: Handler = "raise",
    on_invalid: Handler = "raise",
    default_region: str | None = None,
    suppressor: Suppressor | None = None,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Guard a function, a method, a coroutine function or an object that sends a message.

    Each call asks the stop list first. The function is called only if the recipient may be
    messaged, or in a `bypass`. Put it below `@classmethod` and `@staticmethod`.

    Args:
        channel: the channel, or a function that returns it, called with the arguments of the send.
        to: the name of the parameter with the number; or a function that returns the number, or
            a tuple of a recipient's numbers, called with the arguments of the send. An empty tuple
            is for numbers that cannot be seen here: only a `bypass` lets such a send pass.
        on_suppressed: `"raise"` for a `Suppressed`; `"skip"` to return None; or a function that
            is called with the decision, and whose result is returned.
        on_invalid: the same for what is not a number that may be messaged; `"raise"` is for an
            `InvalidNumber`.
        default_region: as for `filter_recipients`.
        suppressor: whom to ask; None for the one behind the functions of `suppress`.

    Raises:
        TypeError: the function cannot be guarded, has no parameter of that name, or a rule can
            never work.
        Suppressed: from the guarded function: the recipient is on the stop list.
        InvalidNumber: from the guarded function: the recipient is not a phone number.
        SuppressError: from the guarded function: as for `is_suppressed`. Nothing was sent.
    """
    for name, handler in (("on_suppressed", on_suppressed), ("on_invalid", on_invalid)):
        if handler not in ("raise", "skip") and not callable(handler):
            raise TypeError(f'{name} has to be "raise", "skip" or a function, not {handler!r}')
    _check_source("channel", channel, "the name of a channel")
    _check_source("to", to, "the name of a parameter")
    rules = _Rules(channel, to, on_suppressed, on_invalid, default_region, suppressor)
    return rules.guarded


_Asked = tuple[Decision[Any] | None, contextlib.AbstractContextManager[None]]


@dataclass(frozen=True)
class _Rules:
    """The arguments of `guard`."""

    channel: str | Callable[..., str]
    to: str | Callable[..., Any]
    on_suppressed: Handler
    on_invalid: Handler
    default_region: str | None
    suppressor: Suppressor | None

    def guarded(self, function: Callable[P, Any]) -> Callable[P, Any]:
        """Return the function with the question before it."""
        if isinstance(function, classmethod | staticmethod):
            raise TypeError(f"put @suppress.guard below @{type(function).__name__}")
        name = getattr(function, "__qualname__", type(function).__qualname__)
        if _is(inspect.isgeneratorfunction, function) or _is(inspect.isasyncgenfunction, function):
            raise TypeError(
                f"{name} is a generator, which sends later than it is called; "
                "guard the function that sends one message"
            )
        try:
            signature = inspect.signature(function)
        except ValueError:
            raise TypeError(
                f"{name} does not say what its parameters are; guard a function that calls it"
            ) from None
        if isinstance(self.to, str):
            _check_parameter(signature, self.to, name)
        if _is(inspect.iscoroutinefunction, function):
            return self._guarded_coroutine(function, signature)

        @functools.wraps(function)
        def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                refused, passing = self._asked(self._recipient(signature, args, kwargs))
            except SuppressError as error:
                bare = stripped(error)
            else:
                if refused is not None:
                    return self._answer(refused)
                with passing:
                    return function(*args, **kwargs)
            del args, kwargs  # an error report may show them
            raise bare

        return send

    def _guarded_coroutine(
        self, function: Callable[P, Any], signature: inspect.Signature
    ) -> Callable[P, Any]:
        @functools.wraps(function)
        async def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                refused, passing = await self._asked_in_thread(
                    self._recipient(signature, args, kwargs)
                )
            except SuppressError as error:
                bare = stripped(error)
            else:
                if refused is not None:
                    answer = self._answer(refused)
                    return await answer if inspect.isawaitable(answer) else answer
                with passing:
                    return await function(*args, **kwargs)
            del args, kwargs  # an error report may show them
            raise bare

        return send

    async def _asked_in_thread(self, recipient: Recipient) -> _Asked:
        """Do the same as `_asked` while the event loop goes on."""
        from suppress import aio  # noqa: PLC0415 - asyncio takes its time

        if self.suppressor is None and open_block() is None:
            # Whoever waits for a list waits together with all others who do.
            await aio.until_listed(recipient.channel)
        return await aio.in_thread(self._asked, recipient)

    def _recipient(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Recipient:
        channel = self.channel if isinstance(self.channel, str) else self.channel(*args, **kwargs)
        if not isinstance(self.to, str):
            return Recipient(self.to(*args, **kwargs), channel)
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        if self.to in given.arguments:
            return Recipient(given.arguments[self.to], channel)
        return Recipient(given.kwargs.get(self.to), channel)

    def _asked(self, recipient: Recipient) -> _Asked:
        """Return the decision against a send, None if it may be made, and what to make it in.

        Raises:
            Suppressed, InvalidNumber: if this is what the send is to raise.
            SuppressError: as for `is_suppressed`.
        """
        number, channel = recipient
        block = open_block()
        if block is None:
            suppressor = self.suppressor or default_suppressor()
            decision = _decision_against(suppressor, number, channel, self.default_region)
        elif recipient.has_no_digit:
            first = each_of(number)[0]
            why = why_invalid(first, read(first, Convention()))
            decision = Decision(number, Outcome.INVALID, None, why)
        else:
            if not recipient.has_passed:
                reason = mask_numbers(block.reason)
                log_bypass(recipient, reason)
                self._tell_bypass(recipient, reason)
            return None, passing_on(recipient)
        if decision is None:
            return None, contextlib.nullcontext()
        if decision.outcome == Outcome.SUPPRESSED and self.on_suppressed == "raise":
            raise Suppressed(decision, channel)
        if decision.outcome == Outcome.INVALID and self.on_invalid == "raise":
            raise InvalidNumber(decision.reason)
        return decision, contextlib.nullcontext()

    def _tell_bypass(self, recipient: Recipient, reason: str) -> None:
        """Tell listeners, if there can be any: the message goes out all the same."""
        with contextlib.suppress(SuppressError):
            suppressor = self.suppressor or default_suppressor()
            suppressor.listeners.tell(SendBypassed(recipient.channel, reason))

    def _answer(self, refused: Decision[Any]) -> Any:
        """Return what the guarded function returns in place of its own result."""
        is_invalid = refused.outcome == Outcome.INVALID
        handler = self.on_invalid if is_invalid else self.on_suppressed
        return handler(refused) if callable(handler) else None


def _is(kind: Callable[[Any], bool], function: Any) -> bool:
    """Return whether a function, or what an object does when it is called, is of a kind."""
    while isinstance(function, functools.partial):
        function = function.func
    return kind(function) or (callable(function) and kind(type(function).__call__))


def _check_source(name: str, source: object, otherwise: str) -> None:
    """Check what tells the channel or the number of a send."""
    if isinstance(source, str):
        return
    if not callable(source):
        raise TypeError(f"{name} has to be {otherwise} or a function, not {source!r}")
    if _is(inspect.iscoroutinefunction, source):
        raise TypeError(f"{name} has to be {otherwise} or a function that is not awaited")


def _check_parameter(signature: inspect.Signature, name: str, function: str) -> None:
    parameters = signature.parameters
    if name in parameters and parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
        raise TypeError(f"{name!r} of {function} holds all further keywords; name one of them")
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    if name not in parameters and not takes_any:
        raise TypeError(
            f"{function} has no parameter {name!r}; its parameters are: {', '.join(parameters)}"
        )


def _decision_against(
    suppressor: Suppressor, number: Any, channel: str, region: str | None
) -> Decision[Any] | None:
    """Return the decision against messaging a number; None if it may be messaged."""
    if isinstance(number, tuple):
        (decision,) = suppressor.screen([number], channel, default_region=region, key=_itself)
    else:
        try:
            if not suppressor.is_suppressed(number, channel, default_region=region):
                return None
        except InvalidNumber as error:
            return Decision(number, Outcome.INVALID, None, str(error))
        # Listeners have been told: this only looks up the reason.
        snapshot, reader = suppressor.snapshot(channel), suppressor.reader(region)
        (decision,) = Screening(
            [number], snapshot, key=_itself, reader=reader, screened_at=suppressor.now()
        )
    return None if decision.outcome == Outcome.ALLOWED else decision


def _itself(number: Any) -> Any:
    return number
