"""What people fill in, and what is wrong with it, in the words that stand beside the field."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, model_validator

from bot.domain.action import Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import Seconds
from bot.ports import UNDO_ONLY, Action, Params, Progress, Target
from bot.slack.forms.fields import FormField, Kind, fields_of, typed_of
from bot.slack.forms.filled import Filled, Wrong, filled


class MoveParams(Params):
    """Parameters of every kind."""

    queue: str = Field(min_length=1, max_length=20, title="From queue")
    by: int = Field(default=1, ge=1, le=20, title="How many")
    wait: Seconds | None = Field(default=None, ge=60, title="Not before", description="As 5m.")
    keep: Seconds = Field(default=86400, ge=3600, le=7 * 86400)
    mode: Literal["gentle", "hard"] = "gentle"
    ids: tuple[Annotated[str, Field(max_length=8)], ...] = Field(default=(), max_length=3)
    force: bool = False
    sizes: dict[str, int] = Field(default_factory=dict, json_schema_extra=UNDO_ONLY)

    @model_validator(mode="after")
    def _not_both(self) -> "MoveParams":
        if self.force and self.mode == "hard":
            raise ValueError("say `force` or another `mode`, one of them")
        return self


class MoveThings(Action[MoveParams]):
    """Move things about; made up here, and known to nothing but this file."""

    name = "move_things"
    version = 3
    params = MoveParams

    def risk(self, params: MoveParams, spec: ClusterSpec, policy: Policy) -> Risk:
        """High, if it were there."""
        return Risk.HIGH

    def observe(self, params: MoveParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """See nothing."""
        raise NotImplementedError

    def preview(self, params: MoveParams, observation: Observation, spec: ClusterSpec) -> Preview:
        """Show nothing."""
        raise NotImplementedError

    def run(self, params: MoveParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Do nothing."""
        raise NotImplementedError

    def verify(self, params: MoveParams, before: Observation, after: Observation) -> Verdict:
        """Prove nothing."""
        raise NotImplementedError

    def undo(self, params: MoveParams, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Undo nothing."""
        raise NotImplementedError

    def command(self, params: MoveParams, spec: ClusterSpec) -> str:
        """Say nothing."""
        raise NotImplementedError


MOVE = MoveThings()


def fields() -> dict[str, FormField]:
    """Return what is asked for, by name."""
    return {f.name: f for f in fields_of(MoveParams)}


def test_an_action_that_nothing_else_knows_has_its_form() -> None:
    """Its kinds, bounds and labels are read from its parameters; a field without a title is called by its name."""
    asked = fields()
    assert [f.kind for f in asked.values()] == [
        Kind.NAME,
        Kind.NUMBER,
        Kind.LENGTH,
        Kind.LENGTH,
        Kind.CHOICE,
        Kind.LINES,
        Kind.FLAG,
        Kind.REASON,
    ]
    assert [f.label for f in asked.values()][:4] == ["From queue", "How many", "Not before", "Keep"]
    assert [f.needed for f in asked.values()] == [True, *[False] * 7]
    assert asked["by"].hint == "From 1 to 20."
    assert asked["wait"].hint == "As 5m. At least 1m."
    assert (asked["keep"].hint, asked["keep"].start) == ("From 1h to 7d.", "1d")
    assert asked["mode"].choices == ("gentle", "hard")


def test_what_is_filled_in_becomes_a_proposal() -> None:
    """Of the action's version; what stays empty is left to its default, and quotes around a name are taken away."""
    given: dict[str, str | bool] = {
        "queue": " `booking` ",
        "by": "3",
        "wait": "",
        "keep": "1h30m",
        "ids": "a1, b2\nc3",
        "force": True,
        "reason": " because ",
    }
    assert filled(MOVE, "prod", given) == Filled(
        Proposal(
            action="move_things",
            version=3,
            cluster="prod",
            params={
                "queue": "booking",
                "by": 3,
                "keep": 5400,
                "mode": "gentle",
                "ids": ["a1", "b2", "c3"],
                "force": True,
            },
        ),
        "because",
    )


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"queue": ""}, {"queue": "This is needed."}),
        ({"queue": "q" * 21}, {"queue": "At most 20 characters fit here, and these are 21."}),
        ({"by": "21"}, {"by": "It can be at most 20."}),
        ({"by": "0"}, {"by": "It has to be at least 1."}),
        ({"by": "few"}, {"by": "“few” is no whole number."}),
        ({"wait": "5"}, {"wait": "“5” is no length of time; write 30m, 2h or 1h30m."}),
        ({"wait": "30s"}, {"wait": "It has to be at least 1m."}),
        ({"keep": "8d"}, {"keep": "It can be at most 7d."}),
        ({"ids": "a b c d"}, {"ids": "At most 3 can be named at once, and these are 4."}),
        ({"ids": "a 123456789"}, {"ids": "At most 8 characters fit here, and these are 9."}),
        ({"force": True, "mode": "hard"}, {"force": "Say “Force” or another “Mode”, one of them."}),
        ({"by": "few", "keep": "8d"}, {"by": "“few” is no whole number.", "keep": "It can be at most 7d."}),
    ],
)
def test_what_is_wrong_is_said_at_its_field(given: dict[str, str | bool], errors: dict[str, str]) -> None:
    """One sentence for each field, that says what would be right."""
    assert filled(MOVE, "prod", {"queue": "booking", **given}) == Wrong(errors)


def test_a_runbooks_words_stand_in_the_form_as_they_would_be_typed() -> None:
    """Seconds as a length of time, a list one a line."""
    params: dict[str, Any] = {"queue": "booking", "keep": 90000, "ids": ["a", "b"], "force": True, "sizes": {"w": 1}}
    assert typed_of(fields_of(MoveParams), params) == {
        "queue": "booking",
        "keep": "1d1h",
        "ids": "a\nb",
        "force": True,
    }
