"""The plugin for Celery: a task that asks the stop list at the moment when it sends.

Each path into the body of the task goes through the question: a worker, `apply`, a call, `run`.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from typing import TYPE_CHECKING, Any, TypedDict

import suppress

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    from celery import Task
    from celery.exceptions import Reject
    from celery.utils.saferepr import saferepr
    from celery.utils.time import get_exponential_backoff_interval
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "suppress_celery needs Celery. Run `pip install 'suppress-filter[celery]'`.",
        name=missing.name,
    ) from None

__all__ = ["GuardedTask", "NotSent"]

logger = logging.getLogger("suppress")

_HANDLERS = ("on_suppressed", "on_invalid")

_OPTIONS = ("channel", "to", *_HANDLERS, "default_region", "suppressor")

_MOST_RETRIES = 10

_LONGEST_SHOWN = 1024
"""Most characters of the arguments that Celery shows, as in Celery itself."""


class NotSent(TypedDict):
    """The result of a task whose message was dropped.

    Attributes:
        sent: False.
        outcome: `suppressed` or `invalid`.
        reason: why, in words. Numbers are masked.
    """

    sent: bool
    outcome: str
    reason: str


class GuardedTask(Task):  # type: ignore[misc] # Celery has no types
    """A Celery task that sends one message, unless its recipient is on the stop list.

    Give it as `base` of a task, with `channel` and `to`. When a worker runs the task, it asks the
    stop list first, however long the message waited in a queue:

    - The recipient may be messaged: the task runs.
    - The recipient is listed, or is not a phone number: the message is dropped. This is logged,
      and the task's result is a `NotSent`. It is not tried again.
    - The stop list is unavailable: the task is tried again after 10 seconds, then ever later, and
      fails with that error after `max_retries` attempts more.
    - A setting or the channel is wrong: the task fails at once.

    Attributes:
        channel: the channel, or a function that returns it, called with the arguments of the task.
        to: the name of the parameter with the number; or a function that returns the number, or a
            tuple of a recipient's numbers, called with the arguments of the task.
        on_suppressed: a function that is called with the decision on a listed recipient, and whose
            result becomes that of the task; None to drop the message.
        on_invalid: the same for what is not a number that may be messaged.
        default_region: as for `suppress.filter_recipients`.
        suppressor: whom to ask; None for the one behind the functions of `suppress`.
        max_retries: how often a task is tried again. None, which means for ever elsewhere in
            Celery, means 10 times for an unavailable list.
        retry_backoff: seconds before the first of these attempts, doubled for each further one.
        retry_backoff_max: most seconds between two attempts.
        retry_jitter: whether each delay is a random part of these seconds.
        dont_autoretry_for: errors that `autoretry_for` leaves alone: those of `suppress` for which
            trying again cannot help.

    Raises:
        TypeError: where the task is defined: `channel` or `to` is missing, or the task has no such
            parameter.
    """

    abstract = True

    channel: str | Callable[..., str]
    to: str | Callable[..., Any]
    on_suppressed: Callable[[suppress.Decision[Any]], Any] | None = None
    on_invalid: Callable[[suppress.Decision[Any]], Any] | None = None
    default_region: str | None = None
    suppressor: suppress.Suppressor | None = None

    max_retries: int | None = _MOST_RETRIES
    retry_backoff: float = 10
    retry_backoff_max: float = 600
    retry_jitter = True
    dont_autoretry_for = (
        suppress.Suppressed,
        suppress.InvalidNumber,
        suppress.InvalidArgument,
        suppress.UnknownChannel,
        suppress.ConfigurationError,
    )

    def __init_subclass__(cls, **options: Any) -> None:
        """Put the question before the body of the task."""
        super().__init_subclass__(**options)
        own = vars(cls)
        if "run" in own:
            cls._sending = own["run"]
        elif not any(option in own for option in _OPTIONS) or not hasattr(cls, "_sending"):
            return
        cls.run = _guarded(cls, inspect.getattr_static(cls, "_sending"))

    def apply_async(
        self, args: Any = None, kwargs: Any = None, *further: Any, **options: Any
    ) -> Any:
        """Do what `Task.apply_async` does, and keep whole numbers out of Celery's own records."""
        for name, given in (("argsrepr", args or ()), ("kwargsrepr", kwargs or {})):
            if options.get(name) is None:
                options[name] = suppress.mask(saferepr(given), _LONGEST_SHOWN)
        return super().apply_async(args, kwargs, *further, **options)

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: Any = None,
        *further: Any,
        max_retries: int | None = None,
        **options: Any,
    ) -> Any:
        """Do what `Task.retry` does, but for an unavailable list never for ever.

        Raises:
            SuppressError: the list is still unavailable after the last attempt, or the queue
                does not take the message again.
        """
        reason = sys.exception() if exc is None else exc
        can_help = isinstance(reason, suppress.SuppressError) and reason.retryable
        unavailable = reason if can_help else None
        if max_retries is None:
            max_retries = self.max_retries
        if max_retries is None and unavailable is not None:
            max_retries = _MOST_RETRIES
        if max_retries is not None:
            options["max_retries"] = max_retries
        try:
            return super().retry(args, kwargs, exc, *further, **options)
        except Reject:
            if unavailable is None:
                raise
            # Celery would drop the message without a word, in no state and in no log.
            raise unavailable from None

    def _try_again(self, error: suppress.SuppressError) -> Exception:
        """Return the `Retry` to raise for a list that is unavailable.

        Raises:
            SuppressError: the error itself, after the last attempt.
        """
        delay = get_exponential_backoff_interval(
            factor=max(1, int(self.retry_backoff)),
            retries=self.request.retries,
            maximum=int(self.retry_backoff_max),
            full_jitter=self.retry_jitter,
        )
        retry: Exception = self.retry(exc=error, countdown=delay, throw=False)
        return retry


def _guarded(task: type[GuardedTask], body: Any) -> Any:
    """Return the body of a task with the question before it.

    Raises:
        TypeError: the task does not say whom it messages, and on which channel.
    """
    is_bound = not isinstance(body, staticmethod)
    function = body if is_bound else body.__func__
    defined = _options(task)
    question = _question(function, defined, is_bound=is_bound)

    @functools.wraps(function)
    def run(self: GuardedTask, /, *args: Any, **kwargs: Any) -> Any:
        # Annotations of the application, for example, set options later.
        options = _options(self)
        is_changed = options != defined
        ask = _question(function, options, is_bound=is_bound) if is_changed else question
        try:
            decision = ask(*args, **kwargs)
        except suppress.SuppressError as error:
            if not error.retryable:
                raise
            again = self._try_again(error)
        else:
            if decision is None:
                return function(self, *args, **kwargs) if is_bound else function(*args, **kwargs)
            handler = options[f"on_{decision.outcome}"]
            return _dropped(self, decision) if handler is None else handler(decision)
        raise again

    # Whoever looks for the parameters of the bound method takes the first one away.
    if not is_bound:
        first = inspect.Parameter("_task", inspect.Parameter.POSITIONAL_ONLY)
        signature = inspect.Signature([first, *_parameters(function)])
        run.__signature__ = signature  # type: ignore[attr-defined]
    return run


def _question(
    function: Any, options: dict[str, Any], *, is_bound: bool
) -> Callable[..., suppress.Decision[Any] | None]:
    """Return a function that takes the arguments of a task, and gives the decision against it."""
    for name in ("channel", "to"):
        if options[name] is None:
            raise TypeError(f"{function.__qualname__} is a guarded task. Give it `{name}`, too")
    for name in _HANDLERS:
        if options[name] is not None and not callable(options[name]):
            raise TypeError(
                f"{name} of {function.__qualname__} has to be a function, or None to drop the "
                f"message, not {options[name]!r}"
            )

    def ask(*_args: Any, **_kwargs: Any) -> None:
        """Return None: the task may run."""

    parameters = _parameters(function)[1 if is_bound else 0 :]
    ask.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    ask.__qualname__ = function.__qualname__
    rules = {name: options[name] for name in _OPTIONS if name not in _HANDLERS}
    return suppress.guard(**rules, on_suppressed=_itself, on_invalid=_itself)(ask)


def _parameters(function: Any) -> list[inspect.Parameter]:
    return [*inspect.signature(function).parameters.values()]


def _options(task: type[GuardedTask] | GuardedTask) -> dict[str, Any]:
    """Return the options of a task as they were given: a function stays one, and is no method."""
    given = {name: inspect.getattr_static(task, name, None) for name in _OPTIONS}
    return {
        name: value.__func__ if isinstance(value, staticmethod) else value
        for name, value in given.items()
    }


def _dropped(task: GuardedTask, decision: suppress.Decision[Any]) -> NotSent:
    """Log that a message is not sent, and return the result that says so."""
    reason = suppress.mask(decision.reason)
    outcome = str(decision.outcome)
    message = "The task %s[%s] sent nothing: %s"
    fields = {"code": "task_dropped", "task": task.name, "outcome": outcome, "reason": reason}
    if decision.outcome == suppress.Outcome.SUPPRESSED:
        logger.info(message, task.name, task.request.id, reason, extra=fields)
    else:
        logger.warning(message, task.name, task.request.id, reason, extra=fields)
    return NotSent(sent=False, outcome=outcome, reason=reason)


def _itself(decision: suppress.Decision[Any]) -> suppress.Decision[Any]:
    return decision
