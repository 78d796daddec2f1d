"""keyledger up, and the parts alone: serve, publish, project, migrate, ddl, settings."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, request
from keyledger.cli.printing.output import counting, narrate, print_json, say, waiting
from keyledger.cli.printing.tables import print_table
from keyledger.runtime.diagnostics.logs import configure_logging
from keyledger.settings import Settings, chosen_folder, folder_of

project_app = typer.Typer(
    help="Run a projector alone.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger project clickhouse",
)


class FeedName(StrEnum):
    """Where a projector's events come from."""

    LOG = "log"
    KAFKA = "kafka"


Feed = Annotated[FeedName, typer.Option(help="Where the projector's events come from.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
HealthPort = Annotated[
    int, typer.Option(min=0, max=65535, help="TCP port of /healthz, /readyz and /metrics; 0 takes a free one.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command(epilog="Example: keyledger up --data ./keyledger-data --port 8080")(up)
    app.command(epilog="Example: KEYLEDGER_DATABASE_URL=postgresql://… keyledger serve --port 8080")(serve)
    app.command(epilog="Example: keyledger publish --since 120 --until 130")(publish)
    app.command(epilog="Example: KEYLEDGER_MIGRATION_DATABASE_URL=postgresql://… keyledger migrate")(migrate)
    app.command(epilog="Example: keyledger ddl --print")(ddl)
    app.command("settings", epilog="Example: keyledger settings --json")(show_settings)
    app.add_typer(project_app, name="project")


def up(
    data: Data = None,
    port: Port = 8080,
    feed: Feed = FeedName.LOG,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="Keep a gateway's table of keys in the embedded PostgreSQL, too.")
    ] = False,
    postgres_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Let the embedded PostgreSQL listen on this TCP port of loopback, too; 0 takes a free one. With "
            "--gateway it does, and keeps its port. Any local user can use up its connections there.",
        ),
    ] = None,
) -> None:
    """Start everything in one process on loopback: PostgreSQL, ClickHouse's engine, the API and the projector.

    With --feed kafka the log goes through the topic of the broker that KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS names. A
    gateway's table of keys is kept where KEYLEDGER_GATEWAY_DATABASE_URL says, or with --gateway in the folder itself.
    """
    settings = _settings()
    if gateway and settings.gateway_database_url is not None:
        raise CommandFailed("give --gateway or set KEYLEDGER_GATEWAY_DATABASE_URL, not both", 2)
    if feed is FeedName.KAFKA:
        settings.require("kafka_bootstrap_servers")
    try:
        from keyledger.embedded.folder import DataFolder  # noqa: PLC0415 - the embedded extra
        from keyledger.embedded.up import up as run_up  # noqa: PLC0415 - the embedded extra
    except ModuleNotFoundError as error:
        raise CommandFailed(f"`up` needs {error.name}: install keyledger[embedded]") from error

    folder = DataFolder(folder_of(data, settings))
    narrate(f"starting on {folder.path} …")
    asyncio.run(run_up(folder, port, feed.value, settings, say, gateway=gateway, postgres_port=postgres_port))


def serve(port: Port = 8080, host: Host = "127.0.0.1") -> None:
    """Serve the API alone, on the databases that the settings name."""
    from keyledger.runtime.parts.serve import serve as run  # noqa: PLC0415 - keeps --help quick

    asyncio.run(run(_settings(), host, port, say))


def publish(
    since: Annotated[int | None, typer.Option(min=1, help="Publish again from this position, then stop.")] = None,
    until: Annotated[int | None, typer.Option(min=1, help="The last to publish again; the head by default.")] = None,
    host: Host = "127.0.0.1",
    port: HealthPort = 0,
    data: Data = None,
) -> None:
    """Publish the log to Kafka, until a signal; where another one is active, stand by and take over when it ends."""
    from keyledger.runtime.parts.publish import publish as run  # noqa: PLC0415 - keeps --help quick
    from keyledger.runtime.parts.publish import publish_again  # noqa: PLC0415 - as above

    if since is None and until is None:
        asyncio.run(run(_settings(), host, port, say))
        return
    first, settings = since or 1, _settings()
    if chosen_folder(data, settings) is not None:
        body = {"since": first} if until is None else {"since": first, "until": until}
        say(f"published again: {request(data, 'POST', '/operator/publish', json=body)['published']}")
        return
    with counting() as bar:
        task = bar.add_task("publishing again", total=None)

        def show(position: int, last: int) -> None:
            bar.update(task, completed=position - first + 1, total=last - first + 1)

        count = asyncio.run(publish_again(settings, first, until, show))
    say(f"published again: {count}")


@project_app.command("clickhouse", epilog="Example: keyledger project clickhouse --feed kafka --port 9465")
def project_clickhouse(
    feed: Feed = FeedName.LOG,
    host: Host = "127.0.0.1",
    port: HealthPort = 0,
) -> None:
    """Bring the log's events into ClickHouse, until a signal. Of the Kafka feed any number can share the work."""
    from keyledger.runtime.parts.project import project_clickhouse as run  # noqa: PLC0415 - keeps --help quick

    asyncio.run(run(_settings(), feed.value, host, port, say))


@project_app.command("usage", epilog="Example: keyledger project usage --port 9467")
def project_usage(host: Host = "127.0.0.1", port: HealthPort = 0) -> None:
    """Bring the gateway's rows into the usage journal, which bills read, until a signal; a second one stands by.

    A first run over many rows says every few seconds how far it is, and can be stopped at any moment.
    """
    from keyledger.runtime.parts.project import project_usage as run  # noqa: PLC0415 - keeps --help quick

    asyncio.run(run(_settings(), host, port, say))


@project_app.command("gateway", epilog="Example: keyledger project gateway --port 9466")
def project_gateway(
    create_table: Annotated[
        bool,
        typer.Option(
            "--create-table", help="Make the gateway's table of keys, for a trial without a gateway, and stop."
        ),
    ] = False,
    create_index: Annotated[
        bool,
        typer.Option(
            "--create-index", help="Make the index that the gateway's look-up lacks, while it goes on, and stop."
        ),
    ] = False,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Forget how far it was, after the log was restored: compare every key; and stop."),
    ] = False,
    host: Host = "127.0.0.1",
    port: HealthPort = 0,
) -> None:
    """Keep the gateway's own table of keys equal to the registry's keys, until a signal; a second one stands by."""
    from keyledger.runtime.parts.project import project_gateway as run  # noqa: PLC0415 - keeps --help quick
    from keyledger.runtime.parts.set_up import set_up_gateway  # noqa: PLC0415 - as above

    if not (create_table or create_index or anew):
        asyncio.run(run(_settings(), host, port, say))
        return
    with waiting("setting up the gateway's table of keys"):
        asyncio.run(set_up_gateway(_settings(), table=create_table, index=create_index, forget=anew))
    say("done")


def migrate() -> None:
    """Bring the log's database to this version's shape; may be run again."""
    from keyledger.runtime.parts.set_up import migrate as run  # noqa: PLC0415 - keeps --help quick

    asyncio.run(run(_settings()))
    say("migrated")


def ddl(
    print_: Annotated[bool, typer.Option("--print", help="Print the statements instead of running them.")] = False,
    gateway_tables: Annotated[
        bool, typer.Option("--gateway-tables", help="Make the gateway's tables too, where there is none.")
    ] = False,
) -> None:
    """Make or renew Keyledger's objects in ClickHouse; may be run again."""
    from keyledger.runtime.parts.set_up import apply_ddl, ddl_text  # noqa: PLC0415 - keeps --help quick

    settings = _settings()
    if print_:
        say(ddl_text(settings, gateway_tables=gateway_tables))
        return
    asyncio.run(apply_ddl(settings, gateway_tables=gateway_tables))
    say("applied")


def show_settings(json: AsJson = False) -> None:
    """List every setting with its meaning and value; the values of secrets are hidden."""
    rows = Settings.read().describe()
    if json:
        print_json(rows)
        return
    columns = ("name", "value", "default", "meaning")
    print_table(columns, ([row[column] for column in columns] for row in rows))


def _settings() -> Settings:
    settings = Settings.read()
    configure_logging(settings.log_level, settings.log_format)
    return settings
