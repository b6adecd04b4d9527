"""From a look that was asked for to the message that shows it."""

from bot.domain.errors import BadInput
from bot.ports import Ports
from bot.slack.looks import (
    VERBS,
    ArchiveList,
    ConnectionList,
    Failures,
    Look,
    Queues,
    RevokeList,
    RunCheck,
    Targets,
    Task,
    Tasks,
    Workers,
    look,
)
from bot.slack.named import Names
from bot.slack.tools import Tools
from bot.slack.typed import words_of
from bot.slack.views.archives import archives_message
from bot.slack.views.check import check_message, checks_message
from bot.slack.views.connections import connections_message
from bot.slack.views.failures import failures_message
from bot.slack.views.message import Message
from bot.slack.views.queues import queues_message
from bot.slack.views.revokes import revokes_message
from bot.slack.views.targets import targets_message
from bot.slack.views.task import task_message
from bot.slack.views.tasks import tasks_message
from bot.slack.views.worker_details import workers_message
from bot.usecases import archives, checks, connections, looks, measuring, revokes


async def looked(tools: Tools, asked: Look, *, fresh: bool = False, shared: bool = False) -> Message:
    """Look, and return what is to be shown. `fresh`: ask the cluster, whatever is remembered; `shared`: for all.

    Raises UnknownName or BadInput in words.
    """
    return await tools.cluster(_looked, asked, fresh=fresh, shared=shared)


def _looked(ports: Ports, asked: Look, *, fresh: bool, shared: bool) -> Message:
    match asked:
        case Queues(cluster, queue):
            return queues_message(looks.queues(ports, cluster, queue, fresh=fresh), shared=shared)
        case Workers(cluster, worker):
            return workers_message(looks.workers(ports, cluster, worker, fresh=fresh), shared=shared)
        case Tasks(cluster, name, span):
            return tasks_message(looks.tasks(ports, cluster, name, span), shared=shared)
        case Task(cluster, id):
            return task_message(looks.task(ports, cluster, id), shared=shared)
        case Failures(cluster, task, span):
            return failures_message(looks.failures(ports, cluster, task, span), task=task, shared=shared)
        case Targets(cluster):
            return targets_message(measuring.targets(ports, cluster), shared=shared)
        case ArchiveList(cluster):
            return archives_message(archives.archives(ports, cluster), shared=shared)
        case RevokeList(cluster):
            return revokes_message(revokes.revokes(ports, cluster), shared=shared)
        case ConnectionList(cluster):
            return connections_message(connections.connections(ports, cluster), shared=shared)
        case RunCheck(cluster, None):
            titles = {name: checks.title_of(check) for name, check in ports.registry.checks.items()}
            return checks_message(cluster, titles)
        case RunCheck(cluster, str(name), words):
            return check_message(checks.check(ports, cluster, name, dict(words)), words, shared=shared)
    raise AssertionError(f"no such look: {asked}")


def look_of(ports: Ports, line: str) -> Look:
    """Return the look that a button's line means; raises BadInput for a line that is none."""
    clusters = ports.clusters.names()
    queues = {name: frozenset(q.name for q in ports.clusters.spec(name).queues) for name in clusters}
    words = words_of(line)
    if not words or words[0] not in VERBS:
        raise BadInput("This button is from another version of the bot. Use `/celery status` instead.")
    return look(words[0], words[1:], Names(queues, clusters, clusters[0]))
