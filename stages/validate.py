"""params.yaml -> the parameters as written and resolved, and a mark that they are valid, which the first stages wait for."""

from stages import run

from hnn.files.formats import write_json, write_text
from hnn.files.paths import RESOLVED_PARAMS, VALID_PARAMS, WRITTEN_PARAMS
from hnn.params.checks import load_checked_params
from hnn.params.loading import params_as_written


def validate() -> None:
    """Check all of params.yaml before any other stage runs; the mark never changes, so it re-runs nothing."""
    params = load_checked_params()
    write_json(RESOLVED_PARAMS, params.model_dump(mode="json", exclude={"compute"}))
    write_text(WRITTEN_PARAMS, params_as_written())
    write_text(VALID_PARAMS, "params.yaml is valid\n")


if __name__ == "__main__":
    run(validate)
