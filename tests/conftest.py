"""What every test shares: figures without a window, the same hypothesis examples at every run, and fixtures of what a
reader brings."""

import gc
import inspect
import json
import signal
import time

import matplotlib as mpl
import pytest
import yaml
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from analysis.huggingface import import_config
from tests import compared  # noqa: F401 (it takes effect)
from tests.reader.broken import run

LONG = """
thesis/test_verdict thesis/test_verdict_words thesis/test_entries thesis/test_variants thesis/test_regions \
ledger/test_ledger ledger/test_ledger_rules ledger/test_ledger_systems ledger/test_published tools/test_readme
render/test_figures render/test_drawings book/test_notebooks measured/test_calibration
test_extension
book/test_report book/test_notebook_runner book/test_rerun cli/test_library sweeps/test_sweep
ask/test_folding
book/test_derivations
thesis/test_propositions
thesis/test_queries
""".strip().splitlines()
"""Files of tests that take longest, in the order in which workers begin them; one line for files that share much: the
verdict and the ledger, figures, processes that joblib keeps."""

mpl.use("agg")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts with & ignore Ctrl-C
settings.register_profile("study", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("study")
if "return _get_local_constants()" not in inspect.getsource(providers):
    raise pytest.UsageError(
        "hypothesis no longer takes constants of loaded modules from `_get_local_constants`; see tests/conftest.py."
    )
# Else examples follow from what modules are loaded, which differs between workers. No setting of hypothesis says so.
providers._get_local_constants = lambda: providers._local_constants
gc.set_threshold(50_000, 20, 50)  # expressions live long and hold no circles: looking for some took 8 % of the time


PLACES = {name: place for place, names in enumerate(LONG) for name in names.split()}


def together(nodeid: str) -> str:
    """What a test is run with on one worker, so that what they share is made once: its file, or its line of LONG."""
    name = nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")
    return str(PLACES.get(name, name))


def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""
    items.sort(key=lambda item: int(place) if (place := together(item.nodeid)).isdigit() else len(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Share tests out by the above: xdist 3.8 writes marks of groups into names that pytest 9.2 no longer reads."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False
    return Together(config, log)


@pytest.fixture
def written(tmp_path):
    """Write a row as a file of the kind that its name says; returns the path as text."""

    def write(name, row):
        path = tmp_path / name
        if name.endswith(".csv"):
            path.write_text(",".join(row) + "\n" + ",".join(str(cell) for cell in row.values()) + "\n")
        else:
            path.write_text(json.dumps(row) if name.endswith(".json") else yaml.safe_dump(row))
        return str(path)

    return write


@pytest.fixture
def imported(tmp_path):
    """Import a configuration given as a dict; further arguments replace its keys."""

    def read(config, **changes):
        path = tmp_path / "a-model.json"
        path.write_text(json.dumps(config | changes))
        return import_config(path)

    return read


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Run a command that must refuse, in a folder of its own; returns its sentence, once nothing was written."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        before, started = sorted(tmp_path.rglob("*")), time.process_time()
        code = run(*arguments)
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), arguments
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert len(err) < 2500
        assert "Traceback" not in err
        assert sorted(tmp_path.rglob("*")) == before
        assert time.process_time() - started < 10
        return err

    return call
