"""The people's side of the local Slack: what the page and the headless driver use."""
