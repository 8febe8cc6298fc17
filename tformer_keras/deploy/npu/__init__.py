"""Models for Arm's Ethos-U neural processors."""
