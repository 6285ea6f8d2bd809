# `make` lists the targets. Every target sets up what it needs.

VENV := .venv
BIN := $(VENV)/bin
# Written after a complete installation, so an interrupted one is taken up again.
STAMP := $(VENV)/.installed
# Default: the first of these that runs and is new enough. Override with `make setup PYTHON=/path/to/python3.12`.
PYTHON ?=
CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3 python
NEW_ENOUGH := sys; sys.exit(sys.version_info < (3, 11))
# Extra arguments: `make test ARGS="-k matching"`, `make demo ARGS="seed=1"`.
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo app test slow check bench docs litert clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## Build the environment in .venv (Python 3.11 or newer; about 2 minutes, 7 GB)

demo: setup ## Train, evaluate and draw an SSD-MobileNet on generated pictures
	$(BIN)/python tools/demo_ssd_coco.py $(ARGS)

app: setup ## Open a page in the browser to try trained networks
	$(BIN)/python tools/app.py $(ARGS)

# One thread per worker: two workers of many threads each would fight over the processor.
test: setup ## Run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

slow: setup ## Run the slow tests: every demo to its end, and what it reaches
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m slow $(ARGS)

check: setup ## Lint, formatting, types and import layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## Measure training and inference speed on this machine
	$(BIN)/python tools/bench.py $(ARGS)

docs: setup ## Build the site of these pages, build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# Without what it asks for: a part of the converter forbids the typing-extensions that all others
# need, and runs with it all the same.
litert: setup ## Add what writes .tflite files (format=litert; about 900 MB)
	$(BIN)/python -m pip install -c constraints.txt -e '.[litert]'
	$(BIN)/python -m pip install -c constraints.txt --no-deps litert-torch litert-converter xdsl
	$(BIN)/python -m pip install -c constraints.txt fire jax jaxtyping kagglehub lark multipledispatch ordered-set transformers

clean: ## Remove caches and build leftovers; keeps .venv and runs/
	rm -rf build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@if ! $(BIN)/python -c 'import pip, $(NEW_ENOUGH)' 2>/dev/null; then \
		for python in $(or $(PYTHON),$(CANDIDATES)); do \
			if $$python -c 'import $(NEW_ENOUGH)' 2>/dev/null; then \
				found=$$python; break; \
			fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo 'Python 3.11 or newer is needed; tried: $(or $(PYTHON),$(CANDIDATES)).' >&2; \
			echo 'Install one, or name it: make setup PYTHON=/path/to/python3.12' >&2; \
			exit 2; \
		fi; \
		echo "Building $(VENV) with $$found"; \
		$$found -m venv --clear $(VENV); \
	fi
	$(BIN)/python -m pip install -c constraints.txt -e '.[import,faces,dev]'
	@touch $@
