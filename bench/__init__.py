"""How fast the project is, measured side by side with the published way of doing each job.

`python -m bench` compares and writes results.json and results.md; `python -m bench.scaling` shows how cost grows.
"""
