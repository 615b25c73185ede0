"""What a site starts from – compose file, image, units, settings – against what the service and its files are."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from hemoview.cloud import probe
from hemoview.cloud.settings import ENV, Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "resources" / "deploy"
GUIDE = (ROOT / "resources" / "docs" / "deployment.md").read_text("utf-8")
SETTINGS = {f.name: str(f.type) for f in fields(Settings)}
REPLICAS = ("service-1", "service-2")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return told


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Where in the container → what lies there."""
    pairs = [mount.removesuffix(":ro").split(":") for mount in service["volumes"]]
    return {inside: outside for outside, inside in pairs}


def test_it_is_what_the_compose_specification_calls_one(compose: dict[str, Any]) -> None:
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text("utf-8")
    found = [error.message for error in Draft202012Validator(json.loads(schema)).iter_errors(compose)]
    assert found == []


def test_every_part_has_as_little_as_it_needs(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service["user"].startswith("0:") and service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert not service.get("privileged") and "docker.sock" not in str(service), name
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert sorted(published) == ["443:443", "8883:8883"]


def test_images_are_named_by_their_major_version(compose: dict[str, Any]) -> None:
    images = {service["image"] for service in compose["services"].values()}
    assert images == {"postgres:15", "eclipse-mosquitto:2", "nginx:1", "hemoview-service:0.1.0"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"hemoview-service:{project['version']}" in images


def test_every_file_it_mounts_is_here_or_made_by_the_guide(compose: dict[str, Any]) -> None:
    outside = [path for service in compose["services"].values() for path in mounts(service).values()]
    outside += [secret["file"] for secret in compose["secrets"].values()]
    for path in outside:
        if path.startswith("./site/"):
            folder, _, name = path.removeprefix("./").rpartition("/")
            assert name in GUIDE and folder in GUIDE, path
        elif path.startswith("./"):
            assert (DEPLOY / path).exists(), path
        else:
            assert path in compose["volumes"], path


def test_what_is_mounted_is_where_each_configuration_looks(compose: dict[str, Any]) -> None:
    services = compose["services"]
    nginx = (DEPLOY / "nginx" / "hemoview.conf").read_text("utf-8")
    main = (DEPLOY / "nginx" / "nginx.conf").read_text("utf-8")
    broker = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text("utf-8")
    asked = re.findall(r"^\s*ssl_certificate(?:_key)? (\S+);", nginx, re.M)
    asked += re.findall(r"^\s*include (\S+);", main, re.M)
    assert len(asked) == 3 and set(asked) <= mounts(services["nginx"]).keys()
    asked = re.findall(r"^(?:\w+file|acl_file) (/etc/\S+)", broker, re.M)
    assert len(asked) >= 5 and set(asked) <= mounts(services["broker"]).keys()
    for tmp in re.findall(r"^(?:log_dest file|pid_file) (\S+)/[^/]+$", broker, re.M):
        assert any(one.startswith(f"{tmp}:") for one in services["broker"]["tmpfs"])
    sockets = re.findall(r"server unix:(\S+)", nginx)
    assert sockets == [services[name]["environment"][f"{ENV}SOCKET"] for name in REPLICAS]
    for name in (*REPLICAS, "nginx"):
        assert mounts(services[name])["/run/hemoview"] == "sockets"


def test_replicas_differ_in_folder_and_socket_alone(compose: dict[str, Any]) -> None:
    one, two = (json.dumps(compose["services"][name], sort_keys=True) for name in REPLICAS)
    assert one.replace("own_1", "own_2").replace("/hemoview/1/", "/hemoview/2/") == two


def test_its_settings_are_settings_and_all_of_them_are_safe(compose: dict[str, Any], tmp_path: Path) -> None:
    told = tomllib.loads((DEPLOY / "service.toml").read_text("utf-8"))
    inside = mounts(compose["services"]["service-1"]).keys() | {
        f"/run/secrets/{name}" for name in compose["services"]["service-1"]["secrets"]
    }
    for name, value in told.items():
        if SETTINGS[name].startswith("Path"):
            assert value in inside, name
    environment = compose["services"]["service-1"]["environment"]
    named = {name.removeprefix(ENV).lower() for name in environment if name.startswith(ENV)}
    assert named <= SETTINGS.keys()
    there = tmp_path / "there.pem"  # each of the files
    there.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    there.chmod(0o600)
    moved = {name: there if SETTINGS[name].startswith("Path") else value for name, value in told.items()}
    Settings.read(None, moved | {"folder": tmp_path}, {})  # checks them, as for a backup
    behind = {"socket": tmp_path / "s", "folder": tmp_path, "tls_cert": there}
    Settings.read(None, moved | behind, {})


def test_the_image_is_made_of_what_a_site_is_given() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M)
    sources = [source for line in copied for source in line.split()]
    assert sources == ["resources/locks/service.txt", "dist/site/*.whl"]
    assert (ROOT / sources[0]).is_file() and "dist/site" in (ROOT / "Makefile").read_text("utf-8")
    assert "--require-hashes" in text and "USER 10001:10001" in text
    for made in ("/run/hemoview", "/var/lib/hemoview/own", "/var/lib/hemoview/keys"):
        assert made in text


def test_a_unit_for_each_replica() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "resources" / "systemd" / "hemoview-service@.service")
    command = unit["Service"]["ExecStart"]
    flags = {word.removeprefix("--").replace("-", "_") for word in command.split() if word.startswith("--")}
    assert flags - {"config"} <= SETTINGS.keys()
    sockets = re.findall(r"server unix:(\S+)", (DEPLOY / "nginx" / "hemoview.conf").read_text("utf-8"))
    socket = re.search(r"--socket (\S+)", command)
    assert socket is not None and [socket[1].replace("%i", n) for n in ("1", "2")] == sockets
    assert unit["Service"]["RuntimeDirectoryMode"] == "0750"


def test_the_guide_tells_every_setting_and_no_other() -> None:
    table = GUIDE.partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", table, re.M)
    told = [name.strip("`") for row in rows for name in row.split(", ")]
    assert sorted(told) == sorted(SETTINGS)


def test_a_probe_says_why_not(tmp_path: Path) -> None:
    is_well, said = probe.probe(str(tmp_path / "nobody.sock"))
    assert not is_well and "nobody.sock" in said
