"""Secrets in arguments: none reaches the log, however it is written, and every argument is searched, however long."""

import base64
import json
import random
import string
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from mooring_launcher.reports.masking import mask_args, mask_text

ANY = string.ascii_letters + string.digits + string.punctuation + " äß\t"
PLAIN = string.ascii_letters + string.digits
NO_BLANK = ANY.replace(" ", "").replace("\t", "")


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


# Each makes arguments that contain a secret; beside it: whether the value may be anything, or its allowed characters.
SPELLINGS: list[tuple[Callable[[str], list[str]], str]] = [
    (lambda v: [f"--password={v}"], ANY),
    (lambda v: [f"--PASSWORD={v}"], ANY),
    (lambda v: ["--password", v], ANY),
    (lambda v: ["--password", "=", v], ANY),
    (lambda v: ["--db.password", v], ANY),
    (lambda v: ["-Password", v], ANY),
    (lambda v: [f"-Password:{v}"], ANY),
    (lambda v: ["'--token'", v], ANY),
    (lambda v: ['"--token"', f'"{v}"'], ANY),
    (lambda v: ["--jwt", v], ANY),
    (lambda v: [f"--jwt={v}"], ANY),
    (lambda v: [f"--my-api-key={v}"], ANY),
    (lambda v: ["/apikey", v], ANY),
    (lambda v: [f"/password:{v}"], ANY),
    (lambda v: [f"/p:{v}"], ANY),
    (lambda v: [f"/P:{v}"], ANY),
    (lambda v: ["/p", v], ANY),
    (lambda v: ["-p", v], ANY),
    (lambda v: ["-P", v], ANY),
    (lambda v: [f"-p={v}"], ANY),
    (lambda v: [f"-p0{v}"], ANY),
    (lambda v: ["-u", f"joe:{v}"], NO_BLANK.replace("/", "").replace("\\", "")),
    (lambda v: [f"--user=joe:0{v}"], ANY),
    (lambda v: [f"PGPASSWORD={v}"], ANY),
    (lambda v: [f"MYSQL_PWD={v}"], ANY),
    (lambda v: [f"DBPASS={v}"], ANY),
    (lambda v: ["password=", v], ANY),
    (lambda v: ["password", v], ANY),
    (lambda v: [f"env PGPASSWORD={v} orders"], NO_BLANK),
    (lambda v: [f"orders --password {v}"], ANY),
    (lambda v: [f'orders "--password" "{v}"'], ANY),
    (lambda v: [f"orders -p {v}"], ANY),
    (lambda v: [f"orders /p:{v}"], ANY),
    (lambda v: [f"set PASSWORD={v}&& orders"], ANY),
    (lambda v: [f"$env:PASSWORD='{v}'; orders"], ANY.replace("'", "")),
    (lambda v: [json.dumps({"user": "joe", "password": v, "port": 80})], ANY),
    (lambda v: [json.dumps({"user": "joe", "PassWord": v, "port": 80}, separators=(",", ":"))], ANY),
    (lambda v: [json.dumps({"password": [v, v], "port": 80})], ANY),
    (lambda v: [json.dumps({"auth": {"token": {"value": v}}})], ANY),
    (lambda v: [json.dumps(json.dumps({"clientSecret": v}))], ANY),
    (lambda v: [json.dumps([{"name": "DB_PASSWORD", "value": v}])], ANY),
    (lambda v: [json.dumps(["--password", v, "--verbose"])], ANY),
    (lambda v: ['{"password":', json.dumps(v) + "}"], ANY),
    (lambda v: [repr({"user": "joe", "password": v})], ANY),
    (lambda v: [f"--config={json.dumps({'accessToken': v})}"], ANY),
    (lambda v: [f'<add key="Password" value="{v}"/>'], ANY.replace('"', "")),
    (lambda v: [f"<password>{v}</password>"], ANY.replace("<", "")),
    (lambda v: [f"user: joe\npassword: {v}\n"], ANY),
    (lambda v: [f"Server=db;User Id=sa;Password={v};Timeout=5"], ANY.replace(";", "")),
    (lambda v: [f"Server=db; PWD={v}; Timeout=5"], ANY.replace(";", "")),
    (lambda v: [f"Server=db;User Id=sa;Password={_quoted(v)};Timeout=5"], ANY.replace("\\", "")),
    (lambda v: [f"Driver={{x}};Pwd={{{v}}};Timeout=5"], ANY.replace("{", "").replace("}", "")),
    (lambda v: [f"Password={v};Server=db"], ANY),
    (lambda v: [f"--connection=Server=db;User Password={v};x=y"], ANY),
    (lambda v: [f"AccountName=a;AccountKey={base64.b64encode(v.encode()).decode()};x=y"], ANY),
    (lambda v: [f"Endpoint=sb://a/;SharedAccessKeyName=b;SharedAccessKey={v}"], ANY.replace(";", "")),
    (lambda v: [f"host=db user=joe password={v} dbname=x"], NO_BLANK),
    (lambda v: [f"https://a.blob.example/b?sv=1&sig={quote(v)}&se=2"], ANY),
    (lambda v: [f"https://a.example/api/orders?code={quote(v)}"], ANY),
    (lambda v: [f"https://a.example/?token={quote(v)}#top"], ANY),
    (lambda v: [f"postgres://joe:{v}@db/orders"], NO_BLANK),
    (lambda v: [f"--db=postgres://joe:{v}@db/orders?x=y"], NO_BLANK),
    (lambda v: [f"redis://:{v}@db"], NO_BLANK),
    (lambda v: [f"https://{quote(v)}@git.example/x"], ANY),
    (lambda v: [f"joe:0{v}@db.example:21"], NO_BLANK),
    (lambda v: [f"mongodb://joe:{v}@a:1,b:2/x"], NO_BLANK),
    (lambda v: ["-H", f"Authorization: Bearer {v}"], ANY),
    (lambda v: [f"--header=AUTHORIZATION: basic {v}"], ANY),
    (lambda v: ["-H", "Authorization:", "Bearer", v], ANY),
    (lambda v: ["-H", "Authorization: Bearer", v], ANY),
    (lambda v: ["Authorization", ":", v], ANY),
    (lambda v: ["bearer", v], ANY),
    (lambda v: [f"bearer {v}"], ANY),
    (lambda v: ["-H", f"X-Api-Key: {v}"], ANY),
    (lambda v: ["-H", f"Cookie: session={v}"], ANY),
    (lambda v: [f"'password'={v}"], ANY),
    (lambda v: [f"app[password]={v}"], ANY),
    (lambda v: [f"x password%3D{quote(v)}"], ANY),
    (lambda v: ["x" * 9000 + f" --password={v}"], ANY),
    (lambda v: ["x" * 9000, "--password", v], ANY),
    (lambda v: ["x" * 9000, f"postgres://joe:{v}@db/orders"], NO_BLANK),
    (lambda v: ["x" * 9000, json.dumps({"user": "joe", "password": v})], ANY),
]


@pytest.mark.parametrize("number", range(len(SPELLINGS)))
def test_no_secret_value_survives(number: int) -> None:
    """Whatever the spelling and the value, no four consecutive characters of the value remain."""
    spell, alphabet = SPELLINGS[number]
    draw = random.Random(number)
    for _ in range(150):
        value = "".join(draw.choices(draw.choice([alphabet, PLAIN]), k=draw.randint(6, 30))).strip() or "hunter22"
        args = spell(value)
        # What the spelling itself contains, or happens to have in common with the value, is not the value.
        other = "\n".join(spell("")) + "***"
        shown = "\n".join(mask_args(args))
        for piece in (value[at : at + 4] for at in range(len(value) - 3)):
            assert piece not in shown or piece in other, (args, shown)


@pytest.mark.parametrize("number", range(len(SPELLINGS)))
def test_a_spelling_among_others_hides_no_more_than_what_follows(number: int) -> None:
    """The text before the secret, and the arguments after its value, are logged unchanged."""
    args = SPELLINGS[number][0]("hunter22")
    assert mask_args(["--port", "8080", *args, "--verbose"])[:2] == ["--port", "8080"]
    assert mask_args([*args, "--verbose"])[-1] == "--verbose"


@pytest.mark.parametrize(
    ("args", "masked"),
    [
        (["--password=x"], ["--password=***"]),
        (["--token", "x", "y"], ["--token", "***", "y"]),
        (["/apikey", "x"], ["/apikey", "***"]),
        (["--db-password", "x"], ["--db-password", "***"]),
        (["key=abc"], ["key=***"]),
        (["Server=db;User Id=sa;Password=x;Timeout=5"], ["Server=db;User Id=sa;Password=***;Timeout=5"]),
        (["postgres://joe:x@db/orders"], ["postgres://joe:***@db/orders"]),
        (["https://a/b?sv=1&sig=x&se=2"], ["https://a/b?sv=1&sig=***&se=2"]),
        (['{"user": "joe", "password": "x", "port": 80}'], ['{"user": "joe", "password": ***, "port": 80}']),
        (["--token", "/x+y=", "--verbose"], ["--token", "***", "--verbose"]),
        (["--token", "-x", "--verbose"], ["--token", "***", "--verbose"]),
        (["--password=x; y&z", "/apikey:x y"], ["--password=***", "/apikey:***"]),
        (["--header", "Authorization: Bearer x y"], ["--header", "Authorization: ***"]),
        (["--header=Authorization: Basic x"], ["--header=Authorization: ***"]),
        (["-H", "Authorization:", "Bearer", "x", "y"], ["-H", "Authorization:", "Bearer", "***", "y"]),
        (["-H", "X-Api-Key: x"], ["-H", "X-Api-Key: ***"]),
        (["--basic-auth", "joe:x", "--auth=x", "bearer x"], ["--basic-auth", "***", "--auth=***", "bearer ***"]),
        (["-u", "joe:x", "y"], ["-u", "joe:***", "y"]),
    ],
)
def test_arguments_that_look_like_secrets_are_masked(args: list[str], masked: list[str]) -> None:
    """The text around a secret stays readable where its end is certain."""
    assert mask_args(args) == masked


@pytest.mark.parametrize(
    "args",
    [
        ["--auth-mode=oidc", "--author", "joe", "--password-file", "/run/secrets/db"],
        ["--config", "C:\\apps\\prod.json", "--keyboard=de", "8080", "/port:80"],
        ["-port", "8080", "-profile=prod", "-Path", "C:\\x", "--design=a", "--signal=9", "-u", "joe"],
        ["https://a.example:8080/x?page=2", "joe@a.example", "10.0.0.1:80", "a=b;c=d"],
        ['{"user": "joe", "port": 80}', "-XX:+UseG1GC", "-Dfile.encoding=UTF-8", "x" * 100_000],
    ],
)
def test_what_is_no_secret_is_told(args: list[str]) -> None:
    """Everything else reaches the log unchanged."""
    assert mask_args(args) == args


HOSTILE = ["a", "-", "A", "Aa", " ", "@", "key", "key ", "key=", 'key="', "key='", "key]1", "key,", "key\n", "key:>"]
HOSTILE += ["password\\", "passw", "pass-", "access_", "bearer ", "://", "a://b:", "x:@ ", ";key", ";key=a", "?sig=a&"]
HOSTILE += [
    "-p",
    "-p ",
    "-u ",
    "-u=",
    "-u='",
    "'key':'",
    '{"key":{',
    'key,"value" ',
    'key"\\"',
    "--key,",
    "https",
    "=:",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_grows_with_the_length_and_no_faster(piece: str) -> None:
    """64 KB take less than 0.1 s, and 200 KB at most three times as long, whatever they contain."""
    for before in ("", "{", ";", "key=", "-u="):
        for size, limit_s in ((8_000, 0.1), (64_000, 0.1), (200_000, 0.3)):
            text = before + piece * (size // len(piece))
            best_s = min(_measure(text) for _ in range(2))
            assert best_s < limit_s, f"{size} of {text[:20]!r} took {best_s:.3f} s"


def _measure(text: str) -> float:
    began = time.thread_time()
    mask_args([text])
    mask_text(text)
    return (time.thread_time() - began) / 2
