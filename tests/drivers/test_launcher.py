"""`run-worker`: a worker starts without what is paused, and starts in any case."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import BadInput, StoreUnavailable
from bot.domain.mitigation import Mitigation, MitigationState
from bot.drivers.launcher import READ_SECONDS, Launch, prepare, unprepared
from bot.ports import Store
from tests.usecases.world import SPEC, World, make_world

COMMAND = ["celery", "-A", "app", "worker", "-Q", "ai_generation,analytics", "-n", "worker1@%h"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A real database, and a clock that stands at 03:00."""
    made = make_world(tmp_path)
    yield made
    made.store.close()


def paused(world: World, queue: str, state: MitigationState = MitigationState.IN_FORCE, **more: object) -> None:
    """Store a pause for half an hour."""
    now = world.clock.now()
    facts = {"cluster": "prod", "owner": "U0ANA", "reason": "load", "channel": "C0ONCALL", "began_at": now, **more}
    with world.store.write() as tx:
        facts |= {
            "id": tx.mitigations.next_id(),
            "target": queue,
            "state": state,
            "ends_at": now + timedelta(minutes=30),
        }
        tx.mitigations.add(Mitigation.model_validate(facts))


def launch(world: World, argv: list[str] = COMMAND, env: dict[str, str] | None = None) -> Launch:
    """Prepare a worker of the cluster `prod` on the host `a`."""
    return prepare(SPEC, argv, lambda: world.store, env or {}, "a")


def test_a_paused_queue_is_left_out_and_said(world: World) -> None:
    """One line says which and until when; the command is otherwise the same."""
    paused(world, "analytics")
    launched = launch(world)
    assert launched.argv == [*COMMAND[:4], "-X", "analytics", *COMMAND[4:]]
    assert launched.line == "Paused on prod, and left out of this worker: analytics (until 03:30 UTC)."


def test_only_what_this_worker_consumes_on_this_cluster_matters(world: World) -> None:
    """Another queue, another cluster, an end: the command stays as it was."""
    paused(world, "booking")
    paused(world, "analytics", cluster="other")
    paused(world, "ai_generation", MitigationState.ENDED)
    assert launch(world) == Launch(COMMAND, "Nothing that this worker consumes is paused on prod.")


def test_without_a_list_of_queues_everything_paused_is_left_out(world: World) -> None:
    """The application decides what it consumes, and the launcher cannot know."""
    paused(world, "booking")
    paused(world, "analytics")
    assert launch(world, ["celery", "worker", "-n", "worker1@%h"]).argv[2:4] == ["-X", "analytics,booking"]


@pytest.mark.parametrize(
    ("state", "left_out"),
    [
        (MitigationState.APPLYING, True),
        (MitigationState.IN_FORCE, True),
        (MitigationState.PARTIAL, True),
        (MitigationState.ENDING, False),
        (MitigationState.ENDED, False),
    ],
)
def test_a_pause_that_is_ending_is_over_for_a_worker_that_starts(
    world: World, state: MitigationState, left_out: bool
) -> None:
    """It would come up after the resume, which could not have seen it."""
    paused(world, "analytics", state)
    assert ("-X" in launch(world).argv) is left_out


def test_what_the_environment_excludes_is_kept(world: World) -> None:
    """Celery obeys its variable only while the command has no `-X`."""
    paused(world, "analytics")
    argv = launch(world, env={"CELERY_WORKER_EXCLUDE_QUEUES": "ai_generation"}).argv
    assert argv[4:6] == ["-X", "ai_generation,analytics"]


def test_a_worker_that_no_resume_would_find_is_warned_of(world: World) -> None:
    """Its name is in no group and was not there before; one that had the queue before is found by its name."""
    paused(world, "analytics", workers=("known@a",))
    stranger = launch(world, [*COMMAND, "-n", "stranger@%h"]).line
    assert "After the pause stranger@a consumes analytics only once it is started anew" in stranger
    assert "add it to `worker_groups`" in stranger
    assert "After" not in launch(world, [*COMMAND, "-n", "known@a"]).line


class BrokenStore:
    """A database that fails, or keeps silent until it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.let_go = error, threading.Event()

    @contextmanager
    def read(self) -> Iterator[None]:
        """Fail, or wait."""
        if self.error:
            raise self.error
        self.let_go.wait(60)
        yield


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StoreUnavailable("the file is damaged"), "The bot's own database is not answering (the file is damaged)"),
        (ZeroDivisionError("a mistake"), "reading the pauses failed (ZeroDivisionError: a mistake)"),
    ],
)
def test_a_worker_starts_whatever_is_wrong_with_the_bot(error: Exception, words: str) -> None:
    """Without an answer the command is as it was, and the line says what that means."""
    store: Store = BrokenStore(error)  # type: ignore[assignment]  # it never comes to the other methods
    launched = prepare(SPEC, COMMAND, lambda: store, {}, "a")
    assert launched.argv == COMMAND
    assert launched.line.startswith("Started without looking for pauses, so it may consume a paused queue: ")
    assert words in launched.line


def test_a_database_that_keeps_silent_holds_a_worker_up_for_two_seconds() -> None:
    """The wait has an end, and the worker starts."""
    silent = BrokenStore()
    store: Store = silent  # type: ignore[assignment]  # it never comes to the other methods
    began = time.monotonic()
    launched = prepare(SPEC, COMMAND, lambda: store, {}, "a")
    silent.let_go.set()
    assert READ_SECONDS <= time.monotonic() - began < READ_SECONDS + 1.5
    assert launched.argv == COMMAND
    assert "the bot's database did not answer within 2 s" in launched.line


def test_a_command_that_starts_no_worker_is_refused_before_anything_is_read() -> None:
    """That is a mistake of whoever wrote the unit file, and is seen at the first start."""
    with pytest.raises(BadInput, match="is no `celery … worker` command"):
        prepare(SPEC, ["./start.sh"], lambda: pytest.fail("the database was opened"), {}, "a")
    with pytest.raises(BadInput, match="is `celery beat`"):
        unprepared(["celery", "beat"], "the settings cannot be read")


BECOME = "import os, sys; from bot.drivers.launcher import become; become(sys.argv[1:], os.environ)"


def test_the_process_becomes_the_command() -> None:
    """The same process id, so that signals of the supervisor reach the worker itself."""
    shell = ["/bin/sh", "-c", 'trap "exit 7" TERM; echo $$; while :; do sleep 0.05; done']
    with subprocess.Popen([sys.executable, "-c", BECOME, *shell], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) == 7


def test_a_program_that_is_not_there_is_named() -> None:
    """The sentence names it; there is no traceback of the system's."""
    done = subprocess.run([sys.executable, "-c", BECOME, "no-such-celery"], capture_output=True, text=True, check=False)
    assert "bot.domain.errors.BadInput: `no-such-celery` cannot be run: No such file or directory." in done.stderr
