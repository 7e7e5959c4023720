"""The environment variables with credentials."""

from __future__ import annotations

from pytest_ato.honeytokens import tokens
from pytest_ato.honeytokens.carrier import VariableCarrier
from pytest_ato.honeytokens.draw import pick
from pytest_ato.honeytokens.scene import Scene


def variables(scene: Scene) -> tuple[VariableCarrier, ...]:
    """Mint the eight variables."""
    entropy = scene.entropy
    issuer = f"https://{scene.host('auth', 'sso', 'login', 'accounts')}"
    jwt = tokens.session_jwt(entropy, issuer, scene.email, scene.now)
    return (
        VariableCarrier("aws", "AWS_ACCESS_KEY_ID", tokens.aws_access_key_id(entropy)),
        VariableCarrier("aws", "AWS_SECRET_ACCESS_KEY", tokens.aws_secret_access_key(entropy)),
        VariableCarrier("github", "GITHUB_TOKEN", tokens.github_token(entropy)),
        VariableCarrier("npm", "NPM_TOKEN", tokens.npm_token(entropy)),
        _database_url(scene),
        VariableCarrier("stripe", "STRIPE_SECRET_KEY", tokens.stripe_secret_key(entropy)),
        VariableCarrier("slack", "SLACK_BOT_TOKEN", tokens.slack_bot_token(entropy)),
        VariableCarrier("session", "SESSION_JWT", jwt),
    )


def _database_url(scene: Scene) -> VariableCarrier:
    secret = tokens.password(scene.entropy)
    user = pick(scene.entropy, ("app", "api", "backend", "web"))
    database = pick(scene.entropy, ("app_production", "core", "main", "accounts"))
    host = scene.host("pg-app", "rds-proxy", "db-primary", "pgbouncer")
    url = f"postgresql://{user}:{secret}@{host}:5432/{database}?sslmode=require"
    return VariableCarrier("database", "DATABASE_URL", url, secret)
