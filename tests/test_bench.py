"""The bench is fair: its references give the project's own answers, it takes turns, and its pages say what was measured."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PARAMS, network, observed, starts_of, truth_of
from torch.utils._python_dispatch import TorchDispatchMode

from bench import __main__ as command
from bench import child, growth, harness, jobs, ours, scaling, table
from bench.nbody import Planets
from bench.reference import orbits, swing
from bench.reference import rollout as one_by_one
from bench.reference import training as published
from bench.rows import quality, rolling, simulating, training
from hnn.core.errors import Refused
from hnn.core.trajectories import TrueMotion
from hnn.training.losses import derivative_loss

ROOT = Path(__file__).resolve().parents[1]
RESULTS = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))
NAMES = [
    *("simulate_two_body", "simulate_pendulum", "quality_hnn", "quality_baseline", "train_step_750", "train_step_200"),
    *("train_peak_fraction", "rollout_1000", "rollout_15", "rollout_jax_warm", "train_step_jax_warm", "render"),
    *("repro_cold_s", "repro_noop_s"),
]
ROW = {"reference_s": 2.0, "ours_s": 1.0, "ratio": 2.0, "reference": "slowly", "ours": "quickly"}


def ticks(log, name, *seconds):
    """Work that notes its name and counts for the next of `seconds` at each call."""
    due = iter(seconds)

    def work():
        log.append(name)
        return next(due)

    return work


def test_sides_take_turns_and_medians_are_of_turns():
    log = []
    found = harness.compare(ticks(log, "a", 9, 2, 9, 4), ticks(log, "b", 9, 1, 3, 1), repetitions=3)
    assert log == ["a", "b"] * 4  # the first turn warms up
    assert (found.reference_s, found.ours_s, found.ratio) == (4, 1, 3)  # 2/1, 9/3, 4/1: not the ratio of medians


def test_no_row_has_fewer_than_five_turns():
    assert harness.REPETITIONS >= 5
    for row in RESULTS["jobs"].values():
        assert "tasks" in row or len(row.get("turns", {"ours": range(5)})["ours"]) >= 5


def test_the_clock_scales_a_part_to_the_whole_and_a_step_is_without_what_surrounds_it(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(harness, "perf_counter", lambda: now[0])

    def work(steps):
        now[0] += 5 + 2 * steps

    assert harness.clock(lambda: work(1), 0.1)() == pytest.approx(70)
    assert harness.per_step(work, 10)() == pytest.approx(2)
    with pytest.raises(Refused, match="too busy"):
        harness.per_step(lambda steps: None, 10)()


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        ({1e-1: 5.0, 1e-2: 0.5, 1e-3: 0.1}, (1e-2, 0.5)),  # the loosest that is good enough
        ({1e-1: 5.0, 1e-2: 3.0, 1e-3: 2.9, 1e-4: 2.95, 1e-5: 0.0}, (1e-3, 2.9)),  # a floor: no further than two in vain
    ],
)
def test_the_tolerance_is_the_loosest_that_will_do(errors, found):
    assert harness.calibrate(errors.__getitem__, 1.0, list(errors)) == found


def test_a_ladder_has_powers_of_ten_and_what_lies_between():
    assert harness.ladder(1e-2, 1e-3) == pytest.approx([1e-2, 5e-3, 2e-3, 1e-3])


def test_a_job_runs_in_a_python_of_its_own_and_says_why_it_failed(capfd):
    assert child.in_a_process("operator:neg", 2) == -2
    with pytest.raises(Refused, match="operator:neg failed for x"):
        child.in_a_process("operator:neg", "x")
    assert "TypeError" in capfd.readouterr().err


def test_orbits_are_ours():
    x0, t = starts_of("two_body", 3), torch.linspace(0, 5, 6)
    mine = ours.motion(truth_of("two_body"), x0, t, 1e-12).numpy()
    theirs = np.stack([orbits.orbit(start, t.numpy(), 1e-11) for start in x0.numpy()])
    np.testing.assert_allclose(theirs, mine, atol=1e-8)
    np.testing.assert_allclose(orbits.energy(mine), truth_of("two_body").hamiltonian(torch.from_numpy(mine)), atol=1e-14)
    assert simulating.drift(theirs) < 1e-9


def test_swings_are_ours():
    x0, t = starts_of("pendulum", 2), torch.linspace(0, 3, 6)
    theirs = np.stack([swing.trajectory(start, t.numpy()) for start in x0.numpy()])
    np.testing.assert_allclose(theirs, ours.motion(truth_of("pendulum"), x0, t, 1e-12), atol=1e-8)


@pytest.mark.parametrize("name", ["hnn", "baseline"])
def test_the_published_step_has_our_loss_and_gradient(name):
    seen = observed("two_body")
    x, dx = (torch.from_numpy(part) for part in seen.points())
    net = published.network(8, 1 if name == "hnn" else 8, seed=0)
    mine = ours.published_network(name, net)
    losses = published.loss(net, x, dx), derivative_loss(mine, x, dx)
    torch.testing.assert_close(*losses)
    for theirs, my in zip(
        *(torch.autograd.grad(loss, list(n.parameters())) for loss, n in zip(losses, (net, mine), strict=True)), strict=True
    ):
        torch.testing.assert_close(theirs, my)


def test_the_published_recipe_looks_at_the_test_loss_at_every_step_and_learns():
    x, dx = (torch.from_numpy(part) for part in observed("mass_spring").points())
    recipe = published.Recipe(steps=30, batch=None, weight_decay=1e-4)
    net = published.network(2, 1, seed=0)
    losses = published.train(net, (x, dx), (x, dx), recipe)
    assert len(losses) == 30
    assert losses[-1] < losses[0]
    assert losses[-1] == published.loss(net, x, dx).item()


class Products(TorchDispatchMode):
    """Counts the floating-point operations of matrix products."""

    operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **kwargs or {})
        if function.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm):
            self.operations += 2 * result.numel() * args[-1].shape[0]
        return result


def test_useful_operations_are_those_of_the_matrix_products():
    x = torch.randn(64, 8)
    net = published.network(8, 1, seed=0)
    with Products() as products:
        published.loss(net, x, x).backward()
    assert training.useful_operations(64, 8) == pytest.approx(products.operations, rel=0.01)


def test_rollouts_one_by_one_are_ours():
    member = network("hnn", hidden=200)
    x0, t = starts_of("pendulum", 2), torch.linspace(0, 2, 5)
    tight = ours.rollout(member, x0, t, 1e-12)
    net = rolling.sequential(member)
    theirs = np.stack([one_by_one.rollout(net, start, t.numpy(), 1e-7) for start in x0.numpy()])
    assert rolling.error(theirs, tight) < 1e-5
    assert rolling.error(ours.rollout_by_steps(member, x0, t, 0.01), tight) < 1e-6


def test_pictures_by_others_show_the_same_rod():
    pytest.importorskip("gymnasium")
    pytest.importorskip("pygame")
    from bench.reference.pictures import frames

    angles = np.array([0.0, 1.0, -2.0])
    theirs = 255.0 - np.stack(list(frames(angles)))  # dark on white there
    mine = ours.frames("pixel_pendulum", torch.from_numpy(np.stack([angles, 0 * angles], -1)))[:, 0].numpy().astype(float)
    for frame, angle in zip(theirs, angles, strict=True):
        rows, columns = np.indices(frame.shape) - 13.5
        direction = np.arctan2((frame * columns).sum(), (frame * rows).sum())  # of its centre of light, hanging at 0
        assert direction == pytest.approx(angle, abs=0.1)
    assert theirs.shape == mine.shape


@pytest.fixture
def jax_in_float64():
    """JAX as the rollouts use it."""
    jax = pytest.importorskip("jax")
    pytest.importorskip("diffrax")
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", False)


def test_rollouts_in_jax_are_ours(jax_in_float64):
    from bench.reference import with_jax

    member = network("hnn", hidden=200)
    x0, t = starts_of("pendulum", 3), torch.linspace(0, 2, 5)
    weights = [jax_in_float64.numpy.asarray(w.detach().numpy()) for w in member.parameters()]
    theirs = with_jax.rollouts(1e-9)(weights, x0.numpy(), t.numpy())
    assert rolling.error(theirs, ours.rollout(member, x0, t, 1e-12)) < 1e-8


def test_the_step_in_jax_is_the_published_one(jax_in_float64):
    from bench.reference import with_jax

    x, dx = (torch.from_numpy(part) for part in observed("pendulum").points())
    net = published.network(2, 1, seed=0)
    trainer = published.Trainer(net, x, dx, published.Recipe(steps=2, batch=None, weight_decay=0.0))
    state, step = with_jax.fresh_state([w.detach().numpy() for w in net.parameters()]), with_jax.training_step(None)
    for _ in range(2):
        expected = published.loss(net, x, dx).item()
        trainer.step()
        state, value = step(state, x.numpy(), dx.numpy())
        assert float(value) == pytest.approx(expected)
    for theirs, mine in zip(state[0], net.parameters(), strict=True):
        np.testing.assert_allclose(theirs, mine.detach(), atol=1e-8)


@pytest.mark.parametrize("name", ["hnn", "baseline"])
def test_time_to_quality_holds_both_sides_to_the_same_level(name, monkeypatch):
    seen, x0, t = observed("mass_spring"), starts_of("mass_spring", 2), torch.linspace(0, 1, 4)
    motion = TrueMotion(t.numpy(), ours.motion(truth_of("mass_spring"), x0, t, 1e-9).numpy(), np.ones(2))
    monkeypatch.setattr(ours, "data", lambda task: ours.Data(seen, seen, motion))
    monkeypatch.setattr(quality, "SEEDS", 1)
    torch.set_default_dtype(torch.float32)
    found = quality.compare_task("mass_spring", name, steps=2)
    assert set(found) == {"reference_s", "ours_s", "ratio", "steps", *quality.QUANTITIES[name]}
    assert found["test_loss"]["level"] == pytest.approx(quality.SLACK * found["test_loss"]["reference"])
    assert not found["test_loss"]["reached"] or found["test_loss"]["ours"] <= found["test_loss"]["level"]


def test_levels_are_the_published_ones_where_they_can_be():
    assert quality.level("two_body", "hnn", "test_loss", 1.0) == (2.8218e-6, "published")
    assert quality.level("mass_spring", "hnn", "energy_mse", 1.0) == (3.8416e-4, "published")
    assert quality.level("pendulum", "hnn", "energy_mse", 1.0)[0] == 1.02
    assert set(quality.TASKS) <= set(PARAMS["tasks"])


def test_planets_keep_their_energy_and_come_round():
    system, t = Planets(3), torch.linspace(0, 2 * np.pi, 3)
    x0 = system.on_circles(torch.tensor([[0.0, 1.0, 2.0]]))
    x = ours.motion(system, x0, t, 1e-10)
    energy = system.hamiltonian(x)
    torch.testing.assert_close(energy, energy[:, :1].expand_as(energy), rtol=1e-8, atol=0)
    torch.testing.assert_close(x[0, -1, 2:4], x0[0, 2:4], rtol=0, atol=1e-3)


def test_results_have_exactly_the_promised_rows():
    assert list(RESULTS["jobs"]) == list(jobs.JOBS) == NAMES
    for name, row in RESULTS["jobs"].items():
        assert {"reference_s", "ours_s", "ratio", "target"} <= set(row)
        assert row["target"] == jobs.JOBS[name].target
        assert row["ours_s"] is None or row["met"] == jobs.JOBS[name].met(row)
    assert {"cores", "threads", "torch", "python", "matmul_peak_gflops"} <= set(RESULTS["machine"])


def test_pages_are_made_of_the_results():
    page = (ROOT / "bench" / "results.md").read_text(encoding="utf-8")
    assert page == table.render(RESULTS), "run `python -m bench` again"
    studies = json.loads((ROOT / "bench" / "scaling.json").read_text(encoding="utf-8"))
    assert list(studies["studies"]) == list(scaling.STUDIES)
    text = (ROOT / "bench" / "scaling.md").read_text(encoding="utf-8")
    assert text == growth.page(studies, scaling.STUDIES), "run `make scaling`"
    for picture in re.findall(r"\]\((.+?\.png)\)", text):
        assert (ROOT / "bench" / picture).is_file()


@pytest.mark.parametrize(
    ("name", "row", "words"),
    [
        ("rollout_15", {"ratio": 15.0}, "yes"),
        ("rollout_15", {"ratio": 3.0}, "no: 0.2 of the target"),
        ("quality_hnn", {"ratio": 9.0, "reached": False}, "no: the level is not reached everywhere"),
        ("rollout_jax_warm", {"ratio": 1.0, "with_compilation": {"ratio": 1.2}}, "no: 1.2 × with compilation"),
        ("repro_noop_s", {"ours_s": 6.0, "ratio": None}, "no: 2 times the limit"),
        ("render", {"ours_s": None}, "not measured yet"),
    ],
)
def test_a_row_says_how_far_it_got(name, row, words):
    job, row = jobs.JOBS[name], ROW | row
    row["met"] = row["ours_s"] is not None and job.met(row)
    assert table.judgement(job, row).startswith(words)


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (123.4, "123 s"), (1.234, "1.23 s"), (0.01234, "12.3 ms"), (1.2e-5, "12 µs")]
)
def test_durations_have_three_digits(seconds, text):
    assert table.duration(seconds) == text


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    """The command writes there, and measures nothing."""
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(command, "PAGE", tmp_path / "results.md")
    machine = RESULTS["machine"] | {"cores": 7}
    monkeypatch.setattr(command, "in_a_process", lambda function, name=None: {name: dict(ROW)} if name else machine)
    return machine


def test_a_row_is_measured_alone_and_the_others_are_kept(in_a_folder, capsys):
    command.run(["simulate_pendulum"])  # which, like the other, needs no library of the bench's own
    command.run(["rollout_15"])
    rows = json.loads(command.RESULTS.read_text())["jobs"]
    assert [name for name, row in rows.items() if row["ours_s"]] == ["simulate_pendulum", "rollout_15"]
    in_a_folder["torch"] = "9.9"
    command.run(["rollout_15"])
    assert "measured with another torch" in capsys.readouterr().out
    assert [name for name, row in json.loads(command.RESULTS.read_text())["jobs"].items() if row["ours_s"]] == ["rollout_15"]


def test_a_job_whose_library_is_missing_says_so_and_is_skipped(in_a_folder, monkeypatch, capsys):
    monkeypatch.setattr(jobs, "find_spec", lambda name: None)
    command.run(["render", "rollout_15"])
    assert "render: skipped, gymnasium, pygame is not installed" in capsys.readouterr().out
    assert json.loads(command.RESULTS.read_text())["jobs"]["rollout_15"]["ours_s"] == 1.0


def test_every_row_has_its_function():
    for name, job in jobs.JOBS.items():
        text = (ROOT / "bench" / "rows" / f"{job.module}.py").read_text(encoding="utf-8")
        assert f"def {job.function or name}()" in text


def test_a_slope_is_the_exponent():
    sizes = [1, 10, 100, 1000]
    assert growth.slope(sizes, [5.0, 1.0, 300.0, 3000.0]) == pytest.approx((1, 3))


def test_a_study_has_words_numbers_and_a_picture(tmp_path):
    rows = [{"size": n, "seconds": n * 1e-3, "megabytes": 0.1} for n in (1, 10, 100, 1000)]
    measured = {"machine": RESULTS["machine"], "studies": {"horizon": rows, "kept": rows}}
    growth.write(measured, scaling.STUDIES, tmp_path / "page.md", tmp_path)
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "time (100 times saved) grows as size^1.00" in text
    assert "memory (every step saved) stays below 1 MB" in text
    assert (tmp_path / "horizon.png").is_file()
    assert not (tmp_path / "kept.png").exists()


def modules_in(path):
    """What a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_references_know_nothing_of_the_project_and_the_project_nothing_of_the_bench():
    for path in (ROOT / "bench" / "reference").glob("*.py"):
        assert not any(name.split(".")[0] in ("hnn", "stages") for name in modules_in(path)), path
    for folder in ("src", "stages"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not any(name.split(".")[0] == "bench" for name in modules_in(path)), path
