"""Which software the workers run, and whether it is the same everywhere."""

from collections import defaultdict

from bot.checks.workers import NoParams
from bot.domain.broker import WorkerReport
from bot.domain.cluster import ClusterSnapshot
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, table, told
from bot.domain.wording import counted, listed
from bot.ports import Check, Target

SHOWN = ("celery", "python", "kombu", "redis", "redis-py", "billiard")
"""What a table has room for, in this order, as far as it is told."""


class WorkerVersions(Check[NoParams]):
    """Versions of Celery and its libraries on each worker, and where they differ."""

    name = "worker_versions"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Settings, which a worker reports too, are not shown: here may be many readers."""
        reports = target.diagnostics.reports(1.5)
        said = {name: report for name, report in sorted(reports.items()) if report is not None}
        silent = sorted({w.name for w in snapshot.workers} | set(reports) - said.keys() - {""})
        silent = [name for name in silent if name not in said]
        unknown = (f"No answer from {listed(silent)} (busy or unreachable).",) if silent else ()
        if not said:
            sentence = "No worker told what software it runs."
            return Finding(level=Level.UNKNOWN, sentence=sentence, at=snapshot.taken_at, unknown=unknown)
        packages = _packages(said)
        differing = {p: by_version for p in packages if len(by_version := _by_version(said, p)) > 1}
        celery = ", ".join(sorted(_by_version(said, "celery"))) or "?"
        well = f"{counted(len(said), 'worker')} of the same software: Celery {celery}."
        level, sentence = told([_trouble(p, by_version) for p, by_version in differing.items()], well)
        shown = _columns(packages, differing)
        rows = [(brief(name), *(report.versions.get(p, "?") for p in shown)) for name, report in said.items()]
        return Finding(
            level=level,
            sentence=sentence,
            at=snapshot.taken_at,
            values={"differing": sorted(differing), "workers": len(said)},
            table=table(("worker", *shown), rows),
            unknown=unknown,
        )


def _packages(said: dict[str, WorkerReport]) -> list[str]:
    found = {p for report in said.values() for p in report.versions}
    return [*(p for p in SHOWN if p in found), *sorted(found - set(SHOWN))]


def _columns(packages: list[str], differing: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the packages that fit beside a worker's name: those that differ first."""
    return sorted(packages, key=lambda p: p not in differing)[:3]


def _by_version(said: dict[str, WorkerReport], package: str) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, report in said.items():
        if package in report.versions:
            found[report.versions[package]].append(name)
    return dict(found)


def _trouble(package: str, by_version: dict[str, list[str]]) -> Trouble:
    which = "; ".join(f"{version} on {listed(names, 3)}" for version, names in sorted(by_version.items()))
    words = f"Workers run different versions of {package}: {which}. Bring them to one, or make sure that this is meant."
    return Trouble(Level.WARN, words)
