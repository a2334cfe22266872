# Every target makes .venv and installs what it needs first; nothing is installed twice.
#
#   PYTHON=python3.12      which interpreter .venv is made with
#   PIP_ARGS="--no-cache"  more options for pip (docs/install.md: the small CPU build of torch)

VIDEO = recordings/me.mp4
NAME = me
export VIDEO NAME

# What training is timed on: five real minutes where there are some, else the demo's talker.
BENCH_VIDEO = $(firstword $(wildcard $(HYGIESYNC_DATA)/grid/train.mp4) recordings/demo_talker.mp4)

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# The first interpreter that mediapipe has wheels for.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.10 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$python && break; \
	done)

# One process of tests a core; a file's tests stay together, in the order that tests/conftest.py gives them.
PYTEST = $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

# Tests of single parts: no training, no recordings, no sound server and no display.
UNIT := not slow and not data and not device

.PHONY: help install train live demo test check coverage assistants container lint generic first-order bench gallery docs clean

help:  ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s%s\n", $$1, $$2 }' Makefile

install: $(INSTALLED)  ## make .venv and install hygiesync and all it needs

train: $(INSTALLED)  ## VIDEO=recordings/me.mp4 NAME=me: turn a video into the avatar models/me
	$(BIN)/hygiesync train "$$VIDEO" --out "models/$$NAME"

live: $(INSTALLED)  ## NAME=me: a window in which models/me says what the microphone hears
	$(BIN)/hygiesync live "models/$$NAME"

demo: $(INSTALLED)  ## see it work, with no camera, microphone or network
	$(BIN)/hygiesync demo

test: $(INSTALLED)  ## run all tests
	$(PYTEST)

check: lint  ## while changing code: lint, and the tests of single parts
	$(PYTEST) -m "$(UNIT)"

# Measuring takes a quarter longer, so the long tests go without. What other processes run is not counted.
coverage: $(INSTALLED)  ## show what the tests of single parts don't reach
	$(PYTEST) -m "$(UNIT)" --cov

# MediaPipe and these frameworks can't be in one environment; the server runs in ours, the plug-ins in one for each.
assistants: $(INSTALLED)  ## test the plug-ins for pipecat and LiveKit against the real packages
	for framework in pipecat livekit; do \
		"$(PYTHON)" -m venv .venv-$$framework && \
		.venv-$$framework/bin/python -m pip install -q $(PIP_ARGS) -e ".[$$framework]" pytest pytest-timeout hypothesis && \
		HYGIESYNC_PYTHON=$(BIN)/python .venv-$$framework/bin/python -m pytest tests/test_assistants.py || exit 1; \
	done

# Its own health check asks every half a minute.
container:  ## build the server's image, start it, and see that it becomes healthy; needs docker
	docker build -t hygiesync .
	id=$$(docker run -d --rm hygiesync) && \
	for second in $$(seq 120); do \
		health=$$(docker inspect -f '{{.State.Health.Status}}' $$id); [ "$$health" = healthy ] && break; sleep 1; \
	done; \
	docker logs $$id; docker stop $$id >/dev/null; [ "$$health" = healthy ]

lint: $(INSTALLED)  ## check style, types and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy hygiesync tests
	$(BIN)/lint-imports

generic: $(INSTALLED)  ## train the speech encoder and the generic speech models again, on synthetic voices (needs flite, Whisper tiny)
	$(BIN)/python -m hygiesync.apps.make_generic

first-order: $(INSTALLED)  ## train the small face model that moves pictures again, on made faces (half an hour)
	$(BIN)/python -m hygiesync.apps.make_first_order

bench: $(INSTALLED) models/demo/avatar.json  ## measure speed, on the demo's avatar, on training and on batches
	$(BIN)/hygiesync bench models/demo --training-video "$(BENCH_VIDEO)" --batch 200

gallery: $(INSTALLED)  ## HYGIESYNC_DATA=DIR: every picture there moved by every driving video, as sheets in recordings/gallery
	@test -n "$$HYGIESYNC_DATA" || { echo "set HYGIESYNC_DATA to a folder with portraits/, driving/ and clips/" >&2; exit 2; }
	$(BIN)/python docs/experiments/portrait_gallery.py --data "$$HYGIESYNC_DATA" --out recordings/gallery

# The plug-ins want packages that stand in no environment with ours; `make assistants` imports them.
docs: $(INSTALLED)  ## build docs/_build/html, run the docstrings' examples, follow the pages' links; warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	$(BIN)/pytest --doctest-modules hygiesync tests/test_docs.py \
		--ignore hygiesync/assistants/livekit.py --ignore hygiesync/assistants/pipecat.py

clean:  ## remove .venv and caches; models/ and recordings/ stay
	rm -rf $(VENV) .venv-pipecat .venv-livekit build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis docs/_build
	find . \( -path ./models -o -path ./recordings -o -path ./.git \) -prune -o \
		\( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

models/demo/avatar.json: | $(INSTALLED)
	$(BIN)/hygiesync demo

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.10, 3.11 or 3.12 found, and mediapipe has wheels for no other." \
		"Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	.ci/system-packages "$(PYTHON)"
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	@touch $@
