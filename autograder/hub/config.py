"""Writes what a hub reads: its own configuration, Jupyter's for each role, nbgrader's, kernels and passwords."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import jinja2

from autograder.hub import kernels
from autograder.hub.accounts import find
from autograder.hub.course import PLUGIN
from autograder.hub.plan import DOOR, Plan, Ports
from autograder.secret import write_private

TEMPLATES = Path(__file__).parent / "templates"
SINGLEUSER = [sys.executable, "-m", "jupyterhub.singleuser"]
MODULE = "autograder.hub.door"
PASSWORDS = "passwords.json"

OFF = ("formgrader", "course_list", "validate_assignment", "assignment_list")
"""nbgrader's server extensions; its JupyterLab ones have the same names with dashes."""
ROLES: Mapping[str, frozenset[str]] = {
    "student": frozenset({"assignment_list"}),
    "instructor": frozenset({"assignment_list", "course_list"}),
    "grader": frozenset({"formgrader"}),
}
LAB = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


def write(plan: Plan, ports: Ports, proxy: list[str], titles: Mapping[str, str]) -> Path:
    """Writes all of it, and says where the hub's own configuration is. `titles` are those of the chapters, by name."""
    plan.top.mkdir(parents=True, exist_ok=True)
    plan.private.mkdir(mode=0o700, exist_ok=True)
    _exchange(plan)
    for role in ROLES:
        _role(plan, role, titles)
    kernels.write(plan.jupyter / "share", gpu=kernels.has_gpu())
    path = plan.private / "jupyterhub_config.py"
    write_private(path, hub_config(plan, ports, proxy, door=has_door()))
    return path


def hub_config(plan: Plan, ports: Ports, proxy: list[str], *, door: bool) -> str:
    """The text of jupyterhub_config.py."""
    templates = jinja2.Environment(  # it makes Python: every value goes through repr
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    templates.filters["repr"] = repr
    environment = {"PATH": _path(), "JUPYTER_PATH": str(plan.jupyter / "share"), "LANG": "C.UTF-8"}
    grader = environment | {
        "AUTOGRADER_STATE": str(plan.state),
        "JUPYTER_CONFIG_PATH": str(plan.jupyter / "grader"),
        "JUPYTERHUB_USER": plan.people.grader,
    }
    if not plan.accounts:
        grader |= {"HOME": str(plan.homes / plan.people.grader)}
    command = [sys.executable, "-m", MODULE, "--course", str(plan.course), "--state", str(plan.state)]
    return templates.get_template("jupyterhub_config.py.j2").render(
        plan=plan,
        ports=ports,
        proxy=proxy,
        address=f"http://127.0.0.1:{ports.public}/",
        singleuser=SINGLEUSER,
        environment=environment,
        grader_environment=grader,
        teachers=f"formgrade-{plan.name}",
        students=f"nbgrader-{plan.name}",
        door=DOOR if door else "",
        door_command=command,
    )


def has_door() -> bool:
    """Whether the course's own page is installed; without it, people land in JupyterLab."""
    return importlib.util.find_spec(MODULE) is not None


def passwords(plan: Plan) -> Mapping[str, str]:
    """Everybody's password: made once, the same until the demo is removed."""
    path = plan.private / PASSWORDS
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    made = {name: known.get(name) or secrets.token_urlsafe(9) for name in plan.people.users}
    if made != known:
        write_private(path, json.dumps(made))
    return made


def _exchange(plan: Plan) -> None:
    """nbgrader's folders, with its own modes: nobody but the grader can list what is handed in."""
    made = {"": 0o1777, plan.name: 0o755, f"{plan.name}/outbound": 0o755, f"{plan.name}/inbound": 0o2733}
    made[f"{plan.name}/feedback"] = 0o711
    account = find(plan.people.grader) if plan.accounts else None
    for name, mode in made.items():
        folder = plan.exchange / name
        folder.mkdir(exist_ok=True)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        folder.chmod(mode)


def _role(plan: Plan, role: str, titles: Mapping[str, str]) -> None:
    """One folder of JUPYTER_CONFIG_PATH: which parts of nbgrader a role has, and where the exchange is."""
    folder = plan.jupyter / role
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "labconfig").mkdir(parents=True)
    mine = ROLES[role]
    servers = {f"nbgrader.server_extensions.{name}": name in mine for name in OFF}
    if role != "grader":  # whose buttons on the course's page fetch and hand in
        servers["autograder.hub.student_server"] = True
    told = {"ServerApp": {"jpserver_extensions": servers}, "CourseTitles": {plan.name: dict(titles)}}
    _json(folder / "jupyter_server_config.json", told)
    hidden = {f"@jupyter/nbgrader:{name.replace('_', '-')}": name not in mine for name in OFF}
    hidden["@jupyter/nbgrader:create-assignment"] = True  # a chapter is written in source/<chapter>.py
    _json(folder / "labconfig" / "page_config.json", {"disabledExtensions": hidden})
    _json(folder / "labconfig" / "default_setting_overrides.json", LAB)
    lines = ["import os", "", "c = get_config()", f"c.CourseDirectory.course_id = {plan.name!r}"]
    lines += [f"c.Exchange.root = {str(plan.exchange)!r}", "c.Exchange.path_includes_course = True"]
    lines += [f"c.Authenticator.plugin_class = {PLUGIN!r}"]
    if not plan.accounts and role != "grader":
        lines.append('c.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]')
    (folder / "nbgrader_config.py").write_text("\n".join(lines) + "\n", "utf-8")


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])


def _json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1), "utf-8")
