"""Puts params.yaml into the wheel; everything else about the package stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithParameters(build_py):
    """Build the package with params.yaml inside; an editable install reads that of the checkout."""

    def run(self):
        """Copy the modules, then params.yaml."""
        super().run()
        if not self.editable_mode:
            self.copy_file("params.yaml", str(Path(self.build_lib, "wstal", "params.yaml")))


setup(cmdclass={"build_py": WithParameters})
