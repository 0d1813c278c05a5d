from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_it_imports_in_a_fresh_process_also_after_somebody_elses_import_has_failed() -> None:
    code = (
        "try:\n    import torchvision\nexcept RuntimeError:\n    pass\n"
        "from handful.backbones.torchvision_guard import import_timm\n"
        "import_timm()\n"
        "from torchvision.transforms import v2\n"
        "print(import_timm().is_model('resnet18'), v2.RandAugment.__name__)"
    )
    assert run(code) == "True RandAugment"


def test_a_whole_torchvision_is_left_alone() -> None:
    code = (
        "import sys, types\n"
        "sys.modules['torchvision'] = whole = types.ModuleType('torchvision')\n"
        "from handful.backbones import torchvision_guard\n"
        "print(torchvision_guard.ensure_torchvision() is whole, torchvision_guard._definitions)"
    )
    assert run(code) == "True []"
