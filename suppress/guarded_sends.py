"""Guarded sends: a function that sends a message asks the stop list first, at each call."""

import contextlib
import contextvars
import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar, overload

from suppress.default import default_suppressor
from suppress.errors import InvalidArgument, InvalidNumber, Suppressed, SuppressError
from suppress.events import SendBypassed
from suppress.numbers.handed_in import as_text
from suppress.numbers.mask import mask
from suppress.screening.outcome import Decision, Outcome
from suppress.screening.screening import Screening
from suppress.suppressor import Suppressor
from suppress.tracebacks import stripped

logger = logging.getLogger("suppress")

P = ParamSpec("P")
T = TypeVar("T")

Handler = Literal["raise", "skip"] | Callable[[Decision[Any]], Any]
"""The answer in the place of a send that must not be made."""


@dataclass(eq=False)
class _Block:
    """A block in which guarded sends pass."""

    reason: str
    outer: "_Block | None"
    is_over: bool = False


_entered: contextvars.ContextVar[_Block | None] = contextvars.ContextVar("bypass", default=None)


def _open_block() -> _Block | None:
    """Return the innermost block that is not over.

    A task or a generator may still be in the context of a block that has ended elsewhere.
    """
    block = _entered.get()
    while block is not None and block.is_over:
        block = block.outer
    return block


@contextlib.contextmanager
def bypass(*, reason: str) -> Iterator[None]:
    """Let guarded sends pass while the block runs, whoever is on the stop list.

    For messages that must go out: the confirmation of an opt-out, a password. It holds for
    this thread, or for this task and those that it starts, and for all of them only until the
    block ends. Each send that passes is logged as a warning, with the reason, and listeners are
    told.

    Args:
        reason: why, for the log; for example `"confirms an opt-out"`.

    Raises:
        InvalidArgument: the reason is blank.
    """
    if not reason.strip():
        raise InvalidArgument("A bypass needs a reason. Say why the message must go out.")
    block = _Block(reason, _open_block())
    _entered.set(block)
    try:
        yield
    finally:
        block.is_over = True
        if _entered.get() is block:
            _entered.set(block.outer)


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
            a tuple of a recipient's numbers, called with the arguments of the send.
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


class _Recipient(NamedTuple):
    """The recipient of one send."""

    number: Any
    channel: str


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
                refused = self._refused(self._recipient(signature, args, kwargs))
            except SuppressError as error:
                bare = stripped(error)
            else:
                return function(*args, **kwargs) if refused is None else self._answer(refused)
            del args, kwargs  # an error report may show them
            raise bare

        return send

    def _guarded_coroutine(
        self, function: Callable[P, Any], signature: inspect.Signature
    ) -> Callable[P, Any]:
        @functools.wraps(function)
        async def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                refused = await self._refused_in_thread(self._recipient(signature, args, kwargs))
            except SuppressError as error:
                bare = stripped(error)
            else:
                if refused is None:
                    return await function(*args, **kwargs)
                answer = self._answer(refused)
                return await answer if inspect.isawaitable(answer) else answer
            del args, kwargs  # an error report may show them
            raise bare

        return send

    async def _refused_in_thread(self, recipient: _Recipient) -> Decision[Any] | None:
        """Do the same as `_refused` while the event loop goes on."""
        from suppress import aio  # noqa: PLC0415 - asyncio takes its time

        if self.suppressor is None and _open_block() is None:
            # Whoever waits for a list waits together with all others who do.
            await aio.until_listed(recipient.channel)
        return await aio.in_thread(self._refused, recipient)

    def _recipient(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> _Recipient:
        channel = self.channel if isinstance(self.channel, str) else self.channel(*args, **kwargs)
        if not isinstance(self.to, str):
            return _Recipient(self.to(*args, **kwargs), channel)
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        if self.to in given.arguments:
            return _Recipient(given.arguments[self.to], channel)
        return _Recipient(given.kwargs.get(self.to), channel)

    def _refused(self, recipient: _Recipient) -> Decision[Any] | None:
        """Return the decision against a send; None if it may be made.

        Raises:
            Suppressed, InvalidNumber: if this is what the send is to raise.
            SuppressError: as for `is_suppressed`.
        """
        block = _open_block()
        if block is not None:
            reason = mask(block.reason)
            _log_bypass(recipient, reason)
            self._tell_bypass(recipient, reason)
            return None
        number, channel = recipient
        suppressor = self.suppressor or default_suppressor()
        decision = _decision_against(suppressor, number, channel, self.default_region)
        if decision is None:
            return None
        if decision.outcome == Outcome.SUPPRESSED and self.on_suppressed == "raise":
            raise Suppressed(decision, channel)
        if decision.outcome == Outcome.INVALID and self.on_invalid == "raise":
            raise InvalidNumber(decision.reason)
        return decision

    def _tell_bypass(self, recipient: _Recipient, reason: str) -> None:
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


def _log_bypass(recipient: _Recipient, reason: str) -> None:
    masked = _shown(recipient.number)
    logger.warning(
        "Sending to %s on %s past the stop list: %s.",
        masked,
        recipient.channel,
        reason,
        extra={
            "code": "bypass",
            "channel": recipient.channel,
            "reason": reason,
            "number": masked,
        },
    )


def _shown(number: Any) -> str:
    """Return a recipient's number, or several, masked for the log."""
    if isinstance(number, tuple):
        return ", ".join(map(_shown, number))
    text, _ = as_text(number)
    return mask(number if text is None else text)
