"""The templates of a form, as jinja2 reads them: strict, with the same words for every form.

Owns what all forms have in common; how a value is escaped is the form's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_ato.policy.ceilings import duration
from pytest_ato.reports.grouping import ranges
from pytest_ato.reports.words import counted, endpoint, moment, ring, sentence, size, whereabouts

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(
    form: str, finalize: Callable[[object], object], *, autoescape: bool, **filters: object
) -> Environment:
    """Return the environment of ``templates/<form>/``.

    Each value that a template prints goes through `finalize` and, where `autoescape` says so,
    through jinja2's escape for HTML. `filters` are what the form has beyond the common ones.
    """
    import jinja2  # only who renders pays for it

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_ato.reports", f"templates/{form}"),
        undefined=jinja2.StrictUndefined,
        autoescape=autoescape,  # noqa: S701  (a form other than HTML escapes in `finalize`)
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    common = (counted, duration, endpoint, moment, ranges, ring, sentence, size, whereabouts)
    made.filters.update({each.__name__: each for each in common})
    made.filters.update(filters)
    return made


def load_all(made: Environment) -> None:
    """Compile every template; for whoever has to wait for something else anyway."""
    for name in made.list_templates():
        made.get_template(name)
