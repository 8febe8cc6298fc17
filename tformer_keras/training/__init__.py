"""Training: recipes, the one loop, checkpoints and reports."""
