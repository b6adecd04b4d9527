"""Takes out of text what looks like a secret, before anybody reads or stores it.

It errs on the side of taking out too much: a missing word costs a look into the log, a shown password costs more.
"""

import re

HIDDEN = "********"

_NAME = (
    r"[\w.-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|encryption[_-]?key"
    r"|security[_-]?key|credential|authorization|cookie|dsn|signature|session[_-]?id)[\w.-]{0,60}"
)
_VALUE = r"""(?:b?'(?:\\.|[^'\\])*'|b?"(?:\\.|[^"\\])*"|(?:bearer|basic)\s+[^\s,;'")}\]]+|[^\s,;'")}\]]+)"""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    # All up to the last @ before a blank or a quote: a password may hold a slash or an @ that should be escaped.
    (re.compile(r"""\b([a-z][a-z0-9+.-]{0,30}://)[^\s'"<>|]*@""", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(rf"""(\b{_NAME}['"]?\s*(?:=>|[:=])\s*){_VALUE}""", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{12,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), HIDDEN),  # a JSON web token
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}|\bgh[a-z]_\w{20,}"), HIDDEN),
    (re.compile(r"\b[rs]k_(?:live|test)_\w{8,}|\bsk-[\w-]{16,}"), HIDDEN),
)


def redacted(text: str) -> str:
    """Return the text without passwords in addresses, values of settings named like secrets, and well-known tokens."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text
