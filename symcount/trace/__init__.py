"""Run a factory on symbols, and record what it does."""
