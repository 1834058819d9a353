PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
ZOO := benchmarks/zoo/.venv
COMPARISON := benchmarks/comparison/.venv
# Python and torch of the environments of `make test-versions`.
VERSIONS ?= 3.10-2.13.0 3.11-2.13.0 3.12-2.13.0 3.13-2.13.0 3.12-2.4.1 3.12-2.14.1

.DEFAULT_GOAL := help
.PHONY: help .venv demo test test-all test-versions trust lint docs linkcheck dist atlas notebooks bench claims zoo injection comparison fuzz \
  format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv: $(READY) ## Create the development environment

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY) ## Derive a first formula
	$(BIN)/python examples/demo.py

# pytest comes last, so that its summary is the last thing printed.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

test: lint docs ## Check format, lint, types, docs, and run all tests but the slow ones: what CI runs
	$(PYTEST) -m "not slow"

test-all: lint docs ## Check the same, run all tests, and derive the atlas (half an hour)
	$(PYTEST) --symcount-check docs/atlas/formulas.json

test-versions: $(VERSIONS:%=.versions/%/.installed) ## Run the tests on other versions of Python and torch (hours)
	@failed=; for each in $(VERSIONS); do echo "== Python $${each%-*}, torch $${each#*-}"; \
	  .versions/$$each/bin/python -m pytest -n auto --dist worksteal -q -m "not slow" || failed="$$failed $$each"; \
	done; test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# Where pip finds builds of torch for CUDA alone, an environment takes some 6 GB.
.versions/%/.installed: pyproject.toml constraints.txt
	PYENV_VERSION=$(firstword $(subst -, ,$*)) python$(firstword $(subst -, ,$*)) -m venv $(@D)
	sed -e 's/^torch==.*/torch==$(lastword $(subst -, ,$*))/' -e '/^transformers==/d' constraints.txt > $(@D)/constraints.txt
	$(@D)/bin/python -m pip install --quiet --upgrade pip
	$(@D)/bin/python -m pip install --quiet --constraint $(@D)/constraints.txt --editable '.[dev]'
	@touch $@

lint: $(READY) ## Check format, lint and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

docs: $(READY) ## Build the documentation into docs/_build/html, and check the links in it
	$(BIN)/python -m sphinx -W -n --keep-going --quiet -b html docs docs/_build/html
	$(BIN)/python docs/check_links.py docs/_build/html README.md CONTRIBUTING.md CHANGELOG.md

linkcheck: $(READY) ## Ask the network whether the addresses in the documentation answer
	$(BIN)/python -m sphinx -b linkcheck -t outside -D nb_execution_mode=off docs docs/_build/linkcheck

atlas: $(READY) ## Derive the formulas of the atlas again, and write its pages
	$(BIN)/python docs/write_atlas.py --derive

dist: $(READY) ## Build the wheel and the source archive into dist, and check them
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	@! grep -n OWNER pyproject.toml || echo 'Before this is published: fill in [project.urls] in pyproject.toml.'

notebooks: $(READY) ## Run the notebooks, and save them with their outputs
	$(BIN)/python notebooks/save.py

bench: $(READY) ## Run the benchmarks
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/evaluation.py
	$(BIN)/python benchmarks/loading.py

claims: $(READY) ## Count the claims of all formulas that z3 and cvc5 prove (minutes)
	$(BIN)/python benchmarks/claims.py

zoo: $(ZOO)/.installed ## Derive the models of transformers, timm, torchvision and others (hours)
	$(ZOO)/bin/python benchmarks/zoo/run.py $(ZOO_OPTIONS)

injection: $(ZOO)/.installed ## Alter code of torchvision and timm where symbols cannot see it, and derive (hours)
	$(ZOO)/bin/python benchmarks/injection.py $(INJECTION_OPTIONS)

$(ZOO)/.installed: pyproject.toml benchmarks/zoo/requirements.txt benchmarks/zoo/others.txt
	$(PYTHON) -m venv $(ZOO)
	$(ZOO)/bin/python -m pip install --quiet --upgrade pip
	$(ZOO)/bin/python -m pip install --quiet -r benchmarks/zoo/requirements.txt --editable '.[derive]'
	$(ZOO)/bin/python -m pip install --quiet --no-deps -r benchmarks/zoo/others.txt
	@touch $@

comparison: $(COMPARISON)/.installed ## Compare with other ways to count parameters (minutes)
	$(COMPARISON)/bin/python benchmarks/comparison/run.py $(COMPARISON_OPTIONS)

$(COMPARISON)/.installed: pyproject.toml constraints.txt benchmarks/comparison/requirements.txt
	$(PYTHON) -m venv $(COMPARISON)
	$(COMPARISON)/bin/python -m pip install --quiet --upgrade pip
	$(COMPARISON)/bin/python -m pip install --quiet --constraint constraints.txt -r benchmarks/comparison/requirements.txt --editable '.[derive]'
	@touch $@

trust: $(READY) ## Interrupt derivations, damage files and documents, and kill what saves (hours)
	$(BIN)/python benchmarks/trust.py

fuzz: $(READY) ## Compare 100,000 random factories with what they build (hours)
	SYMCOUNT_FUZZ=50 $(BIN)/python -m pytest -n auto tests/derivation/test_fuzz.py

format: $(READY) ## Format, and fix what the linter can fix
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format

clean: ## Remove what builds and checks leave behind, except .venv
	rm -rf build dist docs/_build docs/notebooks docs/outside docs/_atlas .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find docs/atlas -type f ! -name formulas.json -delete
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
