"""A JupyterLab of our own and notebooks opened in it, driven through a headless Chromium."""

import ast
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from jupyter_client import BlockingKernelClient
from nbformat.v4 import new_code_cell, new_notebook

TOKEN = "tests"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]"
ENDED = (
    f"(() => {{ const p = {PROMPTS}; return p.length && p.every(e => /\\d/.test(e.innerText)) }})()"
)


@contextlib.contextmanager
def lab_server(root: Path):
    """Run a JupyterLab in a folder; yields its address."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, values in SETTINGS.items():
        place = root / f".cfg/lab/user-settings/@jupyterlab/{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(values))
    homes = {"JUPYTER_CONFIG_DIR": ".cfg", "JUPYTER_DATA_DIR": ".data",
             "JUPYTER_RUNTIME_DIR": ".run", "IPYTHONDIR": ".ip"}  # fmt: skip
    env = os.environ | {name: str(root / place) for name, place in homes.items()}
    log = (root / "lab.log").open("w")
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--LabApp.expose_app_in_browser=True",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}",
    ]  # fmt: skip
    server = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=root)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(server, url, root)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def _wait_for(server, url, root):
    for _ in range(240):
        if server.poll() is not None:
            raise RuntimeError((root / "lab.log").read_text()[-2000:])
        try:
            api(url, "status")
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise RuntimeError("JupyterLab did not answer within a minute")


def api(url, path, method="GET"):
    request = urllib.request.Request(f"{url}/api/{path}?token={TOKEN}", method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


@dataclass
class Notebook:
    """A notebook open in JupyterLab: its page, what went wrong in it and what it asked for."""

    page: object
    url: str
    path: Path
    errors: list = field(default_factory=list)
    requests: list = field(default_factory=list)

    def open(self):
        self.page.goto(f"{self.url}/lab/tree/{self.path.name}?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        # "Run All" before the kernel is connected is silently ignored.
        for _ in range(240):
            kernels = [
                s["kernel"] for s in api(self.url, "sessions") if s["path"] == self.path.name
            ]
            if kernels and kernels[0]["execution_state"] == "idle" and kernels[0]["connections"]:
                break
            time.sleep(0.25)
        self.page.wait_for_timeout(300)

    def command(self, name, **arguments):
        """Run a command of JupyterLab."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def run_all(self, timeout_s=120):
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(ENDED, timeout=timeout_s * 1000)

    def ask(self, expression, timeout_s=60):
        """Return the value of an expression in the kernel, as it is written."""
        (kernel,) = [s["kernel"] for s in api(self.url, "sessions") if s["path"] == self.path.name]
        file = self.path.parent / ".run" / f"kernel-{kernel['id']}.json"
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        try:
            reply = client.execute(
                "", silent=True, user_expressions={"asked": expression}, reply=True,
                timeout=timeout_s,
            )["content"]["user_expressions"]["asked"]  # fmt: skip
        finally:
            client.stop_channels()
        assert reply["status"] == "ok", reply
        return ast.literal_eval(reply["data"]["text/plain"])

    def save(self):
        self.command("docmanager:save")
        self.page.wait_for_timeout(1500)
        return nbformat.read(self.path, as_version=4)

    def theme(self, name):
        """Switch to ``Light`` or ``Dark``."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name}")
        self.page.wait_for_timeout(1200)

    def until(self, expression, timeout_s=30):
        """Wait until a JavaScript expression is true."""
        self.page.wait_for_function(expression, timeout=timeout_s * 1000)


def write_notebook(path, cells):
    nbformat.write(new_notebook(cells=[new_code_cell(c) for c in cells], metadata=KERNEL), path)
