# Two commands matter: `make book` and `make test`. Both prepare .venv by themselves; an active virtual environment plays no part.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed.stamp
STUDY  := $(BIN)/study
JOBS   ?= 2

# What the caller's shell has set must not reach our interpreter.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONDONTWRITEBYTECODE VIRTUAL_ENV MPLBACKEND MPLCONFIGDIR
export EDITION SYSTEM OUT
# Programs in a virtual environment name the folder that it was made in: one that was moved is made again.
_MOVED := $(shell test -f $(STAMP) && test "$$(cat $(STAMP))" != "$$(pwd -P)" && rm -f $(STAMP))
export PIP_USER = 0
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help book report pdf plain test lint strip doctest bench readme reproducible mutants fuzz test-browser test-torch lock clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-17s %s\n", $$1, $$2 }'

book: $(STAMP) $(STUDY)  ## run the notebooks and build the book
	@test -z "$$EDITION" || { echo "make: EDITION= builds no books any more; a report does: make report SYSTEM=my.yml" >&2; exit 2; }
	@$(BIN)/python -m analysis.book --jobs $(JOBS)

report: $(STAMP)  ## make a report on a system of your own: SYSTEM=my.yml, into OUT (report)
	@$(BIN)/python -m analysis report --jobs $(JOBS) $${SYSTEM:+--system "$$SYSTEM"} -o "$${OUT:-report}"

pdf: $(STAMP)  ## print the whole book into study.pdf beside it; needs Chromium
	@$(BIN)/python -m analysis.tools.pdf --jobs $(JOBS)

test: $(STAMP) $(STUDY)  ## run the tests
	@$(BIN)/python -m pytest -n $(JOBS) tests

lint: $(STAMP)  ## check style, and that notebooks carry no output
	@$(BIN)/python -m ruff check .
	@find book -name '*.ipynb' -exec $(BIN)/python -m nbstripout --verify {} + || { echo "make: notebooks carry output; make strip" >&2; exit 1; }

strip: $(STAMP)  ## remove outputs from the notebooks, as lint asks
	@find book -name '*.ipynb' -exec $(BIN)/python -m nbstripout {} +

doctest: $(STAMP)  ## run the examples in the docstrings
	@$(BIN)/python -m pytest -q --doctest-modules analysis

bench: $(STAMP)  ## measure the speeds that the README quotes, and write them there
	@$(BIN)/python -m analysis.tools.bench --all --readme

readme: book  ## refresh the figure and the counts in README.md
	@$(BIN)/python -m analysis.tools.readme

reproducible: $(STAMP)  ## build the book twice, in two folders and settings, and compare every byte
	@$(BIN)/python -m analysis.tools.reproducible --jobs $(JOBS)

PACKAGE ?= derive
SIZE ?= 60
SEED ?= 0
mutants: $(STAMP)  ## try a seeded sample of mutants of PACKAGE=derive or statements (half an hour)
	@$(BIN)/python -m pip install --quiet --upgrade --target _build/mutants/site 'cosmic-ray>=8.7,<9'
	@$(BIN)/python tests/mutants/run.py --package $(PACKAGE) --size $(SIZE) --seed $(SEED)

EXAMPLES ?= 20000
fuzz: $(STAMP)  ## give everything that reads a reader's input 20000 broken ones (half an hour; findings become test cases)
	@FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q -n $(JOBS) tests/reader/test_fuzz.py

# Have the program $(1), of Debian's package $(2): installed where we may, asked for where we may not.
define have
command -v $(1) >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; } || { \
  echo "make: $(1) is missing; install it (on Debian and Ubuntu: apt install $(2))" >&2; exit 1; }
endef

test-browser: book  ## open every page in a browser, offline; installs chromium, nodejs and npm where it may
	@$(call have,node,nodejs)
	@$(call have,npm,npm)
	@$(call have,$${CHROMIUM:-chromium},chromium)
	@cd tests/browser && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@CHROMIUM="$$(command -v $${CHROMIUM:-chromium})" $(BIN)/python -m pytest -q tests/browser

TORCH ?= torch==2.13.0
test-torch: $(VENV)-torch/installed.stamp  ## run the CUDA kernels' tests on PyTorch's CPU device (installs PyTorch once)
	@$(VENV)-torch/bin/python -m pytest -q tests/torch

$(VENV)-torch/installed.stamp: requirements.lock
	@$(PYTHON) -m venv --clear $(VENV)-torch
	@$(VENV)-torch/bin/python -m pip install -qq --require-hashes -r requirements.lock
	@$(VENV)-torch/bin/python -m pip install -qq '$(TORCH)'
	@touch $@

lock: $(STAMP)  ## resolve pyproject.toml's bounds again, for Python 3.11 and later, with hashes
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install --quiet uv
	@$(VENV)-lock/bin/python -m uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 --generate-hashes \
	  --extra test --no-annotate --custom-compile-command "make lock" \
	  --default-index https://pypi.org/simple pyproject.toml --output-file requirements.lock
	@rm -rf $(VENV)-lock

# What Jupyter Book 1.x brings to Sphinx, without Jupyter Book and its bounds.
PARTS = sphinx myst-nb sphinx-book-theme sphinx-togglebutton sphinx-copybutton sphinx-comments sphinx-external-toc sphinx-design \
  sphinxcontrib-bibtex sphinx-proof
plain: book  ## build the same pages by the newest plain Sphinx into _build/plain (the way out of Jupyter Book 1.x)
	@$(PYTHON) -m venv --clear $(VENV)-plain
	@$(BIN)/python -c 'import tomllib; print(*(d for d in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"] if not d.startswith(("jupyter-book", "sphinx"))), sep="\n")' \
	  | $(VENV)-plain/bin/python -m pip install -qq -r /dev/stdin $(PARTS)
	@cp _config.yml _build/stage/ && $(BIN)/python -c 'from jupyter_book.cli.main import main; main()' config sphinx _build/stage >/dev/null
	@sed -i "s/'jupyter_book', //" _build/stage/conf.py
	@PYTHONPATH=. $(VENV)-plain/bin/python -m sphinx -b html -n -q _build/stage _build/plain; rm -f _build/stage/conf.py _build/stage/_config.yml
	@echo "plain: _build/plain/index.html by Sphinx $$($(VENV)-plain/bin/python -c 'import sphinx; print(sphinx.__version__)')"

clean:  ## delete everything that these targets made
	rm -rf _build $(VENV) $(VENV)-lock $(VENV)-torch $(VENV)-plain .pytest_cache .ruff_cache .hypothesis
	find analysis tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The .pth file puts the repository itself on the path, so that notebooks import `analysis` from any folder.
$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $(PYTHON) is missing or older than 3.11; install Python 3.11 or later, or name one: make PYTHON=python3.12 book" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) cannot make virtual environments; install its venv module (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "installing the locked packages into $(VENV) (about a minute, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements.lock
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "study.pth").write_text("../../../..\n")'
	@pwd -P > $@

# What `pip install` would make of [project.scripts].
define SCRIPT
#!$(CURDIR)/$(BIN)/python
import sys

from analysis.cli.main import run

sys.exit(run())
endef
export SCRIPT

$(STUDY): $(STAMP)
	@echo "$$SCRIPT" > $@
	@chmod +x $@
