"""Views: pure functions from a bundle of truth to what stands in Slack. No clock, no input or output."""
