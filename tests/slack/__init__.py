"""Tests of the Slack shell, over real sockets against the local Slack."""
