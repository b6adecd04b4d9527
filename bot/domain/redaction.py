"""Takes out of text what looks like a secret, before anybody reads or stores it.

It errs on the side of taking out too much: a missing word costs a look into the log, a shown password costs more. UUIDs
stay, as people look tasks up by them.
"""

import re
from collections.abc import Callable

HIDDEN = "********"

_KEYS = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token(?!s)|api[ _-]?key|(?:access|private|encryption|security)[_-]?key"
    r"|credentials?|authorization|auth[_-]key|cookie|session[_-]?id|signature|dsn"
    r"|(?:account|shared)(?:[_-]?access)?[_-]?key(?!s|_?id)"
    r"|(?<![a-z])(?:pass|auth|pin|otp|sig|cvv?)(?![a-z]))"
)
_BETWEEN = (
    r"""(?:\\*["']?\s{0,3}(?:=>|:=|[:=])\s{0,3}|\\*["']\s{0,3},\s{0,3}(?=[bur]{0,2}\\*["'])|\s{1,3}(?=\\*["']))"""
)
_VALUE = (
    r'(?:[bur]{0,2}"(?:\\.|[^"\\])*"?'
    r"|[bur]{0,2}'(?:\\.|[^'\\])*'?"
    r"""|[bur]{0,2}\\+(?P<quote>["']).*?(?:\\+(?P=quote)|$)"""
    r"|(?:bearer|basic|digest|token|negotiate)\s+[^\s\"',;]+"
    r"|[^\s,;&)}\]\"']+)"
)
_PLAIN = ("None", "null", "True", "False", "true", "false", HIDDEN)


def _value(match: re.Match[str]) -> str:
    value = match["value"]
    if value in _PLAIN:
        return match[0]
    quote = value.lstrip("bur\\")[:1]
    return match["key"] + (f"{quote}{HIDDEN}{quote}" if quote in ("'", '"') else HIDDEN)


def _random(match: re.Match[str]) -> str:
    """Take out what no person would have made up: letters of both cases and digits, or very many digits."""
    text = match[0]
    upper, lower = sum(c.isupper() for c in text), sum(c.islower() for c in text)
    digits = sum(c.isdigit() for c in text)
    mixed = upper >= 3 and lower >= 3 and digits >= 2
    long = len(text) >= 32 and digits >= 6 and "/" not in text
    key = upper >= 6 and lower >= 6 and digits and len(text) >= 32
    return HIDDEN if (mixed or long or key) and not _UUID.fullmatch(text) else text


def _card(match: re.Match[str]) -> str:
    """Take out what has the check digit of a card's number."""
    digits = [int(c) for c in match[0] if c.isdigit()]
    doubled = [sum(divmod(d * 2, 10)) if place % 2 else d for place, d in enumerate(reversed(digits))]
    return HIDDEN if sum(doubled) % 10 == 0 else match[0]


_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)

_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.DOTALL), HIDDEN),
    # An address with a user and a password; a password may hold an @, so all up to the last one goes.
    (re.compile(r"""(?<=://)[^\s"'<>]{0,500}@"""), f"{HIDDEN}@"),
    (re.compile(r"""[^\s"'<>/@:=]{0,80}:[^\s"'<>/@:]{1,200}@(?=[\w.-])"""), f"{HIDDEN}@"),
    (re.compile(rf"(?P<key>{_KEYS}[\w.-]{{0,40}}{_BETWEEN})(?P<value>{_VALUE})", re.IGNORECASE), _value),
    (
        re.compile(rf"(?P<key>(?<![\w-])--?[\w-]{{0,40}}{_KEYS}[\w-]{{0,40}}\s+)(?P<value>[^\s-]\S*)", re.IGNORECASE),
        _value,
    ),
    (re.compile(r"(?P<key>(?<!\S)(?:-u|--user)[ =]{0,3}[^\s:/]{1,80}:)(?P<value>(?!//)\S+)"), _value),
    (re.compile(r"(?P<key>\bidentified\s{1,3}by\s{1,3})(?P<value>(?=['\"])\S+)", re.IGNORECASE), _value),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), HIDDEN),  # a JSON web token, whole or cut
    (re.compile(r"\b(?:xox[a-z]-|xapp-|gh[a-z]_|github_pat_|glpat-|sk[-_]|pk_|rk_|whsec_|SG\.)[\w.-]{8,}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\bAIza[\w-]{20,}"), HIDDEN),
    (re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])"), _card),
    (re.compile(r"[\w+/=-]{20,}"), _random),
)


def redacted(text: str) -> str:
    """Return the text without passwords in addresses, values named like secrets, tokens, random text, card numbers."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text
