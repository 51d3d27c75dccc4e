"""Kernels that start warm: forks of a process that has loaded the study and its libraries once for all notebooks.

Each kernel is a fork of its own, so notebooks share nothing that they set or draw; results are those of cold kernels.
"""

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess

from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

LOADED = ["ipykernel.kernelapp", "matplotlib.pyplot", "pandas", "analysis.ask.asked", "analysis.render.show"]


class Forked:
    """A process of multiprocessing as Jupyter sees one of subprocess."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess):
        self.process, self.pid = process, process.pid
        self.terminate, self.kill, self.send_signal = process.terminate, process.kill, self._signal

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end and return the exit code."""
        self.process.join(timeout)
        return self.process.exitcode

    def _signal(self, number: int) -> None:
        if self.process.is_alive():
            os.kill(self.pid, number)


class ForkProvisioner(LocalProvisioner):
    """Forks the kernel from the warm process."""

    async def launch_kernel(self, cmd: Sequence[str], **more) -> Mapping:
        """Start a kernel with the arguments of the command that would have started a cold one."""
        multiprocessing.set_start_method("forkserver", force=True)  # joblib's workers have one that forks do not know
        context = multiprocessing.get_context()
        context.set_forkserver_preload(LOADED)
        arguments = list(cmd[cmd.index("ipykernel_launcher") + 1 :])
        process = context.Process(target=serve, args=(arguments, dict(more["env"]), more.get("cwd") or os.getcwd()))
        process.start()
        self.process, self.pid = Forked(process), process.pid
        return self.connection_info


class WarmKernels(AsyncKernelManager):
    """A manager whose kernels are forked."""

    async def _async_launch_kernel(self, kernel_cmd: list[str], **more) -> None:
        warm = ForkProvisioner(parent=self, kernel_id=self.kernel_id, kernel_spec=self.kernel_spec)
        warm.connection_info, warm.ports_cached = self.provisioner.connection_info, self.provisioner.ports_cached
        self.provisioner = warm
        await super()._async_launch_kernel(kernel_cmd, **more)


def serve(arguments: list[str], environment: Mapping[str, str], folder: str) -> None:
    """Be a kernel, in a fork."""
    from ipykernel.kernelapp import IPKernelApp  # in the fork: it changes the process that imports it

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    IPKernelApp.launch_instance(argv=arguments)
