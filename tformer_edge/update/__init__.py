"""Signed updates of a device's model: what a release says, deltas, trust, the store of two slots, and the client."""
