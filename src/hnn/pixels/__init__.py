"""Learning, rolling out and evaluating from frames only."""
