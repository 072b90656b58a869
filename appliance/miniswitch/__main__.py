"""`python -m appliance.miniswitch --config FILE.json`: run the embedded switch in the foreground."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from appliance.miniswitch import settings


def main() -> int:
    """Run until SIGTERM; the exit status is 2 for a configuration that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m appliance.miniswitch", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration, a JSON file")
    arguments = parser.parse_args()
    try:
        chosen = settings.load(arguments.config)
        chosen.log_file.parent.mkdir(parents=True, exist_ok=True)
        stream = chosen.log_file.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    except (settings.SettingsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logging.basicConfig(
        stream=stream, level=logging.INFO, format="%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"
    )
    # sippy prints what it does not understand to the stdout that was there when it was imported; that is
    # for the log. And its loop belongs to the thread that imports it: this one.
    console, sys.stdout = sys.stdout, stream
    from appliance.miniswitch.switch import Switch

    try:
        switch = Switch(chosen)
    except OSError as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: switch.ask_to_stop())
    console.write(f"READY sip={chosen.sip_host}:{chosen.sip_port} esl={chosen.esl_host}:{chosen.esl_port}\n")
    console.flush()
    switch.loop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
