"""What `deploy/` holds is checked as far as that goes without a cluster: by the programs that will read it."""

import asyncio
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes_validate
import pytest
import yaml
from traitlets.config import Config

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("deploy")]
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
VERSIONS = ("1.33", "1.37")
PLAIN = sorted(p for p in KUBERNETES.glob("*.yaml") if p.name != "values.yaml")
PROFILES = ("cpu", "gpu-shared", "gpu-mig")

# Names that zero-to-jupyterhub 4 knows at each place, of those used here or close to them in spelling.
CHART = {
    "": "hub proxy singleuser cull prePuller scheduling ingress global imagePullSecret debug custom",
    "hub": "config db existingSecret image loadRoles networkPolicy services extraConfig extraEnv resources",
    "hub.db": "type url password pvc upgrade",
    "hub.image": "name tag pullPolicy",
    "proxy": "https service chp traefik secretToken",
    "proxy.https": "enabled hosts letsencrypt type manual secret",
    "singleuser": "image cmd defaultUrl uid fsGid allowPrivilegeEscalation startTimeout cpu memory storage "
    "networkPolicy cloudMetadata profileList extraEnv nodeSelector extraTolerations extraFiles",
    "singleuser.image": "name tag pullPolicy",
    "singleuser.cpu": "limit guarantee",
    "singleuser.memory": "limit guarantee",
    "singleuser.storage": "type capacity homeMountPath dynamic static extraVolumes extraVolumeMounts extraLabels",
    "singleuser.networkPolicy": "enabled ingress egress egressAllowRules allowedIngressPorts",
    "singleuser.networkPolicy.egressAllowRules": "cloudMetadataServer dnsPortsCloudMetadataServer "
    "dnsPortsKubeSystemNamespace dnsPortsPrivateIPs nonPrivateIPs privateIPs",
    "singleuser.cloudMetadata": "blockWithIptables ip",
    "cull": "enabled users adminUsers removeNamedServers timeout every concurrency maxAge",
    "prePuller": "hook continuous pullProfileListImages extraImages",
    "scheduling": "userScheduler podPriority userPlaceholder corePods userPods",
}
PROFILE = {"display_name", "slug", "description", "default", "kubespawner_override", "profile_options"}


def values() -> dict[str, Any]:
    return yaml.safe_load((KUBERNETES / "values.yaml").read_text("utf-8"))


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def unknown_names(tree: dict[str, Any]) -> list[str]:
    """The keys of chart values that the chart would not know."""
    found = []
    for place, names in CHART.items():
        part: Any = tree
        for name in filter(None, place.split(".")):
            part = part.get(name, {})
        found += [f"{place}.{key}" for key in part if key not in names.split()]
    return found


# ---- zero-to-jupyterhub ---------------------------------------------------------------------------------------------


def test_the_chart_knows_every_name() -> None:
    assert unknown_names(values()) == []
    assert all(set(profile) <= PROFILE for profile in values()["singleuser"]["profileList"])


def test_a_misspelt_name_is_found() -> None:
    tree = values()
    tree["singleuser"]["egressAllowRules"] = {}
    assert unknown_names(tree) == ["singleuser.egressAllowRules"]


def spawner_config() -> Config:
    """What the chart makes of `singleuser`, as far as pods are concerned."""
    user = values()["singleuser"]
    c = Config()
    k = c.KubeSpawner
    k.image = f"{user['image']['name']}:{user['image']['tag']}"
    k.cmd, k.default_url, k.uid, k.fs_gid = [user["cmd"]], user["defaultUrl"], user["uid"], user["fsGid"]
    k.allow_privilege_escalation, k.start_timeout = user["allowPrivilegeEscalation"], user["startTimeout"]
    k.cpu_guarantee, k.cpu_limit = user["cpu"]["guarantee"], user["cpu"]["limit"]
    k.mem_guarantee, k.mem_limit = user["memory"]["guarantee"], user["memory"]["limit"]
    storage = user["storage"]
    home = {"name": "home", "persistentVolumeClaim": {"claimName": "claim-student"}}
    k.volumes = [home, *storage["extraVolumes"]]
    k.volume_mounts = [{"name": "home", "mountPath": storage["homeMountPath"]}, *storage["extraVolumeMounts"]]
    k.profile_list = user["profileList"]
    return c


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubespawner does not look for a cluster when a spawner is made."""
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **options: None)


def pod(profile: str, config: Config | None = None) -> dict[str, Any]:
    """The pod that kubespawner would ask a cluster for, as the cluster would be sent it."""
    from kubernetes_asyncio.client import ApiClient
    from kubespawner import KubeSpawner

    async def made() -> dict[str, Any]:
        user = SimpleNamespace(name="student", id=1, escaped_name="student", url="/user/student/", groups=[])
        server = SimpleNamespace(base_url="/hub/")
        hub = SimpleNamespace(public_host="", api_url="http://hub:8081/hub/api", base_url="/hub/", server=server)
        spawner = KubeSpawner(config=config or spawner_config(), hub=hub, user=user, _mock=True)
        unknown = [
            name
            for p in spawner.profile_list
            for name in p.get("kubespawner_override", {})
            if name not in KubeSpawner.class_traits()
        ]
        assert unknown == [], f"kubespawner has no setting {', '.join(unknown)}"
        spawner.user_options = {"profile": profile}
        await spawner.load_user_options()
        spawner.get_env = lambda: dict(spawner.environment)
        manifest = await spawner.get_pod_manifest()
        async with ApiClient() as client:
            return client.sanitize_for_serialization(manifest) | {"apiVersion": "v1", "kind": "Pod"}

    return asyncio.run(made())


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_gives_a_pod_that_kubernetes_takes(profile: str) -> None:
    made = pod(profile)
    for version in VERSIONS:
        kubernetes_validate.validate(made, version, strict=True)
    (container,) = made["spec"]["containers"]
    assert container["securityContext"]["runAsUser"] == 1000
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert {m["mountPath"] for m in container["volumeMounts"]} == {"/home/jovyan", "/dev/shm"}
    assert {v["name"] for v in made["spec"]["volumes"]} == {"home", "shm"}


def test_a_pod_that_kubernetes_does_not_take_is_found() -> None:
    config = spawner_config()
    config.KubeSpawner.extra_pod_config = {"runtimeClass": "nvidia"}
    with pytest.raises(ValueError, match="did not have an attribute matching 'runtimeClass'"):
        pod("cpu", config)
    config = spawner_config()
    config.KubeSpawner.extra_pod_config = {"hostNetwork": "no"}
    with pytest.raises(kubernetes_validate.ValidationError, match="boolean"):
        kubernetes_validate.validate(pod("cpu", config), VERSIONS[-1], strict=True)
    config = spawner_config()
    config.KubeSpawner.profile_list[0]["kubespawner_override"] = {"extra_resource_limit": {}}
    with pytest.raises(AssertionError, match="kubespawner has no setting extra_resource_limit"):
        pod("cpu", config)


def test_only_the_profiles_with_a_card_ask_for_one() -> None:
    cards = {}
    for profile in PROFILES:
        spec = pod(profile)["spec"]
        limits = spec["containers"][0]["resources"]["limits"]
        cards[profile] = [name for name in limits if name.startswith("nvidia.com/")]
        assert (spec.get("runtimeClassName") == "nvidia") == bool(cards[profile])
        assert any(t["key"] == "nvidia.com/gpu" for t in spec.get("tolerations", [])) == bool(cards[profile])
    assert cards == {"cpu": [], "gpu-shared": ["nvidia.com/gpu.shared"], "gpu-mig": ["nvidia.com/mig-1g.10gb"]}


def test_students_reach_no_other_pod_and_no_metadata() -> None:
    policy = values()["singleuser"]["networkPolicy"]
    rules = policy["egressAllowRules"]
    assert policy["enabled"] and rules["privateIPs"] is False and rules["cloudMetadataServer"] is False


# ---- plain Kubernetes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one_that_kubernetes_takes(path: Path, version: str) -> None:
    found = documents(path)
    assert found
    for document in found:
        kubernetes_validate.validate(document, version, strict=True)


def templates() -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents(KUBERNETES / "grader.yaml"):
        spec = document["spec"].get("jobTemplate", document)["spec"]
        if "template" in spec:
            yield spec["template"]["metadata"]["labels"]["role"], spec["template"]["spec"]


def test_the_sandbox_holds_neither_seed_nor_course_and_nobody_is_root() -> None:
    pods = dict(templates())
    assert set(pods) == {"grader", "sandbox", "scheduler"}
    for name, spec in pods.items():
        assert spec["securityContext"]["runAsNonRoot"] and spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            closed = container["securityContext"]
            assert not closed["allowPrivilegeEscalation"] and closed["capabilities"] == {"drop": ["ALL"]}, name
            mounted = {m["name"] for m in container["volumeMounts"]}
            assert mounted <= {v["name"] for v in spec["volumes"]}
            assert "memory" in container["resources"]["limits"]
    kinds = {name: {k for v in spec["volumes"] for k in v if k != "name"} for name, spec in pods.items()}
    assert kinds["sandbox"] == {"secret", "emptyDir"} == kinds["scheduler"]
    assert "persistentVolumeClaim" in kinds["grader"]


def test_the_sandbox_reaches_the_scheduler_alone() -> None:
    policies = {p["metadata"]["name"]: p["spec"] for p in documents(KUBERNETES / "network-policy.yaml")}
    closed = policies["autograder-closed"]
    assert closed["policyTypes"] == ["Ingress", "Egress"] and "egress" not in closed and "ingress" not in closed
    (way,) = policies["autograder-sandbox"]["egress"]
    assert way["to"] == [{"podSelector": {"matchLabels": {"app": "autograder", "role": "scheduler"}}}]
    assert [p["port"] for p in way["ports"]] == [8786]


def test_the_commands_of_the_pods_are_ones_that_these_programs_know() -> None:
    from distributed.cli import dask_scheduler, dask_worker
    from typer.main import get_command

    from autograder.cli import app

    commands = {
        ("dask", "scheduler"): dask_scheduler.main,
        ("dask", "worker"): dask_worker.main,
        ("autograder", "grade"): get_command(app).commands["grade"],
    }
    for name, spec in templates():
        (container,) = spec["containers"]
        first, second, *rest = container["command"]
        command = commands[first, second]
        arguments = [*rest, *container["args"]]
        for option in (word for word in arguments if word.startswith("--")):
            known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
            assert option.partition("=")[0] in known, f"{name}: {option}"


def test_the_configuration_in_a_map_is_yaml_too() -> None:
    for path in PLAIN:
        for document in documents(path):
            if document["kind"] == "ConfigMap":
                parsed = {name: yaml.safe_load(text) for name, text in document["data"].items()}
                assert all(part["version"] == "v1" for part in parsed.values())
    shared = yaml.safe_load(documents(KUBERNETES / "device-plugin-time-slicing.yaml")[0]["data"]["time-slicing"])
    slicing = shared["sharing"]["timeSlicing"]
    assert slicing["renameByDefault"] and slicing["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]


# ---- the hub's own configuration ------------------------------------------------------------------------------------


def checked(config: Config) -> list[str]:
    """What a hub would complain of: sections that are no class of its, and settings that the class has not."""
    from jupyterhub.app import JupyterHub

    from autograder.hub.lti import CourseLogin

    listed = (*JupyterHub().classes, JupyterHub, CourseLogin)
    classes = {c.__name__: c for base in listed for c in base.mro()}
    found = []
    for section, settings in config.items():
        if section not in classes:
            found.append(section)
            continue
        traits = classes[section].class_traits(config=True)
        found += [f"{section}.{name}" for name in settings if name not in traits]
    return found


def hub_of(config: Config, folder: Path) -> Any:
    """A hub that has read this configuration: services, roles and groups are in its database."""
    from jupyterhub.app import JupyterHub

    config.JupyterHub.db_url = "sqlite:///:memory:"
    config.JupyterHub.cookie_secret = b"0" * 32
    hub = JupyterHub(config=config, data_files_path=str(ROOT), log_level=50)

    async def begun() -> None:
        hub.init_db()
        hub.init_hub()
        hub.init_oauth()
        await hub.init_role_creation()
        await hub.init_users()
        await hub.init_groups()
        hub.init_services()
        await hub.init_api_tokens()
        await hub.init_role_assignment()

    asyncio.run(begun())
    return hub


def tljh(tmp_path: Path) -> Config:
    from traitlets.config.loader import PyFileConfigLoader

    return PyFileConfigLoader("course.py", path=str(DEPLOY / "tljh")).load_config()


def test_tljh_s_configuration_is_one_that_the_hub_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyterhub import orm

    monkeypatch.chdir(tmp_path)
    config = tljh(tmp_path)
    assert checked(config) == []
    hub = hub_of(config, tmp_path)
    assert type(hub.authenticator).__name__ == "CourseLogin" and hub.authenticator.manage_groups
    role = hub.db.query(orm.Role).filter_by(name="formgrade-dmol").one()
    assert [g.name for g in role.groups] == ["formgrade-dmol"]
    assert {s.name for s in hub.db.query(orm.Service)} == {"dmol"}


def test_a_setting_that_the_hub_does_not_know_is_found(tmp_path: Path) -> None:
    config = tljh(tmp_path)
    config.CourseLogin.course = {}
    config.CourseLogon.courses = {}
    assert checked(config) == ["CourseLogin.course", "CourseLogon"]


def test_the_chart_s_hub_section_is_one_that_the_hub_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the chart hands it on: `config` as it is, services and roles as lists."""
    from jupyterhub import orm

    monkeypatch.chdir(tmp_path)
    section = values()["hub"]
    config = Config(section["config"])
    config.CourseLogin.client_id = set(config.CourseLogin.client_id)
    config.CourseLogin.deployment_ids = set(config.CourseLogin.deployment_ids)
    config.JupyterHub.services = [
        {"name": name, "api_token": "t" * 32, **service} for name, service in section["services"].items()
    ]
    config.JupyterHub.load_roles = [{"name": name, **role} for name, role in section["loadRoles"].items()]
    assert checked(config) == []
    hub = hub_of(config, tmp_path)
    assert hub.authenticator.courses == {"0123456789abcdef0123456789abcdef01234567": "dmol"}
    user = hub.db.query(orm.Role).filter_by(name="user").one()
    assert "access:services!service=ngshare" in user.scopes


TLJH = {"https", "limits", "user_environment", "services", "users", "auth", "listen", "http"}


def test_tljh_s_own_file_has_its_names() -> None:
    tree = yaml.safe_load((DEPLOY / "tljh" / "config.yaml").read_text("utf-8"))
    assert tree.keys() <= TLJH
    assert tree["https"]["letsencrypt"].keys() == {"email", "domains"}
    assert tree["services"]["cull"].keys() <= {"enabled", "timeout", "every", "concurrency", "users", "max_age"}


# ---- images ---------------------------------------------------------------------------------------------------------


def steps(image: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions, with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "images" / image / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines]


KNOWN = {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD", "ARG"}


@pytest.mark.parametrize("image", ["cpu", "gpu"])
def test_an_image_is_made_of_what_is_there_and_ends_as_nobody_special(image: str) -> None:
    found = steps(image)
    assert {word for word, _ in found} <= KNOWN
    for source in (part for word, rest in found if word == "COPY" for part in shlex.split(rest)[:-1]):
        assert (ROOT / source).exists(), f"COPY {source}: there is no such thing"
        assert not source.startswith(("solutions", "source", "tests")) and source != "."
    assert [rest for word, rest in found if word == "USER"][-1] == "1000"
    installs = [rest for word, rest in found if word == "RUN" and "pip install" in rest]
    assert installs and all("--require-hashes" in i or "--no-deps" in i for i in installs)
    assert all("--require-hashes" in i for i in installs if "-r /tmp/requirements" in i)


def test_the_base_is_pinned_and_the_library_path_is_empty() -> None:
    assert steps("cpu")[0] == ("FROM", "python:3.11-slim-bookworm")
    environment = " ".join(rest for word, rest in steps("gpu") if word == "ENV")
    assert environment.endswith("LD_LIBRARY_PATH=") and "JAX_DEFAULT_MATMUL_PRECISION=highest" in environment


def test_one_cuda_stack_is_added_and_each_file_of_it_has_a_hash() -> None:
    from scripts.gpu_lock import GPU, LOCK, entries

    added, known = entries(GPU.read_text("utf-8")), entries(LOCK.read_text("utf-8"))
    assert all("--hash=sha256:" in piece for piece in added.values())
    assert not added.keys() & known.keys()
    assert {name.rpartition("-")[2] for name in added if name.startswith("nvidia-")} == {"cu12"}
    version = re.compile(r"==([^ ;\\]+)")
    assert version.findall(added["jax-cuda12-plugin"])[0] in version.findall(known["jax"])
    assert not any(name.startswith(("tensorflow", "torch")) for name in added)


def test_names_of_places_are_examples() -> None:
    """No address of anybody's real hub, registry or platform, other than that of a product's vendor."""
    vendors = {"canvas.instructure.com"}
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file() and path.suffix in (".yaml", ".py"):
            hosts = set(re.findall(r"\b(?:[a-z0-9-]+\.)+(?:com|edu|org|io|net)\b(?!/)", path.read_text("utf-8")))
            ours = {h for h in hosts - vendors if not h.endswith((".example.edu", "example.edu"))}
            assert not {h for h in ours if not h.endswith((".k8s.io", "kubernetes.io", "nvidia.com"))}, path
