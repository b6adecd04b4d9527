"""What a failure of the broker is called in words for people."""

import re
import socket
import ssl
from collections.abc import Iterator

import redis

from bot.adapters.bounded import TooManyHanging
from bot.adapters.celery.connection import SOCKET_SECONDS, ClusterConnection


def why(error: BaseException, connection: ClusterConnection) -> str:
    """Return one clause that says what is wrong, with the address and without any secret."""
    at = connection.address
    chain = tuple(_chain(error))
    if isinstance(error, TooManyHanging):
        return f"earlier questions to {at} still hang"
    if what := refused(error):
        return f"{at} answers, but its ACL refuses {what} to the bot's user"
    for sort, words in _CAUSES.items():
        if any(isinstance(e, sort) for e in chain):
            hint = _TLS_HINT if connection.secure and sort in _LIKE_TLS else ""
            return words.format(at=at, seconds=SOCKET_SECONDS) + hint
    return f"{at} refuses database {connection.db}: {refusal(error)}"


def refusal(error: BaseException) -> str:
    """Return why the broker, which does answer, refused a command."""
    if what := refused(error):
        return f"its ACL refuses {what} to the bot's user"
    return next((words for sort, words in _REFUSALS.items() if isinstance(error, sort)), str(error))


_COMMAND = re.compile(r"permissions to run the '([a-z0-9|_.-]{1,40})' command", re.IGNORECASE)


def refused(error: BaseException) -> str | None:
    """Return what the broker's ACL refused, as a clause without names of keys; None for any other failure."""
    said = str(error)
    if not isinstance(error, redis.exceptions.NoPermissionError) and "ACL failure in script" not in said:
        return None
    if command := _COMMAND.search(said):
        return f"`{command[1].lower()}`"
    return "a channel" if "channel" in said else "one of the keys that this needs"


_REFUSALS: dict[type[BaseException], str] = {
    redis.exceptions.OutOfMemoryError: "its memory is full",
    redis.ReadOnlyError: "it is a read-only replica",
}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from; redis-py wraps the socket's own errors."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


# The first that fits: redis-py's classes derive from one another, and from the socket's errors only by their context.
_CAUSES: dict[type[BaseException], str] = {
    redis.AuthenticationError: "{at} refused the user name or password",
    redis.BusyLoadingError: "{at} is still loading its data",
    socket.gaierror: "the host name of {at} cannot be resolved",
    ConnectionRefusedError: "nothing listens at {at}",
    FileNotFoundError: "a certificate file that is set for {at} does not exist",
    ssl.SSLCertVerificationError: "the certificate of {at} is not trusted",
    ssl.SSLError: "{at} does not speak TLS as expected",
    redis.exceptions.InvalidResponse: "{at} does not speak Redis's protocol",
    redis.exceptions.MaxConnectionsError: "all connections to {at} are in use",
    TimeoutError: "{at} did not answer within {seconds:g} s",
    redis.TimeoutError: "{at} did not answer within {seconds:g} s",
    redis.ConnectionError: "{at} closed the connection",
    OSError: "{at} cannot be reached",
}

# TLS on one side alone, the mistake that is made most, shows itself as silence or as a closed connection.
_LIKE_TLS = (TimeoutError, redis.TimeoutError, redis.ConnectionError)
_TLS_HINT = " (TLS is on; does the broker use it?)"
