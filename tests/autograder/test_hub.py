"""What a hub is made of: who, where, which rights, which kernels; and what is said when it cannot be."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from traitlets.config import Config

from autograder.errors import UsageError
from autograder.hub import accounts, config, course, enclosure, kernels, plan, run
from autograder.settings import Settings
from tests.conftest import TOY

PORTS = plan.Ports(public=8000, hub=8001, proxy=8002, formgrader=8003, door=8004)
PROXY = ["/usr/bin/node", "/opt/proxy"]


def sample(tmp_path: Path, *, isolated: bool = True) -> plan.Plan:
    return plan.sample("toy", tmp_path, accounts=isolated)


def executed(text: str) -> Any:
    """What jupyterhub_config.py configures, as JupyterHub runs it."""
    c = Config()
    exec(compile(text, "jupyterhub_config.py", "exec"), {"get_config": lambda: c})
    return c


def hub_config(made: plan.Plan, *, door: bool = False) -> Any:
    return executed(config.hub_config(made, PORTS, PROXY, door=door))


def test_the_demo_has_a_grader_an_instructor_and_two_students_named_after_the_course(tmp_path: Path) -> None:
    made = sample(tmp_path)
    assert made.people == plan.People("toy-grader", "toy-instructor", ("toy-ada", "toy-grace"))
    assert made.course.is_relative_to(made.homes / "toy-grader") and made.state.is_relative_to(
        made.homes / "toy-grader"
    )
    assert sample(tmp_path, isolated=False).top.is_relative_to(tmp_path)


@pytest.mark.parametrize("name", ["Toy", "to y", "../toy", "", "t" * 22, "1toy", "toy\nc.x = 1", "'"])
def test_a_name_that_is_no_account_s_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="The course's name is .*, but for a hub it should be like a Unix account's"):
        plan.sample(name, tmp_path, accounts=True)


def test_the_name_of_the_course_s_page_is_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="A course cannot be called 'course'"):
        plan.sample("course", tmp_path, accounts=False)


def test_nobody_grades_and_learns(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ada has two roles, but should have one"):
        plan.real("toy", tmp_path, tmp_path, "ada", "boss", ["ada"])


def test_ports_differ_and_the_public_one_can_be_chosen() -> None:
    found = plan.ports(0)
    numbers = (found.public, found.hub, found.proxy, found.formgrader, found.door)
    assert len(set(numbers)) == 5 and all(numbers)
    assert plan.ports(4321).public == 4321


def test_the_configuration_keeps_the_parts_on_this_machine(tmp_path: Path) -> None:
    c = hub_config(sample(tmp_path))
    assert c.JupyterHub.bind_url == "http://127.0.0.1:8000/"
    assert c.JupyterHub.hub_ip == "127.0.0.1"
    assert c.ConfigurableHTTPProxy.api_url == "http://127.0.0.1:8002"
    assert c.ConfigurableHTTPProxy.command == PROXY


def test_what_a_student_may_ask_the_hub(tmp_path: Path) -> None:
    """Students' own group has no role at all; the role of servers speaks of one's own account."""
    c = hub_config(sample(tmp_path))
    assert [role["name"] for role in c.JupyterHub.load_roles if "nbgrader-toy" in role.get("groups", ())] == []
    (server,) = [role for role in c.JupyterHub.load_roles if role["name"] == "server"]
    open_to_all = {"list:services", "read:services!service=toy"}  # held only where the account's own roles have them
    assert {s for s in server["scopes"] if not s.endswith(("!user", "!server"))} == open_to_all
    assert c.JupyterHub.load_groups["nbgrader-toy"]["users"] == ["toy-ada", "toy-grace"]
    assert c.Authenticator.allowed_users == {"toy-instructor", "toy-ada", "toy-grace"}
    assert "admin_users" not in c.Authenticator


def test_services_run_as_the_grader(tmp_path: Path) -> None:
    made = sample(tmp_path)
    (formgrader,) = hub_config(made).JupyterHub.services
    assert (formgrader["name"], formgrader["user"], formgrader["cwd"]) == ("toy", "toy-grader", str(made.course))
    assert formgrader["environment"]["AUTOGRADER_STATE"] == str(made.state)
    assert "user" not in hub_config(sample(tmp_path, isolated=False)).JupyterHub.services[0]


def test_people_land_on_the_course_s_page_where_there_is_one(tmp_path: Path) -> None:
    made = sample(tmp_path)
    without, with_door = hub_config(made), hub_config(made, door=True)
    assert "default_url" not in without.JupyterHub
    assert with_door.JupyterHub.default_url == "/services/course/"
    (_, door) = with_door.JupyterHub.services
    given = ["--course", str(made.course), "--state", str(made.state)]
    assert door["command"] == [sys.executable, "-m", "autograder.hub.door", *given]
    assert (door["name"], door["url"], door["user"]) == ("course", "http://127.0.0.1:8004", "toy-grader")
    visits = {
        g
        for role in with_door.JupyterHub.load_roles
        if "access:services!service=course" in role["scopes"]
        for g in role["groups"]
    }
    assert visits == {"formgrade-toy", "nbgrader-toy"}


def test_servers_inherit_nothing_of_the_hub_s_environment(tmp_path: Path) -> None:
    c = hub_config(sample(tmp_path))
    assert c.Spawner.env_keep == []
    assert c.Spawner.environment.keys() == {"PATH", "JUPYTER_PATH", "LANG"}


def test_without_accounts_each_student_is_told_apart_by_name_only(tmp_path: Path) -> None:
    made = sample(tmp_path, isolated=False)
    assert hub_config(made).JupyterHub.spawner_class.endswith("SimpleLocalProcessSpawner")
    assert "check_owner = False" in course.nbgrader_lines(made)
    assert "check_owner" not in course.nbgrader_lines(sample(tmp_path))


def test_what_a_hub_reads_is_written_for_each_role(tmp_path: Path) -> None:
    made = sample(tmp_path, isolated=False)
    path = config.write(made, PORTS, PROXY, {"toy": "Toys"})
    assert path.stat().st_mode & 0o077 == 0 and made.private.stat().st_mode & 0o077 == 0
    modes = {p.name: p.stat().st_mode & 0o7777 for p in (made.exchange, *(made.exchange / "toy").iterdir())}
    assert modes == {"exchange": 0o1777, "outbound": 0o755, "inbound": 0o2733, "feedback": 0o711}
    student = made.jupyter / "student"
    told = json.loads((student / "jupyter_server_config.json").read_text())
    servers = told["ServerApp"]["jpserver_extensions"]
    assert told["CourseTitles"] == {"toy": {"toy": "Toys"}}
    assert {name.rpartition(".")[2] for name, on in servers.items() if on} == {"assignment_list", "student_server"}
    assert str(made.exchange) in (student / "nbgrader_config.py").read_text()


def test_passwords_are_made_once_and_are_private(tmp_path: Path) -> None:
    made = sample(tmp_path, isolated=False)
    made.private.mkdir(parents=True)
    first = config.passwords(made)
    assert first.keys() == set(made.people.users) and len(set(first.values())) == 3
    assert config.passwords(made) == first
    assert (made.private / "passwords.json").stat().st_mode & 0o077 == 0


def test_a_password_opens_its_own_account_only(tmp_path: Path) -> None:
    from autograder.hub.passwords import Passwords

    (tmp_path / "passwords.json").write_text('{"ada": "a", "grace": "g"}')
    asked = Passwords(file=str(tmp_path / "passwords.json"))

    def login(name: str, password: str) -> str | None:
        return asyncio.run(asked.authenticate(None, {"username": name, "password": password}))

    assert login("ada", "a") == "ada"
    assert [login("ada", "g"), login("ada", ""), login("nobody", ""), login("", "")] == [None] * 4


def test_kernels_are_named_after_what_they_run_on() -> None:
    shown = {name: spec["display_name"] for name, spec in kernels.specs(gpu=True).items()}
    assert shown == {"python3": "Course (CPU)", "course-gpu": "Course (GPU)"}
    assert kernels.specs(gpu=False).keys() == {"python3"}
    gpu: Any = kernels.specs(gpu=True)["course-gpu"]["env"]
    assert gpu["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false" and "JAX_PLATFORMS" not in gpu


def test_a_card_that_is_gone_takes_its_kernel_with_it(tmp_path: Path) -> None:
    kernels.write(tmp_path, gpu=True)
    kernels.write(tmp_path, gpu=False)
    assert [p.parent.name for p in tmp_path.rglob("kernel.json")] == ["python3"]


def test_a_card_is_seen_by_its_devices(tmp_path: Path) -> None:
    assert not kernels.has_card(tmp_path) and not kernels.has_gpu(tmp_path)
    (tmp_path / "nvidiactl").touch()
    (tmp_path / "nvidia0").touch()
    assert kernels.has_card(tmp_path)


def test_the_demo_s_copy_has_the_course_and_nobody_s_work(tmp_path: Path, toy_root: Path) -> None:
    for name in ("submitted/ada/toy/toy.ipynb", "gradebook.db", "source/toy/toy.ipynb", ".git/config"):
        path = toy_root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    made = sample(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(course.pack(toy_root, made))) as archive:
        names = set(archive.getnames())
        found = archive.extractfile("nbgrader_config.py")
        assert found is not None
        text = found.read().decode()
    assert {"source/course.toml", "source/toy.py", "source/toy/toy.ipynb", "solutions/toy.py"} <= names
    assert not [n for n in names if n.startswith((".git", "submitted", "gradebook", "release"))]
    assert f"c.Exchange.root = {str(made.exchange)!r}" in text and "JupyterHubAuthPlugin" in text


def test_what_was_built_before_its_source_is_left_for_the_demo_to_build_once(tmp_path: Path, toy_root: Path) -> None:
    built = toy_root / "source" / "toy" / "toy.ipynb"
    built.parent.mkdir(parents=True, exist_ok=True)
    built.touch()
    os.utime(built, (0, 0))
    with tarfile.open(fileobj=io.BytesIO(course.pack(toy_root, sample(tmp_path)))) as archive:
        assert not [n for n in archive.getnames() if n.startswith("source/toy/")]


def test_a_course_of_one_s_own_is_told_the_lines_it_lacks(tmp_path: Path) -> None:
    made = plan.real("toy", tmp_path, tmp_path, "grader", "boss", ["ada"])
    lacking = course.missing_lines(tmp_path, made)
    (tmp_path / "nbgrader_config.py").write_text(lacking)
    assert "/var/lib/autograder/toy/exchange" in lacking and course.missing_lines(tmp_path, made) == ""


def test_a_python_in_a_closed_home_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "venv").mkdir(parents=True)
    home.chmod(0o700)
    assert enclosure.closed([home / "venv"])[0] in (home, *home.parents)
    with pytest.raises(
        UsageError, match=r"Students' accounts cannot run .*: .* is closed to others\. Make the virtual"
    ):
        enclosure.refuse_closed([home / "venv"])


def test_a_course_that_others_can_read_is_refused(open_folder: Path) -> None:
    (open_folder / "solutions").mkdir()
    with pytest.raises(UsageError, match="students would find the answers. Run `chmod -R go="):
        enclosure.refuse_readable(open_folder)
    open_folder.chmod(0o700)
    enclosure.refuse_readable(open_folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes mount namespaces of its own")
def test_an_enclosed_program_sees_the_engine_and_not_the_course(open_folder: Path) -> None:
    (open_folder / "solutions.py").touch()
    code = f"""
import os, sys
from pathlib import Path
from autograder.hub.enclosure import ENGINE, enclose, needed
enclose(Path({str(open_folder)!r}), needed())
os.setuid(65534)
print(os.listdir({str(open_folder)!r}), sorted(os.listdir(ENGINE.parent)), os.access(sys.executable, os.X_OK))
import autograder.client
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seen, clone, usable = done.stdout.replace("] ", "]\n").splitlines()
    assert seen == "[]" and "solutions" not in clone and "autograder" in clone and usable == "True"
    assert (open_folder / "solutions.py").exists()


def test_only_a_demo_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    """A real course's exchange holds what people handed in."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    made = sample(tmp_path, isolated=False)
    made.private.mkdir(parents=True)
    run.remove(Settings(TOY, tmp_path), Console())
    assert "There is no demo of toy here." in capsys.readouterr().out and made.private.exists()
    config.passwords(made)
    run.remove(Settings(TOY, tmp_path), Console())
    assert "Removed" in capsys.readouterr().out and not made.top.exists()


def test_who_has_no_account_cannot_come(tmp_path: Path) -> None:
    made = plan.real("toy", tmp_path, tmp_path, "nobody", "no-such-account", ["daemon"])
    with pytest.raises(UsageError, match="no-such-account has no account on this machine"):
        accounts.check(made)
    with pytest.raises(UsageError, match="root is root, but should be an ordinary account"):
        accounts.check(plan.real("toy", tmp_path, tmp_path, "root", "daemon", ["nobody"]))


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="Node.js, 20 or newer, is not installed. Run `make hub`"):
        run.run(Settings(TOY, tmp_path), Console(), port=0, demo=True, instructor=None, students=())


@pytest.mark.parametrize(
    ("root", "demo", "instructor", "said"),
    [
        (True, False, None, "Name people who have accounts on this machine"),
        (True, True, "boss", "--demo has people of its own"),
        (False, False, "boss", "need accounts of their own, and so root"),
    ],
)
def test_how_a_hub_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: bool, demo: bool, instructor: str | None, said: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(run, "_requirements", lambda: PROXY)
    with pytest.raises(UsageError, match=said):
        run.run(Settings(TOY, tmp_path), Console(), port=0, demo=demo, instructor=instructor, students=())
