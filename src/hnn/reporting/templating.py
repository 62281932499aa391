"""Texts from the templates of hnn/reporting/templates."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

__all__ = ["template"]


def template(name: str, autoescape: bool = False) -> Template:
    """A file of hnn/reporting/templates, which finds everything it names or fails."""
    environment = Environment(
        loader=PackageLoader("hnn.reporting"),
        undefined=StrictUndefined,
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
