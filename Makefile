# make run | test | check | bench: each works on a fresh machine with Python ≥ 3.11, git and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
# Without compiled modules each of the house's processes compiles all of it anew: half a second of every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check bench crash install translations
help:
	@echo "make run    start the exchange with everything it needs, on http://127.0.0.1:$${PORT:-8000}"
	@echo "make test   the whole test suite, on its own services"
	@echo "make check  lint, format, types, import contracts, migrations, translations"
	@echo "make bench  speed, as ratios against named baselines"
	@echo "make crash  ROUNDS=200 rounds of downloads with kill -9; the usage must be what the log says"

$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing what requirements.txt pins (once) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@touch $@

install: $(STAMP)
	@$(BIN)/python -m exchange.translations compile

run: install
	@exec $(BIN)/python -m exchange

test: install
	@$(BIN)/python -m pytest -n 3

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m exchange.translations
	$(BIN)/python -m pytest tests/architecture

crash: install
	@$(BIN)/python -m tests.delivery.test_crashes $${ROUNDS:-200}

bench: install
	@$(BIN)/python -m bench

translations: install
	$(BIN)/python -m exchange.translations update
