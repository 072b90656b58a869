"""Let a running FreeSWITCH read its dialplan, variables and trunk list again: ``reload.py CONFIGURATION-FOLDER``.

Address and password of the event socket are read from the configuration itself, so that the password is never
on a command line. Ends with 1 and the switch's answer when it refuses.
"""

import re
import socket
import sys
from pathlib import Path

# A gateway that is there already is not read again by "rescan".
COMMANDS = (
    "reloadxml",
    "reloadacl",
    "sofia profile gateway400 killgw _all_",
    "sofia profile gateway400 rescan",
)


def frame(stream):
    """One frame of the event socket: headers by lower-case name, body."""
    headers = {}
    while True:
        line = stream.readline().decode("utf-8", "replace").strip()
        if not line:
            break
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers, stream.read(int(headers.get("content-length", 0))).decode("utf-8", "replace")


def main(folder):
    """Send the commands; print the answers."""
    text = Path(folder, "configuration", "event_socket.conf.xml").read_text(encoding="utf-8")
    parameter = dict(re.findall(r'<param name="([^"]+)" value="([^"]*)"', text))
    with socket.create_connection((parameter["listen-ip"], int(parameter["listen-port"])), 10) as connection:
        stream = connection.makefile("rb")
        frame(stream)
        connection.sendall(f"auth {parameter['password']}\n\n".encode())
        if "+OK" not in frame(stream)[0].get("reply-text", ""):
            sys.exit("the event socket refuses the password: the switch runs with an older configuration")
        for command in COMMANDS:
            connection.sendall(f"api {command}\n\n".encode())
            answer = frame(stream)[1].strip()
            sys.stdout.write(f"{command}: {answer}\n")
            if "+OK" not in answer:
                sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
