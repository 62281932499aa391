"""Fitting vector fields to observations."""
