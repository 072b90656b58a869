"""``python -m webui``: the console under gunicorn, settings from the environment (``webui.serve`` sets it)."""

# ruff: noqa: E402 - gevent comes before everything, that is the point of this module
from gevent import monkey

monkey.patch_all()

import logging
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from appliance import config
from appliance.config import Settings
from appliance.errors import ApplianceError
from appliance.store.unit import Store


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options = {
            "bind": f"[{settings.console_host}]:{settings.console_port}"
            if ":" in settings.console_host
            else f"{settings.console_host}:{settings.console_port}",
            "worker_class": "gevent",
            # The count of failed sign-ins an address is kept in the worker's memory: there is one worker.
            "workers": 1,
            "worker_connections": 500,
            "accesslog": None,
            "loglevel": "warning",
            "proc_name": "gateway400-console",
            # gunicorn 27 would open it in the home folder.
            "control_socket_disable": True,
            "graceful_timeout": 10,
            # A long query of SQLite blocks the worker; it is not dead for that.
            "timeout": 120,
            "post_worker_init": _say_ready,
            "reuse_port": False,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        from webui.app import create_app

        return create_app(self._settings, Store(self._settings.database_url))


def _say_ready(worker: Any) -> None:
    """Once: a worker that gunicorn starts again later says nothing."""
    if worker.age == 1:
        host, port = worker.sockets[0].getsockname()[:2]
        sys.stdout.write(f"READY console http://{f'[{host}]' if ':' in host else host}:{port}\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        settings = config.load()
        # A database of a kind we do not know is no reason to come up; one that is away for now is.
        Store(settings.database_url).close()
        _Server(settings).run()
    except ApplianceError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
