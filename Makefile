# make            what there is
# make demo       the demo; ONCE=1 ends after its first work, FOLDER=... reads something else
#
# PYTHON picks the interpreter of .venv (default: python3), which must be 3.11 or newer.
# JOBS is how many tests run side by side; they wait more than they compute.

PYTHON ?= python3
JOBS ?= 3
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo quick test test-all django-suite libraries chaos chaos-headline mutations \
	lint types check-deploy bench \
	bench-large bench-peers screenshots messages clean

comma := ,
BIN := .venv/bin
# The driver of the database that DATABASE_URL asks for.
DRIVER := $(if $(findstring postgres,$(DATABASE_URL)),$(comma)postgres)$(if $(filter mysql% mariadb%,$(DATABASE_URL)),$(comma)mysql)
INSTALLED = .venv/with

help:
	@echo "make demo     run the demo: a site, a worker, Valkey and a database, with real work"
	@echo "              ONCE=1 ends after the work, FOLDER=... reads it, PORT=... instead of 8000"
	@echo "make quick    run what needs no server: pure functions, and the rest on SQLite (1 min)"
	@echo "make test     run the tests"
	@echo "make test-all run them with every change of every zone's clock (minutes more)"
	@echo "make django-suite  run Django's own tests of its tasks API against djtasks, for Django 6.0"
	@echo "              and 6.1 or for VERSIONS=...; needs Python 3.12 or newer"
	@echo "make libraries  use the newest Wagtail, django-overseer and django-tasks-monitor on a small"
	@echo "              site, or LIBRARIES=...; needs Python 3.12 or newer"
	@echo "make chaos    break servers and processes under load, and show that nothing is lost;"
	@echo "              PROFILE=real takes the real heartbeat, CHAOS_SEED=... repeats a run"
	@echo "make chaos-headline  100,000 tasks while everything breaks, beside the same in peace"
	@echo "make mutations  take the rules out one at a time, and see a test turn red for each"
	@echo "make lint     check format, style, layers and spelling"
	@echo "make types    check types"
	@echo "make check-deploy  check the files of deploy/ with hadolint, shellcheck, Kubernetes' schemas"
	@echo "              and systemd-analyze, where there is one"
	@echo "make bench    run the benchmarks"
	@echo "make bench-large  how speed changes with what grows, up to ten million rows, with plots"
	@echo "              (an hour, 15 GB of disk)"
	@echo "make bench-peers  measure djtasks beside other task queues, each in an environment of its"
	@echo "              own; ARGUMENTS='celery djtasks --quick' for a look at some"
	@echo "make screenshots  take the pictures of the documentation (needs chromium and its driver)"
	@echo "make messages   collect what the admin says in djtasks/locale/django.pot, for translators,"
	@echo "              and compile translations; before a release (needs gettext)"
	@echo "make clean    delete .venv"
	@echo "PYTHON=python3.13 picks the interpreter, REDIS_URL and DATABASE_URL servers of yours."

demo: $(INSTALLED)-embedded$(DRIVER)
	@exec $(BIN)/python -m demo_project.run --tied $(if $(filter-out 0,$(ONCE)),--once) $${PORT:+--port "$$PORT"} $${FOLDER:+"$$FOLDER"}

# On SQLite and the memory broker, see tests/quick.py.
quick: $(INSTALLED)-test
	DJTASKS_TEST_QUICK=1 $(BIN)/python -m pytest -q -n 2

# Branch coverage of all processes, those that tests start included; below 90 % it fails.
test: $(INSTALLED)-test
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(JOBS) --durations=20
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered

test-all: $(INSTALLED)-test
	DJTASKS_TEST_ALL=1 $(BIN)/python -m pytest -n $(JOBS)

VERSIONS ?= 6.0 6.1
django-suite: $(INSTALLED)-test
	$(BIN)/python -m tests.contract.django_suite $(VERSIONS)

libraries: $(INSTALLED)-test
	$(BIN)/python -m tests.libraries.suite $(LIBRARIES)

chaos: $(INSTALLED)-test
	CHAOS=all $(BIN)/python -m pytest -n 2 tests/chaos

chaos-headline: $(INSTALLED)-test
	$(BIN)/python -m tests.chaos.headline

mutations: $(INSTALLED)-test
	$(BIN)/python -m tests.chaos.mutations

lint: $(INSTALLED)-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/codespell

types: $(INSTALLED)-dev
	$(BIN)/mypy

check-deploy: $(INSTALLED)-deploy
	DJTASKS_TEST_DEPLOY=1 $(BIN)/python -m pytest -q -n 0 -rs tests/deploy

bench: $(INSTALLED)-test
	$(BIN)/python -m benchmarks

bench-large: $(INSTALLED)-bench
	@mkdir -p build
	$(BIN)/python -m benchmarks growth --large > build/growth.jsonl
	$(BIN)/python -m benchmarks.growth.plots build/growth.jsonl --folder build

bench-peers: $(INSTALLED)-bench
	@mkdir -p build
	$(BIN)/python -m benchmarks.peers --output build/peers.jsonl $(ARGUMENTS)
	$(BIN)/python -m benchmarks.peers.render build/peers.jsonl --folder build

screenshots: $(INSTALLED)-test
	$(BIN)/python -m pytest -q tests/admin/screenshots.py

# Every language that has a folder in djtasks/locale/ is brought up to date and compiled.
messages: $(INSTALLED)-test
	@mkdir -p djtasks/locale
	cd djtasks && ../$(BIN)/django-admin makemessages --all --keep-pot --add-location file
	cd djtasks && ../$(BIN)/django-admin compilemessages

clean:
	rm -rf .venv

# .venv is made once. What is installed in it is brought up to date with pyproject.toml.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "djtasks needs Python 3.11 or newer, and $(PYTHON) is older. Choose another: make PYTHON=python3.12 ...")'
	@echo "Making .venv with $(PYTHON)..."
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }

$(INSTALLED)-%: pyproject.toml | $(BIN)/python
	@echo "Installing into .venv..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
