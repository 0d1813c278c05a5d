from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_timm_imports_in_a_fresh_process() -> None:
    code = (
        "from handful.backbones.torchvision_guard import import_timm\n"
        "print(import_timm().is_model('resnet18'))"
    )
    assert run(code) == "True"


def test_the_guard_works_after_somebody_elses_import_has_failed() -> None:
    code = (
        "try:\n    import torchvision\nexcept RuntimeError:\n    pass\n"
        "from handful.backbones.torchvision_guard import ensure_torchvision\n"
        "ensure_torchvision()\n"
        "from torchvision.transforms import v2\n"
        "print(v2.RandAugment.__name__)"
    )
    assert run(code) == "RandAugment"


def test_a_whole_torchvision_is_left_alone() -> None:
    code = (
        "import sys, types\n"
        "sys.modules['torchvision'] = whole = types.ModuleType('torchvision')\n"
        "from handful.backbones import torchvision_guard\n"
        "print(torchvision_guard.ensure_torchvision() is whole, torchvision_guard._definitions)"
    )
    assert run(code) == "True []"
