"""Rollouts and their metrics."""
