"""What looks like a secret is taken out of text, and what does not stays."""

import pytest

from bot.domain.redaction import HIDDEN, redacted


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("connecting to redis://shop:hunter2@broker:6379/0 failed", "hunter2"),
        ("redis://:p@ss/word@broker/0", "ss/word"),
        ("sentry_dsn: 'https://abcdef:123456@sentry/1'", "abcdef"),
        ("MY_API_KEY = 'a b c'", "a b c"),
        ('{"password": "it\\"s", "user": "u"}', 's"'),
        ("db_password=hunter2, retries=3", "hunter2"),
        ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
        ("stripe_secret => sk_live_0123456789", "0123456789"),
        ("charge(key='sk_live_0123456789abc')", "0123456789abc"),
        ("header eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl sent", "c2lnbmF0dXJl"),
        ("token xoxb-1234567890-abcdef", "1234567890"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("aws AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
    ],
)
def test_a_secret_is_taken_out(text: str, secret: str) -> None:
    """In addresses, settings, headers, reprs and on its own."""
    assert secret not in redacted(text)
    assert HIDDEN in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: booking 42 has no seat for a@example.org",
        "redis://broker:6379/0 refused",
        "task_acks_late: True, priority_steps: [0, 3, 6, 9]",
        "KeyError: 'customer'",
        'File "/app/shop/tasks.py", line 3, in charge',
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    """What is no secret is needed at 3 a.m."""
    assert redacted(text) == text
