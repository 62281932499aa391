# Every target makes the virtual environment first if it is not there: nothing has to be done before any of them.

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
OTHERS := $(VENV)/.others-installed
CHECKS := $(VENV)/.checks-installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONPATH :=

.DEFAULT_GOAL := help
.PHONY: help repro test lint coverage-report check coverage pixels recordings reproduction torture paper ablation bench scaling readme lock audit mutants clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

PIP = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

$(STAMP): requirements.lock locks/torch.lock locks/torch-cpu.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --require-hashes --no-deps -r locks/torch-cpu.lock || \
	  { echo "no such CPU build of PyTorch here: the build of locks/torch.lock"; $(PIP) --require-hashes --no-deps -r locks/torch.lock; }
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(OTHERS): bench/requirements.lock $(STAMP)
	$(PIP) --require-hashes -r bench/requirements.lock
	@touch $@

$(CHECKS): locks/checks.lock $(STAMP)
	$(PIP) --require-hashes --no-deps -r locks/checks.lock
	@touch $@

repro: $(STAMP) ## run the pipeline: whatever is not up to date with params.yaml, code and data
	@python -m hnn check-params
	@rm -f metrics/times.csv
	dvc repro
	@python -m hnn times
	@python -m hnn report

test: lint ## ruff, types, then all tests
	python -m pytest -n 2 --dist worksteal

lint: $(STAMP) ## ruff and mypy
	ruff format --check .
	ruff check .
	mypy

coverage-report: $(STAMP) ## all tests, then the lines of src/ that none of them runs
	python -m pytest -n 2 --dist worksteal --cov=src/hnn --cov-report=term:skip-covered

check: $(STAMP) ## compare the metrics in metrics/ with the committed ones, and re-run one cell to compare its bytes
	python -m hnn check

paper: export HNN_EXTERNAL_DATA = $(ARCHIVES)
paper: $(STAMP) ## the published recipe as an experiment, and its table beside the published one in docs/paper.md; PIXELS=pixel_pendulum too
	-@dvc exp remove --quiet paper 2>/dev/null
	dvc exp run --temp --name paper $(PAPER)
	python -m hnn.commands.paper

coverage: $(STAMP) ## how often intervals contain the true value, by simulation and by a cell fitted 100 times: docs/coverage.md
	-@dvc exp remove --quiet coverage 2>/dev/null
	dvc exp run --temp --name coverage -S seeds=100 -S simulate.starts=100 -S simulate.long_horizon_factor=1 \
	  -S 'state_tasks=[mass_spring]' -S 'friction_tasks=[]' -S 'pixel_tasks=[]' -S 'models=[hnn]' \
	  -S tasks.mass_spring.simulate.outside_distribution=null report
	python -m hnn.commands.coverage

pixels: $(STAMP) ## all pixel tasks, an ablation of their training and many pretrained seeds, as a queue of experiments: docs/pixels.md
	python -m hnn.commands.pixels queue
	dvc exp run --run-all
	python -m hnn.commands.pixels collect

recordings: export HNN_EXTERNAL_DATA = $(ARCHIVES)
recordings: $(STAMP) ## recordings that others measured, as a user would run them: docs/recordings.md; ONLY=measured_pendulum
	python -m hnn.commands.recordings $(ONLY)

reproduction: $(STAMP) ## the last commit under other arithmetic and with planted changes, judged by `make check`: docs/reproduction.md
	python -m hnn.commands.reproduction

torture: $(STAMP) ## damage a thousand files of each kind, and kill running pipelines 40 times: nothing may be lost or wrongly believed
	python tests/files/damaged_files.py 1000
	HNN_KILLS=40 python -m pytest -n 0 -q -s tests/test_interruptions.py

ablation: $(STAMP) ## a queue of experiments on one task, TASK=pendulum: trajectories, noise, width, derivatives; into docs/ablations
	python -m hnn.commands.ablation queue $(TASK)
	dvc exp run --run-all
	python -m hnn.commands.ablation collect $(TASK)

bench: $(OTHERS) ## how fast, beside the published way of doing each job; BENCH=--repro also runs the pipeline from nothing
	python -m bench $(BENCH)

scaling: $(STAMP) ## how cost grows with the size of a job
	python -m bench.scaling

readme: $(STAMP) ## copy the results of metrics/report.md into README.md, and the output of commands on the experiment `narrow`
	python -m hnn readme

lock: ## the newest versions that pyproject.toml allows into the lock files; KEEP=--keep takes new hashes only
	$(PYTHON) -m venv --clear $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	PATH="$(CURDIR)/$(VENV)-lock/bin:$$PATH" $(VENV)-lock/bin/python locks/write_locks.py $(KEEP)
	rm -rf $(VENV)-lock

audit: $(CHECKS) ## known vulnerabilities of the locked versions, if their database can be reached, and the licences of what is installed
	python locks/audit.py

mutants: $(CHECKS) ## change one expression at a time of systems, integrators, losses, metrics and statistics; tests must fail: docs/mutants.md
	python tests/mutants.py

clean: ## remove the virtual environment; data and results stay
	rm -rf $(VENV)

# The recipe of Greydanus et al. 2019: constant rate, weight decay, and the differences of the recording with their slips. The
# recording joins where its archive is found. Pixels take longer than all the rest: `make paper PIXELS=pixel_pendulum`.
TASK ?= pendulum
ONLY ?=
SEEDS ?= 5
PIXELS ?=
ARCHIVES := $(or $(HNN_EXTERNAL_DATA),$(CURDIR)/data/external)
MEASURED ?= $(if $(wildcard $(ARCHIVES)/invar_datasets.zip),real_pendulum)
PAPER = \
  -S seeds=$(SEEDS) -S simulate.data=shared -S 'state_tasks=[mass_spring,pendulum,two_body]' -S 'friction_tasks=[]' \
  -S 'measured_tasks=[$(MEASURED)]' \
  -S 'models=[baseline,hnn]' -S 'friction_models=[baseline,hnn]' \
  -S train.schedule=constant -S train.learning_rate=1e-3 -S train.beta1=0.9 -S train.beta2=0.999 \
  -S train.steps=2000 -S train.batch=full -S train.weight_decay=1e-4 \
  -S ++tasks.two_body.train.learning_rate=1e-3 -S ++tasks.two_body.train.beta2=0.999 \
  -S ++tasks.two_body.train.steps=10000 -S ++tasks.two_body.train.batch=200 -S ++tasks.two_body.train.weight_decay=0.0 \
  -S ingest.derivative=published -S ++tasks.real_pendulum.train.weight_decay=1e-5 \
  -S 'pixel_tasks=[$(PIXELS)]' -S 'step_maps=[euler]' \
  -S autoencoder.momentum=encoded -S pretrain.steps=0 -S pretrain.time_unit=0.05 \
  -S pretrain.rescale_latents_to_std=0.0 -S pretrain.relative=false \
  -S train_pixels.schedule=constant -S train_pixels.learning_rate=1e-3 -S train_pixels.beta1=0.9 -S train_pixels.beta2=0.999 \
  -S train_pixels.steps=10000 -S train_pixels.batch=200 -S train_pixels.weight_decay=1e-5 -S train_pixels.segment=2 \
  -S train_pixels.relative=false -S train_pixels.canonical=1.0 -S train_pixels.dynamics=0.1 \
  -S train_pixels.autoencoder_rate=1e-3 -S train_pixels.dynamics_only_steps=0 \
  -S train_pixels.output_layer_segment=0
