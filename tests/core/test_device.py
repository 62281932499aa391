"""Choice of the device."""

import pytest
import torch
from conftest import network, truth_of

from hnn.core import device
from hnn.core.errors import Refused


@pytest.mark.parametrize(("available", "chosen"), [(True, "cuda"), (False, "cpu")])
def test_choose_auto_takes_cuda_if_available(available, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert device.choose("auto") == torch.device(chosen)
    assert device.choose("cpu") == torch.device("cpu")


def test_choose_refuses_a_cuda_device_that_does_not_exist(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert device.choose("cuda:0") == torch.device("cuda:0")
    with pytest.raises(Refused, match="device: given cuda:1, but PyTorch sees 1 CUDA devices; allowed: auto, cpu"):
        device.choose("cuda:1")


def test_of_is_the_device_of_the_weights_and_the_cpu_for_an_exact_field():
    assert device.of(network("hnn").to("meta")).type == "meta"
    assert device.of(truth_of("mass_spring")).type == "cpu"
