"""The watched-cluster adapter on real brokers with real workers."""
