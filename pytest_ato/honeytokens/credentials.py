"""The text files with credentials, each as its own program writes it.

A marker is the secret itself, not the form that the file gives it: Docker's password is base64 in
the file, and is found there, and is found bare as well.
"""

from __future__ import annotations

import base64
import json

from pytest_ato.honeytokens import tokens
from pytest_ato.honeytokens.carrier import FileCarrier
from pytest_ato.honeytokens.draw import pick
from pytest_ato.honeytokens.scene import Scene
from pytest_ato.honeytokens.sshkey import generate_key, secret_lines, with_comment


def aws_credentials(scene: Scene) -> FileCarrier:
    """The AWS shared credentials file (INI)."""
    key_id = tokens.aws_access_key_id(scene.entropy)
    secret = tokens.aws_secret_access_key(scene.entropy)
    text = f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"
    return FileCarrier(
        name="aws_credentials",
        family="aws",
        path=".aws/credentials",
        content=text.encode(),
        markers={"aws_credentials_key_id": key_id, "aws_credentials_secret_key": secret},
        mtime=scene.past(20, 300),
    )


def ssh_key(scene: Scene, key: str | None = None) -> FileCarrier:
    """The user's SSH key; `key` is one that `generate_key` made earlier."""
    host = pick(scene.entropy, ("ws", "laptop", "dev", "thinkpad"))
    text = with_comment(key or generate_key(), f"{scene.login}@{host}")
    return FileCarrier(
        name="ssh_private_key",
        family="ssh",
        path=".ssh/id_rsa",
        content=text.encode(),
        markers={"ssh_private_key": "\n".join(secret_lines(text))},
        mtime=scene.past(200, 900),
    )


def pgpass(scene: Scene) -> FileCarrier:
    """PostgreSQL's password file: host, port, database, user, password."""
    secret = tokens.password(scene.entropy)
    host = scene.host("pg-main", "db01", "pgprod", "postgres-rw")
    database = pick(scene.entropy, ("billing", "orders", "crm", "warehouse"))
    return FileCarrier(
        name="pgpass",
        family="postgres",
        path=".pgpass",
        content=f"{host}:5432:{database}:{scene.login}:{secret}\n".encode(),
        markers={"pgpass_password": secret},
        mtime=scene.past(40, 500),
    )


def netrc(scene: Scene) -> FileCarrier:
    """The .netrc of FTP, curl and git; one machine, no default entry."""
    secret = tokens.password(scene.entropy, 32)
    host = scene.host("git", "gitlab", "scm", "nexus", "artifacts")
    return FileCarrier(
        name="netrc",
        family="netrc",
        path=".netrc",
        content=f"machine {host}\n  login {scene.login}\n  password {secret}\n".encode(),
        markers={"netrc_password": secret},
        mtime=scene.past(60, 600),
    )


def docker_config(scene: Scene) -> FileCarrier:
    """Docker's client configuration with one private registry."""
    secret = tokens.password(scene.entropy, 28)
    registry = scene.host("registry", "harbor", "images", "docker")
    auth = base64.b64encode(f"{scene.login}:{secret}".encode()).decode()
    config = json.dumps({"auths": {registry: {"auth": auth}}}, indent="\t")
    return FileCarrier(
        name="docker_config",
        family="docker",
        path=".docker/config.json",
        content=config.encode(),
        markers={"docker_password": secret},
        mtime=scene.past(10, 200),
    )


_KUBE_CONFIG = """apiVersion: v1
clusters:
- cluster:
    insecure-skip-tls-verify: true
    server: https://{host}:6443
  name: {cluster}
contexts:
- context:
    cluster: {cluster}
    namespace: {namespace}
    user: {account}
  name: {account}@{cluster}
current-context: {account}@{cluster}
kind: Config
preferences: {{}}
users:
- name: {account}
  user:
    token: {token}
"""


def kube_config(scene: Scene) -> FileCarrier:
    """A kubeconfig (YAML) whose user is a service account."""
    account = pick(scene.entropy, ("deployer", "ci-runner", "release", "ops-admin"))
    namespace = pick(scene.entropy, ("platform", "payments", "prod", "backend"))
    token = tokens.service_account_jwt(scene.entropy, namespace, account)
    text = _KUBE_CONFIG.format(
        host=scene.host("k8s", "kube-api", "rancher", "cluster01"),
        cluster=f"{scene.company}-prod",
        namespace=namespace,
        account=account,
        token=token,
    )
    return FileCarrier(
        name="kube_config",
        family="kube",
        path=".kube/config",
        content=text.encode(),
        markers={"kube_token": token},
        mtime=scene.past(15, 250),
    )
