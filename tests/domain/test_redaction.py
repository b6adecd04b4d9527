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


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("amqp://shop:p@ss:w/rd@host//", "rd@"),
        ("curl -u shop:hunter2 https://pay.example", "hunter2"),
        ("curl --user=shop:hunter2 https://pay.example", "hunter2"),
        ("AccountName=shop;AccountKey=aHVudGVyMg==;", "aHVudGVyMg"),
        ("SharedAccessKeyName=root;SharedAccessKey=hunter2", "hunter2"),
        ("https://shop.blob.example/a?sv=2020&sig=hunter2", "hunter2"),
        ("CREATE USER shop IDENTIFIED BY 'hunter2'", "hunter2"),
        ('{\\"token\\": \\"hunter2\\"}', "hunter2"),
        ("[('Authorization', 'Basic aHVudGVyMg==')]", "aHVudGVyMg"),
        ("mysqldump --password hunter2 -h db", "hunter2"),
        ("the password 'hunter 2' was refused", "hunter 2"),
        ("password='it\\'s hunter2'", "hunter2"),
        ('password="cut in the mid', "mid"),
        ("X-Auth: hunter2", "hunter2"),
        ("cannot connect to shop:hunter2@db.example", "hunter2"),
        ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY used", "K7MDENG"),
        ("hash 5f4dcc3b5aa765d61d8327deb882cf99", "5f4dcc3b"),
        ("card 4111 1111 1111 1111 declined", "1111"),
        ("card 4111111111111111", "1111"),
        ("b'password=hunter2&retries=3'", "hunter2"),
        ("github_pat_11ABCDEFG0123456789", "ABCDEFG"),
    ],
)
def test_a_nasty_secret_is_taken_out(text: str, secret: str) -> None:
    """Escaped, quoted, cut in the middle, in pairs, on command lines; and what only looks random."""
    assert secret not in redacted(text)
    assert HIDDEN in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "task 9de3ef34-6b03-4978-8e7a-0338be1478b9 failed at 1795386344424",
        'File "/usr/lib/python3.11/site-packages/celery/app/trace.py", line 477, in trace_task',
        "w1@host is silent; max_tokens=100; secret=None",
        "SomeVeryLongExceptionNameOfALibraryError: gone",
    ],
)
def test_ids_and_paths_stay(text: str) -> None:
    """They are what people look for."""
    assert redacted(text) == text


@pytest.mark.parametrize("piece", ["a", "password", "x:", "://", "1 ", '\\"', "'token", "--secret ", "A1b", "-", "--a"])
def test_a_long_text_is_read_in_time_that_grows_with_its_length(piece: str) -> None:
    """Tracebacks come from anywhere; the suite's own timeout is what a pattern that explodes would meet."""
    assert len(redacted(piece * (50_000 // len(piece)))) > 0
