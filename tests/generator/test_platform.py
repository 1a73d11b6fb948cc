"""What a Platform decides for all Apps, and every way its file can be wrong."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from mooring.chart.render import render_chart
from mooring.errors import InputError
from mooring.inputs.app import load_app
from mooring.inputs.platform import Platform, load_platform
from mooring.model.features import FEATURES

from tests.generator.conftest import APP, Run
from tests.tools import require

HEAD = "apiVersion: mooring/v1\nkind: Platform\nname: hospital\n"
DEFAULTS = "defaults: {service: {type: NodePort}, anchor: {image: {registry: registry.hospital.example}}}\n"


def platform_of(tmp_path: Path, text: str, name: str = "hospital.yaml") -> Platform:
    """Return the Platform of a file with this text below its head."""
    (tmp_path / name).write_text(HEAD + text)
    return load_platform(str(tmp_path / name))


def problems_of(tmp_path: Path, text: str) -> list[str]:
    """Return what is wrong with a Platform, without the file's path."""
    with pytest.raises(InputError) as caught:
        platform_of(tmp_path, text)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def app_problems(app_file: Path, platform: Platform) -> list[str]:
    """Return what is wrong with the App under a Platform, without the files' folder."""
    with pytest.raises(InputError) as caught:
        load_app(str(app_file), platform)
    return [str(problem).replace(f"{app_file.parent}/", "") for problem in caught.value.problems]


BAD_PLATFORMS = {
    "unknown key": ("default: {}\n", "hospital.yaml:4:1: default: unknown key; did you mean defaults?"),
    "value at the top": (
        "replicas: 2\n",
        "hospital.yaml:4:1: replicas: unknown key; write it under defaults, as defaults.replicas",
    ),
    "value of another chart": (
        "defaults: {resources: {}}\n",
        "hospital.yaml:4:12: defaults.resources: unknown key; use launcher.resources, which covers the program as well",
    ),
    "lock on a value of another chart": (
        "locks: {resources: {forbidden: true}}\n",
        "there is no value resources; use launcher.resources",
    ),
    "unknown value": (
        "defaults: {service: {kind: x}}\n",
        "hospital.yaml:4:22: defaults.service.kind: unknown key; allowed: enabled, type,",
    ),
    "unknown key path": (
        "locks: {service.kind: {forbidden: true}}\n",
        'the key path "service.kind": there is no value service.kind; allowed: enabled, type',
    ),
    "path through a list": (
        "locks: {target.args.x: {forbidden: true}}\n",
        "target.args is a list; a path ends there",
    ),
    "path through text": ("locks: {platform.x: {forbidden: true}}\n", "platform is a single value; a path ends there"),
    "unreadable path": ('locks: {"a b": {forbidden: true}}\n', 'cannot be read from " b" on; write a.b.c'),
    "quoted star": ("locks: {'target.env[\"*\"]': {forbidden: true}}\n", "* without quotes stands for any one key"),
    "no rule": ("locks: {replicas: {reason: x}}\n", "has no rule; give one of value, enum, min, max"),
    "rule of another kind": (
        "locks: {service.type: {max: 3}}\n",
        "locks.service\\.type.max: is for numbers, and service.type is not a number",
    ),
    "impossible value": (
        "locks: {service.type: {value: Nodeport}}\n",
        'locks.service\\.type.value: found "Nodeport"; must be one of ClusterIP, NodePort',
    ),
    "value of several": (
        "locks: {service: {value: {type: ClusterIP}}}\n",
        "is for single values, and service holds several",
    ),
    "min above max": ("locks: {replicas: {min: 3, max: 2}}\n", "found 3; must be at most max (2)"),
    "empty enum": ("locks: {platform: {enum: []}}\n", "allows nothing"),
    "pattern that RE2 lacks": (
        "locks: {platform: {pattern: '^(?!x)'}}\n",
        "has a group of this kind, which Helm (RE2) and Python do not share: (?!x",
    ),
    "no pattern at all": ("locks: {platform: {pattern: '('}}\n", "is not a regular expression: missing )"),
    "default against a lock": (
        "defaults: {replicas: 5}\nlocks: {replicas: {max: 3, owner: ward}}\n",
        "hospital.yaml:4:22: defaults.replicas: found 5; must be at most 3; locked by Platform hospital; ask ward (",
    ),
    "overlay against a lock": (
        "overlays: {prod: {replicas: 5}}\nlocks: {replicas: {max: 3}}\n",
        "hospital.yaml:4:29: overlays.prod.replicas: found 5; must be at most 3",
    ),
    "missing template": ("templates: {templates/x.yaml: x.j2}\n", "found x.j2; there is no file"),
    "template out of the chart": (
        "templates: {../x.yaml: hospital.yaml}\n",
        'the key "../x.yaml" is not allowed',
    ),
    "template in place of the rules": (
        "templates: {templates/_locks.tpl: hospital.yaml}\n",
        "cannot be replaced; choose another path",
    ),
    "missing base": ("extends: other.yaml\n", 'extends: found "other.yaml"; there is no file'),
    "itself as base": ("extends: ./hospital.yaml\n", "extends itself in a circle: "),
}


@pytest.mark.parametrize("case", BAD_PLATFORMS)
def test_a_mistake_is_reported_with_its_place(tmp_path: Path, case: str) -> None:
    """Each mistake in a Platform is one sentence with file, line, key, what was found and what is allowed."""
    text, message = BAD_PLATFORMS[case]
    (problem,) = problems_of(tmp_path, text)
    assert message in problem


def test_an_app_is_no_platform(app_file: Path) -> None:
    """For a file of another kind, only that is reported."""
    with pytest.raises(InputError, match=r'orders.yaml:2:7: kind: found "App"; must be Platform$'):
        load_platform(str(app_file))


def test_precedence_is_chart_platform_app(tmp_path: Path, app_file: Path) -> None:
    """The Platform's defaults override the chart's, and the App's values override both; null means what is below."""
    app_file.write_text(APP + "  service: {type: LoadBalancer, enabled: null}\n  stop: null\n")
    app = load_app(str(app_file), platform_of(tmp_path, DEFAULTS + ""))
    assert app.values["service"]["type"] == "LoadBalancer"
    assert app.values["anchor"]["image"]["registry"] == "registry.hospital.example"
    assert app.values["anchor"]["image"]["repository"] == "pause"
    assert yaml.safe_load(render_chart(app)["values.yaml"])["service"]["type"] == "LoadBalancer"


def test_null_takes_an_entry_of_the_platform_away(tmp_path: Path, app_file: Path) -> None:
    """A map's entry that comes from the Platform is removed if the App sets it to null, as with Helm."""
    platform = platform_of(
        tmp_path, "defaults: {target: {env: {A: x, B: x}}, anchor: {podAnnotations: {c: x, d: x}}}\n"
    )
    app_file.write_text(APP + "    env: {A: null}\n  anchor: {podAnnotations: {c: null}}\n")
    values = load_app(str(app_file), platform).values
    assert (values["target"]["env"], values["anchor"]["podAnnotations"]) == ({"B": "x"}, {"d": "x"})


LOCKED = "locks:\n  service.type: {value: ClusterIP, reason: no node ports, owner: networking}\n"


def test_a_broken_lock_is_reported_with_reason_and_owner(tmp_path: Path, app_file: Path) -> None:
    """An App that breaks a lock is refused at its own line, with who decided it, why, and whom to ask."""
    app_file.write_text(APP + "  service: {type: NodePort}\n")
    (problem,) = app_problems(app_file, platform_of(tmp_path, LOCKED))
    assert problem == (
        'orders.yaml:11:19: values.service.type: found "NodePort"; must be "ClusterIP"; '
        "locked by Platform hospital: no node ports; ask networking (hospital.yaml:5:3)"
    )
    app_file.write_text(APP + "  service: {type: null}\n")
    assert "found null; must be" in app_problems(app_file, platform_of(tmp_path, LOCKED))[0]


def test_a_locked_value_is_the_default(tmp_path: Path, app_file: Path) -> None:
    """Where only one value is allowed, an App need not write it."""
    platform = platform_of(tmp_path, "locks: {anchor.image.registry: {value: registry.hospital.example}}\n")
    assert load_app(str(app_file), platform).values["anchor"]["image"]["registry"] == "registry.hospital.example"


def test_bases_come_first_and_their_locks_bind(tmp_path: Path, app_file: Path) -> None:
    """What a Platform extends is the layer below it; the locks of both hold, and none is loosened."""
    (tmp_path / "base.yaml").write_text(
        HEAD.replace("hospital", "base") + "owner: it\ndefaults: {replicas: 2, minReadySeconds: 7}\n"
        "locks: {replicas: {max: 3}}\n"
    )
    platform = platform_of(tmp_path, "extends: base.yaml\ndefaults: {replicas: 1}\nlocks: {replicas: {max: 9}}\n")
    assert [layer.name for layer in platform.layers] == ["base", "hospital"]
    assert (platform.values["replicas"], platform.values["minReadySeconds"]) == (1, 7)
    app_file.write_text(APP.replace("replicas: 3", "replicas: 5"))
    (problem,) = app_problems(app_file, platform)
    assert "must be at most 3; locked by Platform base; ask it (base.yaml:6:9)" in problem


def test_a_map_is_locked_as_a_whole(tmp_path: Path, app_file: Path) -> None:
    """The only map allowed replaces the defaults' entries, and an App cannot add to it."""
    text = (
        "defaults: {commonLabels: {a: b}}\nlocks: {commonLabels: {value: {c: d}}, tolerations: {value: [{key: x}]}}\n"
    )
    (problem,) = problems_of(tmp_path, text)
    assert 'commonLabels: found {"a": "b"}; must be {"c": "d"}' in problem
    platform = platform_of(tmp_path, text.replace("defaults: {commonLabels: {a: b}}\n", ""))
    assert load_app(str(app_file), platform).values["tolerations"] == [{"key": "x"}]
    app_file.write_text(APP + "  commonLabels: {e: f}\n")
    (problem,) = app_problems(app_file, platform)
    assert 'commonLabels: found {"c": "d", "e": "f"}; must be {"c": "d"}' in problem


def test_locks_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """A lock whose only value is forbidden by another, also in a base, is reported immediately, not for each App."""
    (tmp_path / "base.yaml").write_text(HEAD.replace("hospital", "base") + "locks: {replicas: {max: 3}}\n")
    (problem,) = problems_of(tmp_path, "extends: base.yaml\nlocks: {replicas: {value: 5}}\n")
    assert problem.startswith(
        "hospital.yaml:5:9: locks.replicas: two locks contradict each other: found 5; must be at most"
    )


def test_a_circle_of_bases_is_refused(tmp_path: Path) -> None:
    """Platforms that extend each other are named in the order in which they do."""
    (tmp_path / "base.yaml").write_text(HEAD + "extends: hospital.yaml\n")
    (problem,) = problems_of(tmp_path, "extends: base.yaml\n")
    assert problem.endswith("hospital.yaml; remove one")
    assert problem.count(" -> ") == 2


def test_overlays_are_written_and_held_to_the_rules(tmp_path: Path, app_file: Path) -> None:
    """Each environment's values are a file of the chart; what would not install there is reported immediately."""
    platform = platform_of(tmp_path, "overlays: {prod: {replicas: 5}, test: {service: {enabled: false}}}\n")
    texts = render_chart(load_app(str(app_file), platform))
    assert yaml.safe_load(texts["values-prod.yaml"]) == {"replicas": 5}
    assert yaml.safe_load(texts["values-test.yaml"]) == {"service": {"enabled": False}}
    platform = platform_of(tmp_path, "overlays: {prod: {rbac: {maxReplicas: 2}}}\n")
    (problem,) = app_problems(app_file, platform)
    assert "with values-prod.yaml of Platform hospital: found 3; must be at most rbac.maxReplicas (2)" in problem
    app_file.write_text(APP.replace("replicas: 3", "replicas: 40"))
    assert len(app_problems(app_file, platform_of(tmp_path, "overlays: {prod: {minReadySeconds: 2}}\n"))) == 1


TEMPLATE = """{{- include "<%= app.name %>.prepare" . -}}
<%# a comment %>
# <%= platform.name %>
kind: NetworkPolicy
exe: <%= values.target.exe | to_yaml %>
<% for name in values.target.ports %>
port: <%= name %>
<% endfor %>
release: {{ .Release.Name }}
"""


def test_templates_add_and_replace_files(tmp_path: Path, app_file: Path) -> None:
    """A Platform's template makes a file, and may replace a generated one; values in it are never template code."""
    (tmp_path / "policy.j2").write_text(TEMPLATE)
    (tmp_path / "notes.j2").write_text("Ask the ward.\n")
    app_file.write_text(APP.replace("orders.exe", "{{ fail `x` }}.exe"))
    text = "templates: {templates/policy.yaml: policy.j2, templates/NOTES.txt: notes.j2}\n"
    texts = render_chart(load_app(str(app_file), platform_of(tmp_path, text)))
    assert texts["templates/NOTES.txt"] == "Ask the ward.\n"
    chart = tmp_path / "chart"
    write(chart, texts)
    rendered = helm(chart, "template", "one", "--show-only", "templates/policy.yaml")
    assert list(yaml.safe_load_all(rendered)) == [
        {"kind": "NetworkPolicy", "exe": r"C:\apps\orders\{{ fail `x` }}.exe", "port": "http", "release": "one"}
    ]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a\n<% for %>\n", "bad.j2:2:1: not a Jinja2 template: "),
        ("a\n<%= values.nope %>\n", "bad.j2:2:1: cannot be rendered for App orders: 'dict object' has no attribute"),
        ("<%= ''.__class__.__mro__ %>", "access to attribute '__class__' of 'str' object is unsafe"),
        ("<% set x = values.update({}) %>", "'update' of 'dict' object is unsafe"),
        ("<%= 1 / 0 %>", "division by zero"),
    ],
)
def test_a_bad_template_is_reported_with_its_line(tmp_path: Path, app_file: Path, template: str, message: str) -> None:
    """A template that is wrong, or leaves its sandbox, is one sentence with file and line."""
    (tmp_path / "bad.j2").write_text(template)
    with pytest.raises(InputError) as caught:
        render_chart(load_app(str(app_file), platform_of(tmp_path, "templates: {templates/bad.yaml: bad.j2}\n")))
    assert message in str(caught.value)


def write(folder: Path, texts: dict[str, str]) -> None:
    """Write a chart's texts."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def helm(chart: Path, command: str, *arguments: str) -> str:
    """Run a command of Helm's on a chart and return what it prints."""
    words = [require("helm"), command, *arguments[:1], str(chart), *arguments[1:]]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else done.stderr


def test_a_lean_chart_has_fewer_files(tmp_path: Path, app_file: Path) -> None:
    """Without a feature its files are missing; a chart without any renders, and refuses values that need one."""
    whole = render_chart(load_app(str(app_file)))
    off = ", ".join(f"{name}: false" for name in FEATURES)
    platform = platform_of(tmp_path, f"features: {{{off}}}\n")
    lean = render_chart(load_app(str(app_file), platform))
    gone = {file for feature in FEATURES.values() for file in feature.files}
    assert whole.keys() - lean.keys() == gone
    write(tmp_path / "lean", lean)
    kinds = {one["kind"] for one in yaml.safe_load_all(helm(tmp_path / "lean", "template", "one")) if one}
    assert kinds == {"StatefulSet", "Service", "ServiceAccount"}
    refused = helm(tmp_path / "lean", "template", "one", "--set", "autoscaling.enabled=true")
    assert "its charts are without the feature autoscaling; ask the team of Platform hospital" in refused
    app_file.write_text(APP + "  podDisruptionBudget: {enabled: true}\n")
    assert "without the feature podDisruptionBudget" in app_problems(app_file, platform)[0]


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_stands_by_itself(tmp_path: Path, app_file: Path, feature: str) -> None:
    """A chart without one feature has all other files and still renders."""
    texts = render_chart(load_app(str(app_file), platform_of(tmp_path, f"features: {{{feature}: false}}\n")))
    assert render_chart(load_app(str(app_file))).keys() - texts.keys() == {*FEATURES[feature].files}
    write(tmp_path / "lean", texts)
    assert "kind: StatefulSet" in helm(tmp_path / "lean", "template", "one")


def test_chart_metadata_is_added(tmp_path: Path, app_file: Path) -> None:
    """What a Platform says about charts is in Chart.yaml; the App's maintainers precede the Platform's."""
    text = (
        "chart:\n  home: https://hospital.example\n  sources: [https://git.example/a, https://git.example/b]\n"
        "  keywords: [ward]\n  maintainers: [{name: platform, email: p@hospital.example}]\n"
        "  annotations: {team: platform}\n"
    )
    chart = yaml.safe_load(render_chart(load_app(str(app_file), platform_of(tmp_path, text)))["Chart.yaml"])
    assert chart["keywords"] == ["windows", "hostprocess", "ward"]
    assert chart["sources"] == ["https://git.example/a", "https://git.example/b"]
    assert chart["maintainers"] == [{"name": "platform", "email": "p@hospital.example"}]
    assert chart["annotations"] == {
        "mooring/generated-by": "mooring",
        "mooring/platform": "hospital",
        "team": "platform",
    }
    app_file.write_text(APP + "maintainers: [{name: me}]\n")
    chart = yaml.safe_load(render_chart(load_app(str(app_file), platform_of(tmp_path, text)))["Chart.yaml"])
    assert chart["maintainers"] == [{"name": "me"}]


def test_an_empty_platform_changes_only_the_annotation(tmp_path: Path, app_file: Path) -> None:
    """A Platform that decides nothing makes the same chart, except for its name."""
    with_it = render_chart(load_app(str(app_file), platform_of(tmp_path, "")))
    without = render_chart(load_app(str(app_file)))
    assert [path for path in without if with_it[path] != without[path]] == ["Chart.yaml"]


def test_explain_shows_each_layer(tmp_path: Path, app_file: Path, mooring: Run) -> None:
    """`mooring explain` names the layer a value is from, all layers, and the lock with its owner."""
    (tmp_path / "base.yaml").write_text(HEAD.replace("hospital", "base") + "defaults: {replicas: 2}\n")
    text = (
        "extends: base.yaml\nlocks: {replicas: {max: 9, reason: nodes, owner: it}}\noverlays: {prod: {replicas: 6}}\n"
    )
    (tmp_path / "hospital.yaml").write_text(HEAD + text)
    run = mooring("explain", "orders.yaml", "replicas", "--platform", "hospital.yaml")
    assert run.stdout.splitlines() == [
        "replicas = 3",
        "  Pairs of launcher and anchor. Scale later with kubectl scale statefulset <fullname>.",
        "  from App orders (orders.yaml:6:13)",
        "set by, each overriding those above:",
        "  chart default      1",
        "  Platform base      2  base.yaml:4:22",
        "  Platform hospital  -",
        "  App orders         3  orders.yaml:6:13",
        "  values-prod.yaml   6  hospital.yaml:6:29",
        "lock: must be at most 9; locked by Platform hospital: nodes; ask it (hospital.yaml:5:9)",
    ]
    (tmp_path / "hospital.yaml").write_text(HEAD + "locks: {target.ports.*.port: {max: 80}}\n")
    run = mooring("explain", "orders.yaml", "target.ports", "--platform", "hospital.yaml")
    assert run.stdout.splitlines()[-1] == (
        "lock on target.ports.*.port: must be at most 80; locked by Platform hospital; "
        "ask the team of Platform hospital (hospital.yaml:4:9); this App breaks it"
    )
    document = json.loads(mooring("explain", "orders.yaml", "service", "--output", "json").stdout)
    assert [one["key"] for one in document][:2] == ["service.enabled", "service.type"]
    assert {one["source"]["who"] for one in document} == {"chart default"}


def test_explain_shows_the_value_of_an_unset_field_of_an_entry(tmp_path: Path, app_file: Path, mooring: Run) -> None:
    """The default of a check's or a port's field is its effective value, with its own description."""
    with app_file.open("a") as opened:
        opened.write("  gate: {http: {front: {port: http}}}\n")
    run = mooring("explain", app_file, "gate.http.front.timeoutSeconds")
    assert run.stdout.splitlines()[:3] == [
        "gate.http.front.timeoutSeconds = 2",
        "  Seconds one check may take.",
        "  from chart default",
    ]
    run = mooring("explain", app_file, "target.ports.http")
    assert run.stdout.splitlines() == [
        f"target.ports.http.port = 8080  from App orders ({app_file}:10:26)",
        'target.ports.http.protocol = "TCP"  from chart default',
        f"target.ports.http.servicePort = 80  from App orders ({app_file}:10:45)",
        "target.ports.http.nodePort = null  from chart default",
        'target.ports.http.appProtocol = ""  from chart default',
    ]
    run = mooring("explain", app_file, "target.ports.http.port")
    assert "  chart default  -" in run.stdout.splitlines()
    run = mooring("explain", app_file, "gate.http.back.timeoutSeconds")
    assert run.returncode == 2
    assert "gate.http has no entry back; existing: front" in run.stderr
    run = mooring("explain", app_file, "target.env.A")
    assert (run.returncode, "target.env has no entry A; existing: none" in run.stderr) == (2, True)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("servce", "did you mean service?"),
        ("target.*", "*, which is for locks"),
        ("", "is empty; write a key"),
    ],
)
def test_explain_refuses_an_unknown_key(app_file: Path, mooring: Run, key: str, message: str) -> None:
    """An unknown key is one sentence with the nearest key, and exit code 2."""
    run = mooring("explain", app_file, key)
    assert run.returncode == 2
    assert message in run.stderr


def test_generate_takes_a_platform(tmp_path: Path, app_file: Path, mooring: Run) -> None:
    """`mooring generate --platform` makes charts under it; a bad Platform stops the run before anything is written."""
    (tmp_path / "hospital.yaml").write_text(HEAD + LOCKED)
    run = mooring("generate", app_file, "--out", "out", "--platform", "hospital.yaml")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out/orders/templates/_locks.tpl").exists()
    (tmp_path / "hospital.yaml").write_text(HEAD + "locks: {nope: {}}\n")
    run = mooring("generate", app_file, "--out", "other", "--platform", "hospital.yaml")
    assert (run.returncode, "hospital.yaml:4:9: locks.nope: the key path" in run.stderr) == (2, True)
    assert not (tmp_path / "other").exists()
