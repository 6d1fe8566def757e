"""The promise of a server: that it keeps what it has acknowledged. Asked before it is relied on."""

from collections.abc import Callable, Mapping
from typing import Any

import redis

from suppress import RecordError
from suppress_redis.settings import Durability

_ELSEWHERE = "keep the opt-outs elsewhere: SUPPRESS_OPT_OUTS names another server"
_INSIST = (
    "insist on this one: SUPPRESS_REDIS_DURABILITY (`durability` in the table [suppress.redis])"
)


def refuse_evicting(client: Callable[..., Any]) -> None:
    """Refuse a server that may remove opt-outs when its memory is full.

    Args:
        client: executes a command.

    Raises:
        RecordError: it may, or does not say.
        redis.RedisError: it cannot be asked.
    """
    found = _settings(client, "maxmemory-policy") or _said(client, "memory", "maxmemory_policy")
    policy = next(iter(found.values()), "")
    if not policy.startswith(("noeviction", "volatile-")):
        shown = f"it has maxmemory-policy {policy}" if policy else "it does not show its policy"
        raise RecordError(
            f"the server may remove opt-outs when its memory is full: {shown}",
            "Set maxmemory-policy to noeviction or one that begins with volatile-, or "
            f"{_ELSEWHERE}.",
        )


def refuse_forgetful(client: Callable[..., Any], demanded: Durability) -> None:
    """Refuse a server that does not keep what it acknowledges, as far as is demanded.

    Arguments and errors as for `refuse_evicting`.

    Args:
        client: see there.
        demanded: the promise that is demanded.
    """
    refuse_evicting(client)
    if demanded == "unchecked":
        return
    found = _settings(client, "append*") or _said(client, "persistence", "aof_enabled")
    appends = found.get("appendonly", found.get("aof_enabled", "")) in ("yes", "1")
    syncs = found.get("appendfsync")
    if not appends:
        raise RecordError(
            "the server keeps no append-only file (appendonly no), so opt-outs would be lost when "
            "it restarts",
            f"Set appendonly to yes and appendfsync to always, or {_ELSEWHERE}. Or {_INSIST} "
            "= unchecked.",
        )
    if demanded == "always" and syncs != "always":
        shown = f"appendfsync {syncs}" if syncs else "it does not show its appendfsync"
        loss = "the opt-outs since then" if syncs == "no" else "those of the last two seconds"
        raise RecordError(
            f"the server acknowledges opt-outs before they are on its disk ({shown}), and would "
            f"lose {loss} in a crash of its machine",
            f"Set appendfsync to always, or {_ELSEWHERE}. Or {_INSIST} = everysec.",
        )
    if syncs == "no":
        raise RecordError(
            "the server never writes its append-only file to the disk itself (appendfsync no)",
            f"Set appendfsync to always, or {_ELSEWHERE}. Or {_INSIST} = unchecked.",
        )


def _settings(client: Callable[..., Any], pattern: str) -> Mapping[str, str]:
    """Return settings of the server; none where it does not show them."""
    try:
        answer = client("CONFIG GET", pattern)
    except redis.ResponseError:
        # Services that are run by others take the command away.
        return {}
    return _texts(answer)


def _said(client: Callable[..., Any], section: str, name: str) -> Mapping[str, str]:
    found = _texts(client("INFO", section))
    return {name: found[name]} if name in found else {}


def _texts(answer: Mapping[Any, Any]) -> Mapping[str, str]:
    return {_text(name): _text(value) for name, value in answer.items()}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
