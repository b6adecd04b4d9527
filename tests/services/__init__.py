"""Real servers and workers for the tests, and the rule for machines that lack one."""
