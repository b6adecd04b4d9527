"""Forecasts are kept each minute, decided by what happened, and scored."""

from datetime import datetime, timedelta

import pytest

from bot.domain.forecast import DepthSample
from bot.domain.scoring import KeptForecast, Outcome, scores
from bot.usecases import forecasts
from bot.usecases.targets import acted_now
from tests.usecases.world import KeptSamples, World


class Queue:
    """The queue `ai_generation` as it goes on, with a forecast kept each minute; its goal is 500."""

    def __init__(self, world: World, depth: float) -> None:
        """Begin with this depth."""
        self.world, self.depth = world, depth

    def minutes(self, n: float, change: float, *, sampled: bool = True) -> None:
        """Let minutes pass in which the depth changes by so much a minute."""
        for i in range(round(n * 12)):
            self.world.clock.pass_time(seconds=5)
            self.depth = max(0, self.depth + change / 12)
            if sampled:
                self._samples.take_depths("prod", self.world.clock.now(), {"ai_generation": round(self.depth)})
            if sampled and i % 12 == 11:
                forecasts.keep(self.world.ports, "prod")

    @property
    def _samples(self) -> KeptSamples:
        samples = self.world.ports.samples
        assert isinstance(samples, KeptSamples)
        return samples

    def kept(self, outcome: Outcome) -> int:
        """How many forecasts became that."""
        with self.world.store.read() as tx:
            if outcome is Outcome.OPEN:
                return len(tx.forecasts.open("prod"))
            return sum(
                k.outcome is outcome for k in tx.forecasts.ended("prod", datetime.fromtimestamp(0).astimezone(), 99)
            )

    def act(self) -> None:
        """Somebody pauses something."""
        with self.world.store.write() as tx:
            acted_now(tx, "prod", self.world.clock.now())


def test_a_queue_that_drains_as_it_was_forecast_has_a_small_error(world: World) -> None:
    """A hundred a minute fewer from 1,500: ten minutes, forecast anew in each of them."""
    queue = Queue(world, 1500)
    queue.minutes(12, -100)
    (score,) = forecasts.scores(world.ports, "prod")
    assert (score.queue, score.n, score.wrong_way) == ("ai_generation", 9, 0)
    assert score.median_minutes is not None
    assert score.median_minutes < 0.2
    assert (score.p90_minutes or 9) < 0.2
    assert queue.kept(Outcome.OPEN) == 0


def test_a_queue_that_slows_down_shows_how_far_its_forecasts_were_off(world: World) -> None:
    """At first it drains in ten minutes; then at half that speed."""
    queue = Queue(world, 1600)
    queue.minutes(3, -100)
    queue.minutes(20, -50)
    (score,) = forecasts.scores(world.ports, "prod")
    assert score.wrong_way == 0
    assert (score.p90_minutes or 0) > 5
    assert (score.p90_minutes or 0) >= (score.median_minutes or 0)


def test_will_not_drain_is_wrong_when_it_did_within_the_hour(world: World) -> None:
    """It grew for two minutes, and was gone in three."""
    queue = Queue(world, 800)
    queue.minutes(3, 20)
    assert queue.kept(Outcome.OPEN) == 1
    queue.minutes(1, -500)
    (score,) = forecasts.scores(world.ports, "prod")
    assert score.wrong_way == score.n == 3
    assert score.median_minutes is None


def test_will_not_drain_is_right_after_an_hour(world: World) -> None:
    """Those of the first minutes are decided by then; the later ones not yet."""
    queue = Queue(world, 800)
    queue.minutes(64, 1)
    (score,) = forecasts.scores(world.ports, "prod")
    assert 2 <= score.n <= 4
    assert score.wrong_way == 0


def test_a_drain_that_never_came_is_the_wrong_way_in_the_end(world: World) -> None:
    """It said ten minutes, and an hour and more later the queue was as deep as ever."""
    queue = Queue(world, 1500)
    queue.minutes(2, -100)
    queue.minutes(85, 0)
    (score,) = forecasts.scores(world.ports, "prod")
    assert score.wrong_way >= 2
    assert queue.kept(Outcome.NOT_DRAINED) == score.n


def test_who_acts_in_between_voids_what_was_forecast_before(world: World) -> None:
    """The queue drained because of the pause: no forecast without it can be blamed."""
    queue = Queue(world, 800)
    queue.minutes(3, 20)
    queue.act()
    queue.minutes(1.5, -500)
    assert forecasts.scores(world.ports, "prod") == ()
    assert queue.kept(Outcome.OPEN) == 0


def test_what_drained_before_somebody_acted_counts(world: World) -> None:
    """Both within one minute between two looks."""
    queue = Queue(world, 800)
    queue.minutes(3, 20)
    queue.minutes(0.75, -800)
    queue.act()
    queue.minutes(1, 0)
    (score,) = forecasts.scores(world.ports, "prod")
    assert score.wrong_way == 3


@pytest.mark.parametrize("down_minutes", [3, 30])
def test_while_the_bot_was_down_nobody_saw_it_drain(world: World, down_minutes: int) -> None:
    """When it did is not known, so that no forecast is blamed or praised."""
    queue = Queue(world, 1500)
    queue.minutes(3, -100)
    queue.minutes(down_minutes, -600, sampled=False)
    queue.minutes(2, 0)
    assert forecasts.scores(world.ports, "prod") == ()
    assert queue.kept(Outcome.OPEN) == 0


def test_a_forecast_is_only_kept_of_a_queue_that_is_backed_up_and_of_fresh_depths(world: World) -> None:
    """Below its limit nothing is forecast; nor of a broker that has kept silent for a while."""
    queue = Queue(world, 400)
    queue.minutes(5, 5)
    assert queue.kept(Outcome.OPEN) == 0
    queue.minutes(3, 100)
    assert queue.kept(Outcome.OPEN) == 1
    world.clock.pass_time(minutes=5)
    forecasts.keep(world.ports, "prod")
    assert queue.kept(Outcome.OPEN) == 0


def test_a_second_bot_keeps_none_while_the_first_does(world: World) -> None:
    """Else each would count twice."""
    assert world.store.lease("forecasts:prod", "another", world.clock.now(), 3600)
    queue = Queue(world, 800)
    queue.minutes(3, 20)
    assert queue.kept(Outcome.OPEN) == 0


def test_forecasts_are_scored_and_kept_for_a_week(world: World) -> None:
    """Older ones are deleted."""
    queue = Queue(world, 1500)
    queue.minutes(12, -100)
    assert forecasts.scores(world.ports, "prod")
    world.clock.pass_time(days=8)
    assert forecasts.scores(world.ports, "prod") == ()
    forecasts.keep(world.ports, "prod")
    assert queue.kept(Outcome.DRAINED) == 0


def test_the_score_by_example() -> None:
    """Errors count as absolute; what will not drain has none; void and open ones are left out."""
    at = datetime.fromisoformat("2026-11-22T03:00:00+00:00")

    def kept(minutes: float | None, took: float, outcome: Outcome = Outcome.DRAINED) -> KeptForecast:
        ended, due = at + timedelta(minutes=took), at + timedelta(hours=1)
        return KeptForecast(queue="q", at=at, goal=5, minutes=minutes, due=due, outcome=outcome, ended_at=ended)

    (score,) = scores(
        [
            *(kept(10, 10 + n) for n in (-1, 2, -3, 4, 5)),
            kept(None, 3),
            kept(None, 60, Outcome.NOT_DRAINED),
            kept(10, 70, Outcome.NOT_DRAINED),
            kept(10, 99, Outcome.VOID),
            kept(10, 99, Outcome.OPEN),
        ]
    )
    assert (score.n, score.median_minutes, score.p90_minutes, score.wrong_way) == (8, 3, 5, 2)


def test_samples_are_what_decides(world: World) -> None:
    """The moment of draining is that of the first sample below the goal."""
    queue = Queue(world, 800)
    queue.minutes(3, -60)
    drained_at = world.clock.now() + timedelta(seconds=20)
    samples = world.ports.samples
    assert isinstance(samples, KeptSamples)
    for n in range(1, 13):
        depth = 499 if n >= 4 else 600
        at = world.clock.now() + timedelta(seconds=5 * n)
        samples.kept["ai_generation"].append(DepthSample(at=at, depth=depth))
    world.clock.pass_time(minutes=1)
    forecasts.keep(world.ports, "prod")
    with world.store.read() as tx:
        ended = tx.forecasts.ended("prod", world.clock.now() - timedelta(hours=1), 99)
    assert {k.ended_at for k in ended} == {drained_at}
