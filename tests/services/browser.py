"""Chromium without a window, driven by Playwright; both are there for the slow tests only."""

import importlib
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.services.require import require

Tab = Any
"""A page of Playwright, which is installed for the slow tests only, so that its types are not known here."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    """Return a running browser, for the tests of one module."""
    chromium = require("chromium")
    try:
        playwright = importlib.import_module("playwright.async_api")
    except ModuleNotFoundError:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("Playwright is not installed; `make test-slow` installs it", pytrace=False)
        pytest.skip("not installed: Playwright; `make test-slow` installs it")
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield started
        await started.close()
