"""Run checks: side by side under one deadline, and one by its name for `/celery check`."""

import contextvars
import inspect
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.domain.amounts import took
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput, ClusterUnreachable, OncallError, UnknownName
from bot.domain.run import Finding, Level
from bot.domain.views import CheckView
from bot.ports import Check, Params, Ports, Registry, Target
from bot.usecases.targets import target_of

log = structlog.get_logger(__name__)

DEADLINE = 3.0
"""Seconds that all checks of a block have together, and `/celery check` in all."""

LOOK = 1.2
"""What `/celery check` gives the snapshot of it."""

JUST_NOW = timedelta(seconds=2)
"""How old a failure to read the broker may be that stands for now."""

_THREADS = threading.BoundedSemaphore(64)
"""Checks that hang keep their thread; a step that is worked again every few seconds must not collect them for ever."""

Asked = tuple[Check[Any], Params]


def check(ports: Ports, cluster: str, name: str, words: Mapping[str, str]) -> CheckView:
    """Return what one check finds, with parameters as people typed them; blocks for up to 3 s.

    Raises UnknownName or BadInput in words. A check that needs no snapshot answers on a dead broker too.
    """
    until = time.monotonic() + DEADLINE
    asked = asked_for(ports.registry, name, words)
    target = target_of(ports, cluster)
    try:
        snapshot = _snapshot(ports, target) if asked[0].needs_snapshot else _blank(target)
    except ClusterUnreachable as e:
        finding = _unknown(target, str(e))
    else:
        (finding,) = run_checks([asked], snapshot, target, until - time.monotonic())
    return CheckView(cluster=cluster, now=ports.clock.now(), name=name, title=title_of(asked[0]), finding=finding)


def title_of(check: Check[Any]) -> str:
    """Return a check's help text: the first line of its docstring."""
    return (inspect.getdoc(type(check)) or check.name).splitlines()[0]


def asked_for(registry: Registry, name: str, given: Mapping[str, Any]) -> Asked:
    """Return a check with its parameters; raises UnknownName or BadInput that names the parameter and its meaning."""
    found = registry.checks.get(name)
    if found is None:
        raise UnknownName("check", name, registry.checks)
    try:
        return found, found.params.model_validate(dict(given))
    except ValidationError as e:
        raise _misfit(found, e.errors()[0]) from None


def run_checks(
    asked: Sequence[Asked], snapshot: ClusterSnapshot, target: Target, deadline: float = DEADLINE
) -> list[Finding]:
    """Return what each finds, in order. They run side by side; what is late or goes wrong is an UNKNOWN of its own."""
    until = time.monotonic() + deadline
    begun = [_begun(check, params, snapshot, target) for check, params in asked]
    return [_ended(check, future, target, until, deadline) for (check, _), future in zip(asked, begun, strict=True)]


def _begun(check: Check[Any], params: Params, snapshot: ClusterSnapshot, target: Target) -> "Future[Finding]":
    future: Future[Finding] = Future()
    if not _THREADS.acquire(blocking=False):
        future.set_result(_unknown(target, f"`{check.name}` was not begun: too many checks still hang."))
        return future

    def work() -> None:
        try:
            future.set_result(_found(check, params, snapshot, target))
        finally:
            _THREADS.release()

    context = contextvars.copy_context()  # the ids bound to log lines go along
    # Daemons: a check that hangs must not keep the process from ending.
    threading.Thread(target=context.run, args=(work,), name=f"check-{check.name}", daemon=True).start()
    return future


def _ended(check: Check[Any], future: "Future[Finding]", target: Target, until: float, deadline: float) -> Finding:
    try:
        return future.result(timeout=max(0.0, until - time.monotonic()))
    except TimeoutError:
        return _unknown(target, f"`{check.name}` did not answer within {took(max(deadline, 0.0))}.")


def _found(check: Check[Any], params: Params, snapshot: ClusterSnapshot, target: Target) -> Finding:
    try:
        return check.run(params, snapshot, target)
    except OncallError as e:
        return _unknown(target, str(e))
    except Exception:  # a mistake in one check must not cost the others their numbers
        log.exception("check broke", check=check.name, cluster=target.spec.name)
        return _unknown(target, "The bot made a mistake in this check; its log holds the details.")


def _unknown(target: Target, sentence: str) -> Finding:
    return Finding(level=Level.UNKNOWN, sentence=sentence, at=target.clock.now())


def _snapshot(ports: Ports, target: Target) -> ClusterSnapshot:
    """Count anew; raises ClusterUnreachable, at once when the broker just failed: to wait again tells nothing new."""
    failure = ports.samples.failure(target.spec.name)
    if failure and ports.clock.now() - failure[0] <= JUST_NOW:
        raise failure[1]
    try:
        snapshot = target.control.snapshot(LOOK)
    except ClusterUnreachable as e:
        ports.samples.failed(target.spec.name, ports.clock.now(), e)
        raise
    ports.samples.take(snapshot)
    target.live.learn(snapshot)
    return snapshot


def _blank(target: Target) -> ClusterSnapshot:
    return ClusterSnapshot(cluster=target.spec.name, taken_at=target.clock.now())


def _misfit(check: Check[Any], error: ErrorDetails) -> BadInput:
    """Return what is wrong with a parameter, with what it means."""
    field = str(error["loc"][0]) if error["loc"] else ""
    fields = check.params.model_fields
    if error["type"] == "extra_forbidden":
        if not fields:
            return BadInput(f"The check `{check.name}` takes no parameters; leave out `{field}`.")
        return UnknownName(f"`{check.name}` parameter", field, fields)
    if not field:
        return BadInput(f"The check `{check.name}`: {_said(error)}.")
    meaning = fields[field].description if field in fields else None
    named = f"`{field}`{f' ({meaning})' if meaning else ''}"
    if error["type"] == "missing":
        return BadInput(f"The check `{check.name}` needs {named}: write `{check.name} {field}=…`.")
    return BadInput(f"The check `{check.name}`: {named} {_said(error)}.")


_WANTED = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be `true` or `false`",
    "string_too_short": "must not be empty",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def _said(error: ErrorDetails) -> str:
    """Return pydantic's complaint in words that fit behind a parameter's name."""
    kind, facts = error["type"], error.get("ctx", {})
    if kind in _WANTED:
        return _WANTED[kind]
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"must be {words} {facts[key]:,}"
    if kind == "value_error":
        return f"is wrong: {facts['error']}"
    return f"is wrong: {error['msg'].lower()}"
