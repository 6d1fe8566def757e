"""`suppress report`: a page made of a receipt that was kept."""

import click

from suppress.cli.input import STANDARD
from suppress.cli.outputs import outputs, refuse_conflicts
from suppress.cli.receipts import read_receipt
from suppress.screening.report import CampaignReport


@click.command(short_help="Make a page of a receipt.")
@click.argument("receipt")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    default=STANDARD,
    help="HTML file, readable by you alone (default: standard output).",
)
def report(receipt: str, output: str) -> None:
    """Make a page of RECEIPT for the person who answers for the campaign.

    It shows what a receipt holds: how many were allowed, suppressed and invalid, which stop
    lists were read when, how numbers were read, and the digests. Sources, countries, ages and
    reasons of the suppressed are not in a receipt: for these, use `suppress filter --report`.
    Needs the extra `report`.

    \b
      suppress report receipt.json -o report.html
    """
    made = read_receipt(receipt)
    refuse_conflicts(receipt, {"allowed": output})
    page = CampaignReport(made).to_html().encode()
    with outputs({"page": output}, {}) as written:
        written["page"].writelines([page])
