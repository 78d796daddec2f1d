"""The HTTP front speaks as a server does: clickhouse-connect's whole path, and what it leaves unused, by plain HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import httpx
import lz4.frame
import pytest
from backports import zstd
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tests.support.servers.clickhouse import Front, running_front

pytestmark = pytest.mark.xdist_group("clickhouse-http")

USERS = {"default": {}, "writer": {"password": "pw"}, "reader": {"password": "pw", "readonly": True}}
ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "lz4": lz4.frame.compress, "zstd": zstd.compress}
DECODERS = {"lz4": lz4.frame.decompress, "zstd": zstd.decompress}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front with users."""
    with running_front(tmp_path_factory.mktemp("users") / "front", "--users", json.dumps(USERS)) as made:
        yield made


@pytest.fixture
def http(front: Front) -> Iterator[httpx.Client]:
    """A plain client, as nobody in particular."""
    with httpx.Client(base_url=f"http://127.0.0.1:{front.port}", timeout=60) as client:
        yield client


def connect(front: Front, user: str = "default", password: str = "", **options: Any) -> Any:
    """The driver's client."""
    return clickhouse_connect.get_client(host="127.0.0.1", port=front.port, username=user, password=password, **options)


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_the_driver_inserts_and_reads(front: Front, compress: bool | str) -> None:
    """20,000 rows are several chunks both ways."""
    with connect(front, compress=compress, autogenerate_session_id=False) as client:
        client.command("CREATE OR REPLACE TABLE rows (a Int64, tags Map(String, String)) ENGINE = MergeTree ORDER BY a")
        rows = [(number, {"name": f"ü{number}"}) for number in range(20_000)]
        client.insert("rows", rows, column_names=["a", "tags"])
        found = client.query("SELECT a, tags FROM rows WHERE a >= {least:Int64} ORDER BY a", parameters={"least": 5})
        assert found.result_rows == rows[5:]
        assert int(found.summary["read_rows"]) >= len(found.result_rows)
        assert client.ping()


def test_a_table_may_come_with_the_statement(front: Front) -> None:
    with connect(front, autogenerate_session_id=False) as client:
        table = ExternalData(file_name="ids.csv", data=b"2\n3\n", fmt="CSV", structure="a Int64")
        found = client.query("SELECT number FROM numbers(9) WHERE number IN (SELECT a FROM ids)", external_data=table)
        assert found.result_rows == [(2,), (3,)]
        with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
            client.query("SELECT a FROM ids")


@pytest.mark.parametrize("encoding", ENCODERS)
def test_bodies_and_answers_are_compressed_as_the_headers_say(http: httpx.Client, encoding: str) -> None:
    body = ENCODERS[encoding](b"SELECT 'x' FORMAT TSV")
    headers = {"Content-Encoding": encoding, "Accept-Encoding": encoding}
    with http.stream("POST", "/", params={"enable_http_compression": "1"}, content=body, headers=headers) as answer:
        assert answer.headers["Content-Encoding"] == encoding
        received = b"".join(answer.iter_raw())
    decode = DECODERS.get(encoding)
    plain = decode(received) if decode else zlib.decompress(received, wbits=47)
    assert plain == b"x\n"


def test_a_body_may_be_several_lz4_frames_in_chunks(http: httpx.Client) -> None:
    frames = [lz4.frame.compress(b"SELECT "), lz4.frame.compress(b"40 + 2")]
    assert http.post("/", content=iter(frames), headers={"Content-Encoding": "lz4"}).text == "42\n"


def test_a_damaged_body_is_refused(http: httpx.Client) -> None:
    answer = http.post("/", content=lz4.frame.compress(b"SELECT 1")[:-4], headers={"Content-Encoding": "lz4"})
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (500, "271")


def test_formats_and_headers(http: httpx.Client) -> None:
    answer = http.post("/", params={"default_format": "JSONEachRow", "query_id": "mine"}, content="SELECT 1 AS a")
    assert answer.text == '{"a":1}\n'
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert {"X-ClickHouse-Server-Display-Name", "X-ClickHouse-Timezone", "X-ClickHouse-Summary"} <= {
        name.title().replace("Clickhouse", "ClickHouse") for name in answer.headers
    }
    assert http.get("/ping").text == "Ok.\n"


def test_settings_parameters_and_database_last_for_one_request(http: httpx.Client) -> None:
    once = {"max_threads": "1", "param_x": "it's", "database": "system"}
    asked = "SELECT getSetting('max_threads'), {x:String}, currentDatabase()"
    assert http.post("/", params=once, content=asked).text == "1\tit\\'s\tsystem\n"
    assert http.post("/", content="SELECT getSetting('max_threads') = 1, currentDatabase()").text == "0\tdefault\n"
    assert http.post("/", content="SELECT {x:String}").headers["X-ClickHouse-Exception-Code"] == "456"
    http.post("/", content="SET max_block_size = 7")
    assert http.post("/", content="SELECT getSetting('max_block_size') = 7").text == "0\n"


@pytest.mark.parametrize(
    ("statement", "code", "status"),
    [
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT 1 +", 62, 400),
        ("SELECT a", 47, 404),
        ("SELECT * FROM missing.t", 81, 404),
        ("SELECT sleepEachRow(0.1) FROM numbers(9) SETTINGS max_execution_time = 0.1, max_block_size = 1", 159, 408),
        ("SELECT throwIf(1)", 395, 500),
    ],
)
def test_failures_have_the_servers_codes(http: httpx.Client, statement: str, code: int, status: int) -> None:
    answer = http.post("/", content=statement)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_a_semicolon_in_a_text_or_a_comment_ends_nothing(http: httpx.Client) -> None:
    assert http.post("/", content="SELECT ';', 1 -- ; SELECT 2\n;").text == ";\t1\n"


def test_a_get_reads_only(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1", "max_threads": "1"}).text == "1\n"
    answer = http.get("/", params={"query": "CREATE TABLE t (a Int8) ENGINE = Memory"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"


@pytest.mark.parametrize(
    "login",
    [
        {"auth": ("writer", "pw")},
        {"headers": {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "pw"}},
        {"params": {"user": "writer", "password": "pw"}},
    ],
)
def test_a_login_comes_in_three_ways(http: httpx.Client, login: dict[str, Any]) -> None:
    assert http.post("/", content="SELECT 1", **login).text == "1\n"
    wrong = json.loads(json.dumps(login).replace('"pw"', '"wrong"'))
    wrong = {name: tuple(value) if name == "auth" else value for name, value in wrong.items()}
    answer = http.post("/", content="SELECT 1", **wrong)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (401, "516")


def test_a_reader_changes_neither_rows_nor_settings(http: httpx.Client) -> None:
    login = {"user": "reader", "password": "pw"}
    assert http.post("/", params=login, content="SELECT {x:Int8}").headers["X-ClickHouse-Exception-Code"] == "456"
    assert http.post("/", params=login | {"param_x": "1"}, content="SELECT {x:Int8}").text == "1\n"
    for params, statement in (({}, "CREATE DATABASE d"), ({"max_threads": "1"}, "SELECT 1")):
        answer = http.post("/", params=login | params, content=statement)
        assert answer.headers["X-ClickHouse-Exception-Code"] == "164"
    assert http.post("/", content="SELECT getSetting('readonly')").text == "0\n"


async def test_a_session_keeps_its_tables_and_takes_one_statement_at_a_time(front: Front) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{front.port}", timeout=60) as http:
        mine = {"session_id": "mine"}
        await http.post("/", params=mine, content="CREATE TEMPORARY TABLE t (a Int8)")
        assert (await http.post("/", params=mine, content="SELECT count() FROM t")).text == "0\n"
        other = await http.post("/", params={"session_id": "other"}, content="SELECT count() FROM t")
        assert other.headers["X-ClickHouse-Exception-Code"] == "60"
        missing = await http.post("/", params={"session_id": "none", "session_check": "1"}, content="SELECT 1")
        assert missing.headers["X-ClickHouse-Exception-Code"] == "372"
        both = await asyncio.gather(*(http.post("/", params=mine, content="SELECT sleep(1)") for _ in range(2)))
        assert sorted(answer.headers.get("X-ClickHouse-Exception-Code", "") for answer in both) == ["", "373"]
