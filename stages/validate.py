"""params.yaml -> the resolved parameters, and a mark that they are valid, which the first stages wait for."""

from stages import run

from hnn.files.formats import write_json, write_text
from hnn.files.paths import RESOLVED_PARAMS, VALID_PARAMS
from hnn.params.checks import load_checked_params


def validate() -> None:
    """Check all of params.yaml before any other stage runs; the mark never changes, so it re-runs nothing."""
    params = load_checked_params()
    write_json(RESOLVED_PARAMS, params.model_dump(mode="json", exclude={"compute"}))
    write_text(VALID_PARAMS, "params.yaml is valid\n")


if __name__ == "__main__":
    run(validate)
