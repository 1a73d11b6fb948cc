"""The configuration: read, checked, completed, adapted to the replica."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mooring_launcher.config import (
    CONFIG_VERSION,
    check_config,
    for_ordinal,
    load_config,
    load_schema,
    read_ordinal,
)
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.schema import fill_defaults, find_problems

from tests.launcher.rig import make_config

SCHEMA = load_schema()


def check(document: object) -> dict[str, Any]:
    """Check a document as `run` does."""
    return check_config(document, SCHEMA, "config.json")


def refuse(document: object) -> LauncherError:
    """Return the error with which a document is refused."""
    with pytest.raises(LauncherError) as caught:
        check(document)
    return caught.value


def test_every_default_is_filled_in() -> None:
    """Everything that a document leaves out gets its default, at every depth."""
    config = check(make_config(gate={"tcp": {"db": {"port": 1}}}))
    assert config["anchor"]["unschedulableSeconds"] == 60
    assert config["gate"]["startTimeoutSeconds"] == 300
    assert config["gate"]["tcp"]["db"]["timeoutSeconds"] == 2
    assert config["target"]["perOrdinal"] == {}


def test_all_problems_are_listed_at_once() -> None:
    """One error names each problem with its path, what was found and what is allowed."""
    bad = make_config(target={"args": "x", "prots": {}}, readiness={"port": 0}, platform="mac")
    error = refuse(bad)
    assert error.code == ExitCode.CONFIG_INVALID
    for part in ("target.args: found", "target.prots: not known", "readiness.port: found 0", "platform: found"):
        assert part in str(error)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"target": {"args": ["a", "b\0c"]}}, "target.args[1]: found"),
        ({"target": {"exe": "/opt/a\0"}}, "target.exe: found"),
        ({"target": {"env": {"A": "\0"}}}, "target.env.A: found"),
        ({"gate": {"exec": {"x": {"command": ["/bin/a", "\0"]}}}}, "gate.exec.x.command[1]: found"),
        ({"stop": {"command": ["/bin/a\0"]}}, "stop.command[0]: found"),
        ({"gate": {"http": {"x": {"port": 80, "headers": {"A\0": "b"}}}}}, "the name"),
        ({"target": {"args": ["\ud800"]}}, "target.args[0]: found"),
    ],
)
def test_texts_that_no_program_can_be_given_are_refused(changes: dict[str, Any], where: str) -> None:
    """A null character would end the text, and half a surrogate pair has no bytes: both are refused with the place."""
    error = refuse(make_config(**changes))
    assert error.code == ExitCode.CONFIG_INVALID
    assert where in str(error)
    assert "null character" in str(error) or "half a character" in str(error)
    assert "\0" not in str(error)


@pytest.mark.parametrize("changes", [{"gate": {"http": {"x\n": {"port": 80}}}}, {"target": {"env": {"A\n": "b"}}}])
def test_a_name_with_a_line_end_is_no_name(changes: dict[str, Any]) -> None:
    """A schema's pattern must match to the end of the text, not only to a final line break."""
    assert "not known here" in str(refuse(make_config(**changes)))


@pytest.mark.parametrize("missing", ["target", "anchorSet", "anchorPod", "anchorGraceSeconds", "configVersion"])
def test_what_is_required_is_named(missing: str) -> None:
    """A missing required field is named."""
    document = make_config()
    del document[missing]
    assert f"{missing}: is missing" in str(refuse(document))


@pytest.mark.parametrize("version", [CONFIG_VERSION, CONFIG_VERSION - 1])
def test_this_version_and_the_one_before_are_taken(version: int) -> None:
    """The launcher takes configVersion N and N-1."""
    assert check({**make_config(), "configVersion": version})["configVersion"] == version


VERSION_1 = json.loads((Path(__file__).parent / "config-v1.json").read_text())
"""A complete document as charts gave it to launchers before version 2."""

IN_VERSION_1: list[tuple[dict[str, Any], str, int]] = [
    ({}, "orders-anchor-{ordinal}-{ordinal}", 20 + 30 + 10 + 20),
    ({"platform": "linux"}, "orders-anchor-{ordinal}-{ordinal}", 20 + 30 + 20),
    ({"anchor": {"strategy": "ordinal"}}, "orders-anchor-{ordinal}", 80),
    ({"anchor": {"strategy": "shared"}, "ordinals": {"start": 3}}, "orders-anchor-3", 80),
    ({"stop": {"command": ["x"], "commandSeconds": 5}}, "orders-anchor-{ordinal}-{ordinal}", 20 + 30 + 5 + 10 + 20),
]


@pytest.mark.parametrize("changes, pod, grace_s", IN_VERSION_1)
def test_version_1_is_still_taken(changes: dict[str, Any], pod: str, grace_s: int) -> None:
    """A document of version 1 has neither the anchor's name nor its grace; both are derived as they were then."""
    assert VERSION_1["configVersion"] == 1
    assert not {"anchorPod", "anchorGraceSeconds"} & set(VERSION_1)
    parts = {key: {**VERSION_1[key], **part} if isinstance(part, dict) else part for key, part in changes.items()}
    config = check({**VERSION_1, **parts})
    assert (config["anchorPod"], config["anchorGraceSeconds"]) == (pod, grace_s)


def test_version_2_needs_what_version_1_left_out() -> None:
    """Nothing is guessed for a document of version 2."""
    assert "anchorPod: is missing" in str(refuse({**VERSION_1, "configVersion": 2}))


@pytest.mark.parametrize("version", [CONFIG_VERSION + 1, CONFIG_VERSION - 2])
def test_other_versions_have_a_code_of_their_own(version: int) -> None:
    """Any other version is CONFIG_UNSUPPORTED, whatever else the document contains."""
    assert refuse({"configVersion": version, "new": 1}).code == ExitCode.CONFIG_UNSUPPORTED


@pytest.mark.parametrize("content", [None, "", "{", "[]", '"x"', "null", "{}"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: str | None) -> None:
    """A missing, empty, broken or foreign file is CONFIG_INVALID with the file's name."""
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LauncherError, match=r"config\.json") as caught:
        load_config(str(path))
    assert caught.value.code == ExitCode.CONFIG_INVALID


def test_per_ordinal_args_replace_and_env_merges() -> None:
    """A replica's own args replace the common ones; its own env is merged into the common one."""
    own = {"1": {"args": ["b"], "env": {"B": "2", "C": "3"}}}
    config = check(make_config(target={"args": ["a"], "env": {"A": "1", "B": "1"}, "perOrdinal": own}))
    first, second = for_ordinal(config, 0)["target"], for_ordinal(config, 1)["target"]
    assert (first["args"], first["env"]) == (["a"], {"A": "1", "B": "1"})
    assert (second["args"], second["env"]) == (["b"], {"A": "1", "B": "2", "C": "3"})


@pytest.mark.parametrize(
    "environ, ordinal",
    [({"MOORING_ORDINAL": "7", "POD_NAME": "a-1"}, 7), ({"POD_NAME": "a-b-12"}, 12), ({"POD_NAME": "a-0"}, 0)],
)
def test_the_ordinal_is_read(environ: dict[str, str], ordinal: int) -> None:
    """MOORING_ORDINAL gives the ordinal; without it, the end of POD_NAME does."""
    assert read_ordinal(environ) == ordinal


@pytest.mark.parametrize("environ", [{}, {"POD_NAME": "orders"}, {"MOORING_ORDINAL": "-1"}, {"POD_NAME": "a-²"}])
def test_no_ordinal_is_an_error(environ: dict[str, str]) -> None:
    """Without an ordinal nothing is started."""
    with pytest.raises(LauncherError) as caught:
        read_ordinal(environ)
    assert caught.value.code == ExitCode.NO_ORDINAL


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.sampled_from(["", "a", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c1"]), inner, max_size=3),
    max_leaves=6,
)
_RULES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", "string", "integer", "number", ["array", "null"], "boolean"]),
        "enum": st.lists(st.integers(-1, 1) | st.sampled_from(["a", ""]), min_size=1, max_size=3),
        "minimum": st.integers(-2, 2),
        "maximum": st.integers(-2, 2),
        "pattern": st.sampled_from(["^a", "c$"]),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 2),
        "required": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    },
)
_SCHEMAS = st.recursive(
    _RULES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
            "patternProperties": st.just({}) | inner.map(lambda rule: {"^c": rule}),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "const": st.just("a"),
        },
    ),
    max_leaves=5,
)


@given(_SCHEMAS, _VALUES)
def test_the_validator_agrees_with_jsonschema(schema: dict[str, Any], value: Any) -> None:
    """For random schemas and values the launcher's small validator agrees with the reference validator."""
    assert (not list(find_problems(value, schema))) == jsonschema.Draft7Validator(schema).is_valid(value)


def test_an_unknown_keyword_is_an_error() -> None:
    """A keyword that the validator does not know is never ignored silently."""
    assert list(find_problems({}, {"dependencies": {}}))


def test_references_are_followed() -> None:
    """A $ref into definitions is checked, and gets defaults, like its target."""
    schema = {
        "properties": {"a": {"$ref": "#/definitions/x"}},
        "definitions": {"x": {"properties": {"b": {"default": 1}}}},
    }
    assert fill_defaults({"a": {}}, schema) == {"a": {"b": 1}}
    schema["definitions"]["x"]["properties"]["b"]["type"] = "string"
    assert [path for path, _ in find_problems({"a": {"b": 1}}, schema)] == ["a.b"]


def test_a_completed_configuration_is_valid_by_the_reference() -> None:
    """The completed configuration also passes the schema in the reference validator."""
    config = check(json.loads(json.dumps(make_config())))
    jsonschema.Draft7Validator(SCHEMA).validate(config)
