"""Start commands with `-X`: compared with what Celery's own command line makes of them."""

import shlex
import socket
from itertools import chain
from typing import Any

import click
import pytest
from celery.bin.worker import worker
from celery.utils.nodenames import default_nodename, host_format
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.drivers.command import detaches, name_of, queues_of, with_excluded, with_name

PLAIN = "celery -A app worker -Q booking,analytics -n worker1@%h"


def as_celery_reads(argv: list[str]) -> dict[str, Any]:
    """The options of a worker command as Celery's own parser finds them; raises click's errors."""
    parser = worker.make_parser(click.Context(worker))
    values, _, _ = parser.parse_args(argv[argv.index("worker") + 1 :])
    return values


def excluded(command: str, *queues: str, otherwise: str = "") -> str:
    """The command with these queues excluded, as text."""
    return shlex.join(with_excluded(shlex.split(command), queues, otherwise))


@pytest.mark.parametrize(
    ("command", "queues", "expected"),
    [
        (PLAIN, ["analytics"], "celery -A app worker -X analytics -Q booking,analytics -n worker1@%h"),
        (PLAIN, ["b", "a"], "celery -A app worker -X a,b -Q booking,analytics -n worker1@%h"),
        ("celery worker -X a", ["b"], "celery worker -X a,b"),
        ("celery worker -Xa", ["b"], "celery worker -Xa,b"),
        ("celery worker -EXa", ["b"], "celery worker -EXa,b"),
        ("celery worker -EX a -B", ["b"], "celery worker -EX a,b -B"),
        ("celery worker --exclude-queues a", ["b"], "celery worker --exclude-queues a,b"),
        ("celery worker --exclude-queues=a", ["b"], "celery worker --exclude-queues=a,b"),
        ("celery worker -X a,b", ["b", "a"], "celery worker -X a,b"),
        ("celery worker -X a --exclude-queues=c", ["b"], "celery worker -X a --exclude-queues=c,b"),
        ("celery worker -- broker.pool_limit=1", ["b"], "celery worker -X b -- broker.pool_limit=1"),
        ("celery worker -- -X a", ["b"], "celery worker -X b -- -X a"),
        ("python -m celery --app=a.b -C worker -c 4", ["b"], "python -m celery --app=a.b -C worker -X b -c 4"),
        ("nice -n 5 /srv/app/bin/celery -Aapp worker", ["b"], "nice -n 5 /srv/app/bin/celery -Aapp worker -X b"),
        ("tini -- celery -A celery worker", ["b"], "tini -- celery -A celery worker -X b"),
        ("celery -A worker --loader x worker", ["b"], "celery -A worker --loader x worker -X b"),
    ],
)
def test_queues_are_excluded_however_the_command_is_written(command: str, queues: list[str], expected: str) -> None:
    """The option is merged where it counts, else added right after `worker`; wrappers stay as they are."""
    assert excluded(command, *queues) == expected


@pytest.mark.parametrize("command", [PLAIN, "celery worker -X a", "celery worker -Xa -- b"])
def test_nothing_to_exclude_leaves_the_command_alone(command: str) -> None:
    """Not even an empty `-X` is added."""
    assert excluded(command) == command


def test_what_the_environment_excludes_stays_excluded() -> None:
    """An `-X` puts Celery's variable out of force, so its queues are taken over; a command's own `-X` has done so."""
    assert excluded("celery worker", "b", otherwise="a") == "celery worker -X a,b"
    assert excluded("celery worker -X c", "b", otherwise="a") == "celery worker -X c,b"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("celery -A worker beat", "`celery -A worker beat` is `celery beat`, which starts no worker"),
        ("celery multi start w1 -A app", "starts workers by `celery multi`; give each worker its own"),
        ("./start.sh", "`./start.sh` is no `celery … worker` command. If it is a script that starts one"),
        ("sh -c 'celery -A app worker'", "put `celery-oncall run-worker` into the script"),
        ("celery -A app", "is no `celery … worker` command"),
        ("", "`nothing` is no `celery … worker` command"),
        ("celery worker -EX", "`celery worker -EX` ends in `-EX`, which needs a value after it."),
    ],
)
def test_what_starts_no_worker_is_refused_in_words(command: str, words: str) -> None:
    """One sentence says what it is and what to do."""
    with pytest.raises(BadInput) as refused:
        excluded(command, "a")
    assert words in str(refused.value)


SPELLINGS = st.sampled_from(
    [["-X", "{}"], ["-X{}"], ["-EX{}"], ["-BEX", "{}"], ["--exclude-queues", "{}"], ["--exclude-queues={}"]]
)
OTHERS = st.sampled_from(
    [["-E"], ["-l", "INFO"], ["-lINFO"], ["-c4"], ["-Q", "a,b"], ["--queues=c"], ["-n", "w1@%h"], ["-Ofair"]]
)
QUEUES = st.lists(st.sampled_from(["a", "b", "c", "image-processing", "x.y", "ü"]), min_size=1, max_size=4, unique=True)


@given(
    before=st.lists(OTHERS, max_size=3),
    already=st.lists(st.tuples(SPELLINGS, QUEUES), max_size=3),
    after=st.lists(OTHERS, max_size=3),
    queues=QUEUES,
)
def test_celery_itself_reads_the_old_and_the_new_queues(
    before: list[list[str]], already: list[tuple[list[str], list[str]]], after: list[list[str]], queues: list[str]
) -> None:
    """Whatever stood there: Celery excludes what it excluded before and the new ones, and reads all else as before."""
    options = [[word.format(",".join(names)) for word in spelling] for spelling, names in already]
    argv = ["celery", "-A", "app", "worker", *chain(*before, *options, *after)]
    was, now = as_celery_reads(argv), as_celery_reads(with_excluded(argv, queues))
    old = was.pop("exclude_queues", None)
    new = now.pop("exclude_queues")
    assert set(new.split(",")) == {*queues, *(old.split(",") if old else ())}
    assert now == was


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("celery worker", "celery@web-1.example.org"),
        ("celery worker -n worker1@%h", "worker1@web-1.example.org"),
        ("celery worker -nw.%n@%d", "w.web-1@example.org"),
        ("celery worker --hostname=shop", "celery@shop"),
        ("celery worker -n first@%h --hostname 'w%%@x'", "w%@x"),
    ],
)
def test_the_name_is_the_one_that_celery_makes(command: str, name: str) -> None:
    """Host and placeholders are filled in as in `celery.utils.nodenames`."""
    argv = shlex.split(command)
    assert name_of(argv, "web-1.example.org") == name
    here = socket.gethostname()
    assert name_of(argv, here) == host_format(default_nodename(as_celery_reads(argv).get("hostname", "")))


def test_a_name_is_set_where_it_counts() -> None:
    """The driver names workers of one group apart; a percent sign is no placeholder."""
    assert as_celery_reads(with_name(shlex.split(PLAIN), "worker2@a"))["hostname"] == "worker2@a"
    assert as_celery_reads(with_name(["celery", "worker"], "w%1@a"))["hostname"] == "w%%1@a"


def test_queues_and_detaching_are_read_from_the_command() -> None:
    """Without `-Q` the application decides; after `--` nothing is an option."""
    assert queues_of(shlex.split(PLAIN)) == frozenset({"booking", "analytics"})
    assert queues_of(["celery", "worker", "--queues=a"]) == frozenset({"a"})
    assert queues_of(["celery", "worker"]) is None
    assert detaches(["celery", "worker", "-ED"])
    assert detaches(["celery", "worker", "--detach"])
    assert not detaches(["celery", "-D", "x", "worker", "-lDEBUG", "--", "-D"])
