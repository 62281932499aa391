"""Metrics to tables, sentences and reports."""
