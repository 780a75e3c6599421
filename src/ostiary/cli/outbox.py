"""`ostiary admin outbox`: the mail that waits to be sent."""

from typing import Annotated

import typer

from ostiary.cli.workplace import Data, Json, fail, say, show_rows, transaction, when
from ostiary.clock import system_clock
from ostiary.storage import outbox
from ostiary.storage.outbox import NEVER, Mail

app = typer.Typer(help="Mail that waits to be sent.", no_args_is_help=True)


@app.command("list")
def list_mail(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100, data: Data = None, as_json: Json = False
) -> None:
    """List mail that is not sent yet, oldest first. What stands in it is nobody's business but the reader's."""
    with transaction(data) as tx:
        rows = [_row(mail) for mail in outbox.page_of_mail(tx, limit=limit)]
    show_rows(rows, as_json=as_json)


@app.command("retry")
def retry_mail(
    mail_id: Annotated[str | None, typer.Argument(help="One mail's id; all of them without it.")] = None,
    data: Data = None,
) -> None:
    """Send again now what failed, even what was given up. A mail that is being sent just now may go out twice."""
    with transaction(data) as tx:
        count = outbox.retry_mail(tx, mail_id, now=system_clock())
    if mail_id is not None and not count:
        fail("There is no mail of that id: it was sent, or never was.")
    say(f"{count} mails are due now.")


def _row(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "to": mail.recipient,
        "letter": mail.letter,
        "written": when(mail.created_at),
        "attempts": mail.attempts,
        "next": "given up" if mail.next_attempt_at >= NEVER else when(mail.next_attempt_at),
        "error": mail.last_error,
    }
