"""The words the shell says outside of cards: refusals, the audit's tail, help. Gathered here for those who speak."""

from bot.slack.views.audit import audit_message
from bot.slack.views.formatting import count, escape, mention, prose, when
from bot.slack.views.help import help_message
from bot.slack.views.refusals import refused_sentence

__all__ = ["audit_message", "count", "escape", "help_message", "mention", "prose", "refused_sentence", "when"]
