"""Public services by which data leaves unnoticed: anybody may use them, and they keep what comes.

Owns the list (as of 2025-09, from the services' own documentation) and how a name is looked up in
it: the registered name and all below it, except for the pages that only describe the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KINDS: Final[Mapping[str, str]] = {
    "paste": """
        pastebin.com paste.ee hastebin.com dpaste.com dpaste.org ghostbin.com rentry.co rentry.org
        controlc.com ix.io sprunge.us termbin.com paste.rs privatebin.net justpaste.it pastes.io
        0bin.net paste2.org hpaste.org paste.gg bpa.st pst.moe
    """,
    "webhook": """
        webhook.site hooks.slack.com requestbin.com requestbin.net pipedream.net beeceptor.com
        hookbin.com requestcatcher.com webhook.cool postb.in ptsv2.com ptsv3.com typedwebhook.tools
        webhook-test.com httpdump.app mockbin.org hookdeck.app
    """,
    "out-of-band": """
        oast.pro oast.live oast.site oast.online oast.fun oast.me interact.sh interactsh.com
        burpcollaborator.net oastify.com dnslog.cn dnslog.link ceye.io requestrepo.com xss.ht
        bxss.me bxss.in eyes.sh callback.red canarytokens.com
    """,
    "tunnel": """
        ngrok.io ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev trycloudflare.com loca.lt
        localtunnel.me serveo.net pagekite.me localhost.run lhr.life bore.pub telebit.io
        tunnelmole.net devtunnels.ms pinggy.io pinggy.link zrok.io tunnelto.dev localxpose.io
    """,
    "file drop": """
        transfer.sh file.io anonfiles.com anonfile.com gofile.io catbox.moe 0x0.st temp.sh
        bashupload.com uguu.se filebin.net ufile.io oshi.at tmpfiles.org pixeldrain.com
        g.api.mega.co.nz keep.sh sendspace.com workupload.com pomf.lain.la bayfiles.com
    """,
    "bot API": "api.telegram.org",
}
_BY_DOMAIN: Final = {domain: kind for kind, domains in _KINDS.items() for domain in domains.split()}
_PAGES: Final = frozenset({"about", "blog", "docs", "help", "status", "support"})
"""Labels before a service's name under which it only speaks about itself."""
_BY_PATH: Final = (
    ("discord.com", "/api/webhooks/"),
    ("discordapp.com", "/api/webhooks/"),
    ("outlook.office.com", "/webhook/"),
)
"""Hosts that are a webhook under one path alone: everything else there is a chat or a mailbox."""


def service(name: str) -> tuple[str, str]:
    """Listed domain and kind of service that `name` (lower case) belongs to; empty ones if none."""
    labels = name.rstrip(".").split(".")
    for start in range(len(labels) - 1):
        domain = ".".join(labels[start:])
        kind = _BY_DOMAIN.get(domain)
        if kind:
            return ("", "") if start == 1 and labels[0] in _PAGES else (domain, kind)
    return "", ""


def webhook_path(host: str, path: str) -> str:
    """The host whose webhook ``host`` + ``path`` is, or empty."""
    host = host.rpartition(":")[0] or host
    for domain, prefix in _BY_PATH:
        if (host == domain or host.endswith("." + domain)) and path.startswith(prefix):
            return domain
    return ""
