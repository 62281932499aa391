"""Texts from the templates of hnn/reporting/templates."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

__all__ = ["template"]


def template(name: str, autoescape: bool = False) -> Template:
    """A template of hnn/reporting/templates; rendering raises an error for an undefined name."""
    environment = Environment(
        loader=PackageLoader("hnn.reporting"),
        undefined=StrictUndefined,
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
