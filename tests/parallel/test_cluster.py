"""The map on a Dask cluster of real processes: the same bytes as on this machine, and one line for each kind of failure."""

import gc
import json
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import RECIPE, ROOT, network, observed
from safetensors.torch import save
from threadpoolctl import threadpool_info

from bench import cluster as measured
from bench.loopback import started
from hnn.core.errors import Refused
from hnn.parallel import cluster
from hnn.parallel.pool import parallel_map
from hnn.training.fit import fit
from hnn.training.loop import NonFiniteLoss
from hnn.training.seeds import fit_seeds

CPU = torch.device("cpu")
TESTS = Path(__file__).parents[1]
WORKER = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", TESTS, TESTS / "parallel")))}
"""Environment of workers that run this source, and unpickle functions of these tests."""


@pytest.fixture(autouse=True)
def no_garbage_collection():
    """Delay garbage collection: a Dask client that never connected waits for a lock then, which the next client may hold."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.fixture(autouse=True)
def float32():
    """The default dtype of PyTorch, which workers have, since they are processes of their own."""
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def two_workers():
    """A cluster of two workers."""
    with started(WORKER, WORKER) as running:
        yield running


def map_on(scheduler):
    """`parallel_map` on a scheduler, or on this machine."""
    return partial(parallel_map, threads=1, compute=SimpleNamespace(scheduler=scheduler, workers="auto"))


def fits(steps, learning_rate=1e-2, folder=None):
    """A fit of groups of seeds, as in the training stages; with a folder it leaves the file <seed>-<process> there."""
    data = observed("pendulum")

    def fit_group(seeds):
        for seed in seeds:
            if folder is not None:
                (folder / f"{seed}-{os.getpid()}").touch()
        options = replace(RECIPE, steps=steps, learning_rate=learning_rate, schedule="constant")
        models = [network("hnn", seed=seed).float() for seed in seeds]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        labels = [f"seed {seed}" for seed in seeds] if learning_rate > 1 else None
        return fit(models, [data], data, options, batch=20, validation=0.0, generators=generators, labels=labels)

    return fit_group


def saved(fits_of_seeds):
    """The weights of each seed as bytes."""
    return [save(fitted.model.state_dict()) for fitted in fits_of_seeds]


def thread_counts(_):
    """Numbers of threads of PyTorch and of each BLAS on the worker."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {torch.get_num_threads(), *(library["num_threads"] for library in blas)}


def assert_refused(message, function, address):
    """Fits on the scheduler are refused in one line that begins with the key and contains the message."""
    with pytest.raises(Refused) as error:
        fit_seeds(function, 2, CPU, map_on(address))
    assert str(error.value).startswith("compute.scheduler: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def kill_once_begun(process, folder):
    """Kill a process as soon as a fit has left its file in the folder."""

    def kill():
        while not any(folder.iterdir()):
            time.sleep(0.02)
        process.kill()

    threading.Thread(target=kill, daemon=True).start()


def test_cluster_map_gives_the_bytes_of_this_machine(two_workers):
    here = fit_seeds(fits(50), 3, CPU, map_on("local"))
    there = fit_seeds(fits(50), 3, CPU, map_on(two_workers.address))
    assert saved(there) == saved(here)
    assert [(f.curve, f.losses) for f in there] == [(f.curve, f.losses) for f in here]


def test_cluster_map_sets_the_number_of_threads_of_a_worker(two_workers):
    compute = SimpleNamespace(scheduler=two_workers.address, workers="auto")
    for threads in (1, 2):
        assert parallel_map(thread_counts, range(4), threads=threads, compute=compute) == [{threads}] * 4


def test_cluster_map_raises_the_exception_of_a_worker_unchanged(two_workers):
    with pytest.raises(NonFiniteLoss, match=r"^seed [0-7]: loss (inf|nan) at step \d+ of 20, learning rate 1e\+38") as error:
        fit_seeds(fits(20, learning_rate=1e38), 8, CPU, map_on(two_workers.address))
    assert "\n" not in str(error.value)


def test_cluster_map_computes_the_items_of_a_killed_worker_again_and_refuses_when_none_is_left(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "LOST", 0.5)
    monkeypatch.setattr(cluster, "POLL", 0.2)
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    shared.mkdir()
    alone.mkdir()
    begun = []

    def kill():
        while len({path.name.split("-")[1] for path in shared.iterdir()}) < 2:  # until both workers compute
            time.sleep(0.02)
        running.workers[0].send_signal(signal.SIGKILL)
        begun.append({int(path.name.split("-")[0]) for path in shared.iterdir()})

    with started(WORKER, WORKER) as running:
        threading.Thread(target=kill, daemon=True).start()
        there = saved(fit_seeds(fits(100, folder=shared), 6, CPU, map_on(running.address)))
        assert running.workers[0].poll() == -signal.SIGKILL
        kill_once_begun(running.workers[1], alone)
        lost = f"all workers of {running.address} were lost, and none joined within 0.5 s"
        assert_refused(lost, fits(10**6, folder=alone), running.address)
    assert len(begun[0]) < 6
    seeds = [path.name.split("-")[0] for path in shared.iterdir()]
    assert len(seeds) > len(set(seeds)) == 6  # the fit of the killed worker began again on the other
    assert there == saved(fit_seeds(fits(100), 6, CPU, map_on("local")))


def test_cluster_map_refuses_when_the_scheduler_ends(tmp_path):
    with started(WORKER) as running:
        kill_once_begun(running.scheduler, tmp_path)
        assert_refused(f"the scheduler at {running.address} was lost", fits(10**6, folder=tmp_path), running.address)


def test_cluster_map_refuses_an_address_without_a_scheduler(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    assert_refused("no Dask scheduler answers at tcp://127.0.0.1:1 (Timed out", fits(1), "tcp://127.0.0.1:1")
    assert_refused("no Dask scheduler answers at tls://127.0.0.1:1 (TLS expects", fits(1), "tls://127.0.0.1:1")


def test_cluster_map_refuses_a_scheduler_without_workers(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 2.0)
    with started() as running:
        assert_refused(f"has no workers; start some with `dask worker {running.address}`", fits(1), running.address)


def test_cluster_map_without_dask_names_the_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert_refused("pip install 'hnn-pipeline[dask]'", fits(1), "tcp://127.0.0.1:1")


def test_check_versions_names_a_worker_with_another_source(tmp_path):
    shutil.copytree(ROOT / "src/hnn", tmp_path / "hnn")
    with (tmp_path / "hnn/training/losses.py").open("a") as file:
        file.write("# a remark\n")
    with started({"PYTHONPATH": str(tmp_path)}, WORKER) as running:
        own = cluster.versions()["hnn"]
        assert_refused(f"(here {own}); install the same everywhere", fits(1), running.address)


def test_differences_names_each_version_that_differs():
    own = cluster.versions()
    assert set(own) == {"Python", *cluster.PACKAGES, "hnn"}
    assert cluster.differences(own, own) == ""
    assert cluster.differences(own, own | {"torch": "1.0"}) == f"torch 1.0 (here {own['torch']})"
    assert "No module named 'hnn'" in cluster.differences(own, ModuleNotFoundError("No module named 'hnn'"))


def test_call_pickled_refuses_on_a_worker_that_joined_with_other_versions():
    with pytest.raises(Refused, match=r"a worker that joined on \S+ has Python 3\.\d+ \(here 2\.7\)$"):
        cluster.call_pickled(0, b"", cluster.versions() | {"Python": "2.7"})


def test_cluster_page_shows_the_committed_measurements():
    results, page = json.loads(measured.RESULTS.read_text()), measured.PAGE.read_text()
    assert measured.BEGIN + measured.table(results) + measured.END in page, "run `python -m bench.cluster`"
    assert results["same_bytes"]
    assert results["seeds"] == measured.SEEDS
