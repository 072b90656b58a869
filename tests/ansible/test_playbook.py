"""The playbook by reading it: no Ansible is needed. `test_machine.py` runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from jinja2 import meta

from appliance.config import Settings

PROJECT = Path(__file__).resolve().parents[2]
ANSIBLE = PROJECT / "ansible"
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir() if path.is_dir())
YAML_FILES = sorted([*ANSIBLE.rglob("*.yml"), *ANSIBLE.rglob("*.yaml"), ANSIBLE / ".ansible-lint"])
TEMPLATES = sorted(ANSIBLE.rglob("*.j2"))
UNITS = [path for path in TEMPLATES if path.name.endswith(".service.j2")]
SCRIPTS = [path for path in TEMPLATES if path.name.endswith(".sh.j2")]

#: What Ansible itself defines.
MAGIC = {
    *("ansible_check_mode", "ansible_facts", "ansible_managed", "ansible_playbook_python", "item", "lookup"),
    *("omit", "playbook_dir", "role_path"),
}
#: Keys of a task whose text is an expression without braces.
EXPRESSIONS = {"when", "changed_when", "failed_when", "until", "that"}


class _AnyName(dict[str, Any]):
    """Ansible's filters and tests, all of which Jinja would not know."""

    def get(self, key: str, default: Any = None) -> Any:
        return lambda *_: None


JINJA = jinja2.Environment()
JINJA.filters, JINJA.tests = _AnyName(), _AnyName()


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def defaults(role: str) -> dict[str, Any]:
    """What `defaults/main.yml` of a role sets."""
    return load(ANSIBLE / "roles" / role / "defaults/main.yml") or {}


def every_default() -> dict[str, Any]:
    """Defaults of all roles."""
    return {name: value for role in ROLES for name, value in defaults(role).items()}


def tasks_in(node: Any) -> Iterator[dict[str, Any]]:
    """Every task of a file, in blocks and plays too."""
    for entry in node if isinstance(node, list) else []:
        if isinstance(entry, dict):
            yield entry
            for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
                yield from tasks_in(entry.get(key))


def task_files() -> list[Path]:
    """Playbooks, tasks and handlers."""
    return [
        path for path in YAML_FILES if path.parent == ANSIBLE or path.parent.name in {"tasks", "handlers"}
        if path.suffix == ".yml" and "inventory" not in path.name
    ]  # fmt: skip


def texts(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every text below a node."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from texts(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from texts(value, key)


def names_in(template: str) -> set[str]:
    """Variables that a Jinja text asks for."""
    return meta.find_undeclared_variables(JINJA.parse(template))


def defined_names() -> set[str]:
    """Everything that is defined anywhere: defaults, role variables, play and task variables, results."""
    found = set(every_default()) | MAGIC
    for path in ANSIBLE.glob("roles/*/vars/main.yml"):
        found |= set(load(path))
    for path in task_files():
        for task in tasks_in(load(path)):
            found |= set(task.get("vars") or {}) | set(task.get("ansible.builtin.set_fact") or {})
            if isinstance(task.get("register"), str):
                found.add(task["register"])
    return found


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: str(path.relative_to(ANSIBLE)))
def test_yaml_parses(path: Path) -> None:
    assert load(path) is not None


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_documented(role: str) -> None:
    lines = (ANSIBLE / "roles" / role / "defaults/main.yml").read_text(encoding="utf-8").splitlines()
    bare, explained = [], False
    for line in lines:
        if line.startswith("#"):
            explained = True
        elif not line.strip():
            explained = False
        elif (name := re.match(r"([a-z]\w*):", line)) and not explained:
            bare.append(name[1])
    assert bare == []


@pytest.mark.parametrize("role", ROLES)
def test_names_of_defaults_say_whose_they_are(role: str) -> None:
    own = {"base": ("base_", "gateway_")}.get(role, (f"{role}_",))
    assert [name for name in defaults(role) if not name.startswith(own)] == []


def test_every_variable_used_is_defined() -> None:
    defined, unknown = defined_names(), set()
    for path in TEMPLATES:
        unknown |= {(path.name, name) for name in names_in(path.read_text(encoding="utf-8")) - defined}
    for path in [*task_files(), *ANSIBLE.glob("roles/*/defaults/main.yml"), *ANSIBLE.glob("roles/*/vars/main.yml")]:
        for key, text in texts(load(path)):
            expression = "{{ " + text + " }}" if key in EXPRESSIONS and "{{" not in text else text
            unknown |= {(str(path.relative_to(ANSIBLE)), name) for name in names_in(expression) - defined}
    assert unknown == set()


def test_every_default_is_used() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*YAML_FILES, *TEMPLATES])
    once = [name for name in every_default() if len(re.findall(rf"\b{name}\b", text)) < 2]
    assert once == []


def test_every_notified_handler_exists() -> None:
    known, notified = set(), set()
    for path in task_files():
        for task in tasks_in(load(path)):
            if path.parent.name == "handlers":
                known |= {task["name"], *_list(task.get("listen"))}
            notified |= set(_list(task.get("notify")))
    assert notified <= known


def test_every_file_that_a_task_names_exists() -> None:
    missing = []
    for path in task_files():
        role = path.parents[1]
        for task in tasks_in(load(path)):
            for module, folder in (("template", "templates"), ("copy", "files")):
                source = (task.get(f"ansible.builtin.{module}") or {}).get("src", "{{")
                if "{{" not in source and not (role / folder / source).exists():
                    missing.append(source)
            for module in ("include_tasks", "import_tasks"):
                name = task.get(f"ansible.builtin.{module}")
                if name and not (role / "tasks" / name).exists():
                    missing.append(name)
    assert missing == []


def test_only_modules_of_ansible_core() -> None:
    others = {
        key
        for path in task_files()
        for task in tasks_in(load(path))
        for key in task
        if "." in key and not key.startswith("ansible.builtin.")
    }
    assert others == set()


def called_commands() -> set[tuple[str, ...]]:
    """Commands of the product that units and tasks call, without options."""
    found = set()
    for path in UNITS:
        for words in re.findall(r"/bin/appliance\)?\"? ([a-z][a-z -]*[a-z])", path.read_text(encoding="utf-8")):
            found.add(tuple(words.split(" --")[0].split()))
    for path in task_files():
        for task in tasks_in(load(path)):
            argv = [str(word) for word in (task.get("ansible.builtin.command") or {}).get("argv", [])]
            for place, word in enumerate(argv):
                if word.endswith("/bin/appliance"):
                    found.add(tuple(argv[place + 1 : place + 3]))
            if "umask 007 && exec" in " ".join(argv):
                found.add(("db", "upgrade"))
    return {words for words in found if words and not words[0].startswith("-")}


def test_units_and_tasks_call_commands_that_exist() -> None:
    wanted = sorted(" ".join(words) for words in called_commands())
    assert {"calls serve", "cdr collect", "console serve", "switch run-mini", "switch render", "db upgrade"} <= {
        *wanted
    }
    # In a process of its own: the call handlers' module patches the sockets of whoever imports it.
    script = (
        "import click, sys\nfrom appliance.cli import root\n"
        "for words in sys.argv[1:]:\n"
        "    command = root\n"
        "    for word in words.split():\n"
        "        command = command.get_command(click.Context(command), word)\n"
        "        assert command is not None, words\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *wanted], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr


def test_settings_file_names_settings() -> None:
    derived = defaults("appliance")["appliance_derived_settings"]
    assert set(derived) <= set(Settings.model_fields)


def test_a_package_for_each_module_of_the_switch() -> None:
    modules = (PROJECT / "freeswitch-scripts/conf/configuration/modules.conf.xml").read_text(encoding="utf-8")
    wanted = {f"freeswitch-{name.replace('_', '-')}" for name in re.findall(r'module="(\w+)"', modules)}
    assert wanted == set(defaults("freeswitch")["freeswitch_packages"]) - {"freeswitch"}
    install = (PROJECT / "docs/install.md").read_text(encoding="utf-8")
    listed = re.search(r"freeswitch-mod-\{([^}]+)\}", install)
    assert listed and {f"freeswitch-mod-{name}" for name in listed[1].split(",")} == wanted


def test_documented_variables_exist() -> None:
    install = (PROJECT / "docs/install.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b((?:gateway|base|appliance|freeswitch|handlers|firewall)_[a-z_]+)\b", install))
    assert named <= set(every_default())


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_hardened_and_come_back(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    if "firewall" in unit.name:
        return
    assert "{% include 'hardening.j2' %}" in text
    for line in (
        "Restart=always",
        "MemoryMax=",
        "LimitNOFILE=",
        "User=",
        "StartLimitIntervalSec=0",
        "PartOf=gateway400",
    ):
        assert line in text, line
    hardening = (ANSIBLE / "templates/hardening.j2").read_text(encoding="utf-8")
    for line in ("ProtectSystem=strict", "NoNewPrivileges=true", "PrivateTmp=true", "CapabilityBoundingSet=\n"):
        assert line in hardening, line


def test_no_secret_stands_anywhere() -> None:
    for path in YAML_FILES:
        for key, text in texts(load(path)):
            # A name of a file or of a place where a secret is, is none.
            if re.search(r"(password|token|secret)$", key) and text and "{{" not in text:
                raise AssertionError(f"{path}: {key}")


def test_every_address_is_an_example() -> None:
    for path in [*ANSIBLE.rglob("*"), PROJECT / "Vagrantfile", PROJECT / "docs/install.md"]:
        if path.is_file() and "__pycache__" not in path.parts:
            for host in re.findall(r"https?://([^/\s\"']+)", path.read_text(encoding="utf-8")):
                assert host.startswith(("REPOSITORY-OF", "192.")) or "{{" in host or host == "')", f"{path}: {host}"


@pytest.mark.parametrize(
    "script", [path for path in TEMPLATES if path.name.endswith(".sh.j2")], ids=lambda p: p.name
)
def test_scripts_are_shell(script: Path) -> None:
    values = {name: value for name, value in every_default().items() if not isinstance(value, dict)}
    text = jinja2.Environment().from_string(script.read_text(encoding="utf-8")).render(values)
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_vagrantfile_names_what_is_there() -> None:
    text = (PROJECT / "Vagrantfile").read_text(encoding="utf-8")
    for playbook in re.findall(r'"(\w+\.yml)"', text):
        assert (ANSIBLE / playbook).exists()
    for path in re.findall(r"/vagrant/(ansible[\w./-]*)", text):
        assert (PROJECT / path).exists()
    named = re.findall(r"^ +([a-z]+_[a-z]+_?[a-z_]*): ", text, re.MULTILINE)
    assert set(named) - {"rsync__exclude"} <= set(every_default())


def test_the_trial_site_has_no_fault(tmp_path: Path) -> None:
    site = ANSIBLE / "files/trial-site.yaml"
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "site", "check", str(site)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={"APPLIANCE_STATE_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- pack.py


def _list(value: Any) -> list[str]:
    return [] if value is None else value if isinstance(value, list) else [value]
