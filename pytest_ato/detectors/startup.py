"""Places whose content something else runs later, at a boot, a login, a start, a commit.

Owns the list of those places, by path alone. `/etc/ld.so.preload` is not among them: it changes
programs that run now, and is another detector's.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_ato.detectors.paths import home_relative

PYTHON: Final = "Python start-up file"

_GIT_HOOKS: Final = (
    "applypatch-msg|pre-applypatch|post-applypatch|pre-commit|pre-merge-commit|prepare-commit-msg|"
    "commit-msg|post-commit|pre-rebase|post-checkout|post-merge|pre-push|pre-receive|update|"
    "proc-receive|post-receive|post-update|reference-transaction|push-to-checkout|pre-auto-gc|"
    "post-rewrite|sendemail-validate|fsmonitor-watchman|post-index-change"
)
_PLACES: Final = tuple(
    (kind, re.compile("|".join(patterns), re.DOTALL))  # a name may hold a newline
    for kind, patterns in (
        (
            "cron job",
            (
                r"/etc/(?:crontab|anacrontab|cron\.(?:d|hourly|daily|weekly|monthly)/.+)",
                r"/var/spool/(?:cron|anacron|at)/.+",
            ),
        ),
        (
            "systemd unit",
            (
                r"(?:/etc|/run|/lib|/usr/lib|/usr/local/lib)/systemd/"
                r"(?:system|user|system-generators|user-generators)/.+",
                r"~/\.(?:config|local/share)/systemd/user/.+",
            ),
        ),
        ("init script", (r"/etc/init\.d/.+", r"/etc/rc\.local", r"/etc/rc[0-6S]\.d/.+")),
        (
            "shell start-up file",
            (
                r"~/\.(?:bashrc|bash_(?:profile|login|logout|aliases)|profile|login|kshrc|mkshrc)",
                r"~/\.(?:zshrc|zprofile|zshenv|zlogin|zlogout|cshrc|tcshrc|pam_environment)",
                r"~/\.(?:xprofile|xinitrc|xsession|xsessionrc)",
                r"~/\.config/(?:fish/(?:config\.fish|conf\.d/.+)|environment\.d/.+)",
                r"/etc/(?:profile|profile\.d/.+|bash\.bashrc|bashrc|environment|csh\.cshrc)",
                r"/etc/(?:zsh/)?z(?:shrc|profile|shenv|login|logout)",
            ),
        ),
        (
            PYTHON,
            (
                r".*/(?:site|dist)-packages/(?:[^/]+\.pth|(?:site|user)customize(?:\.py|/.+))",
                r"/(?:usr/lib|usr/local/lib|etc)/python3[^/]*/sitecustomize\.py",
            ),
        ),
        ("git hook", (rf".*\.git/(?:modules/.+/)?hooks/(?:{_GIT_HOOKS})",)),
        ("SSH login file", (r"~/\.ssh/(?:authorized_keys2?|rc)", r"/etc/ssh/sshrc")),
        (
            "desktop autostart entry",
            (
                r"~/\.config/(?:autostart|autostart-scripts|plasma-workspace/env)/.+",
                r"/etc/xdg/autostart/.+",
            ),
        ),
    )
)


def startup_kind(path: str, home: str = "") -> str:
    """What kind of start-up place the absolute `path` is; empty when it is none."""
    relative = home_relative(path, home)
    return next((kind for kind, pattern in _PLACES if pattern.fullmatch(relative)), "")


def startup_kind_of_tree(path: str, home: str = "") -> str:
    """The same for a directory (or a link to one) that is put in place as a whole."""
    return startup_kind(path, home) or startup_kind(f"{path}/entry", home)
