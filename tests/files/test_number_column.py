"""The column of the number: found by its name and its cells, never by a guess."""

from collections.abc import Sequence
from typing import Any

import pytest

from suppress.files.number_column import choose, counts_as_number

PHONES = ["+14155552671", "+442079460958", "+4915112345678"]
GERMAN = ["0151 12345678", "030 1234567", "+49 151 12345678"]
IDS = ["40731144", "40731145", "40731199"]
TOWNS = ["Oslo", "Rome", "Bonn"]


def chosen(table: dict[str, Sequence[Any]], region: str | None = None) -> str:
    names = list(table)
    return names[choose(names, list(table.values()), region)]


@pytest.mark.parametrize(
    ("table", "region", "name"),
    [
        ({"id": IDS, "phone": PHONES}, None, "phone"),
        ({"id": IDS, "phone": GERMAN}, "DE", "phone"),
        ({"order": IDS, "Handynummer": GERMAN}, "DE", "Handynummer"),
        # By its cells alone.
        ({"town": TOWNS, "contact": PHONES}, None, "contact"),
        ({"town": TOWNS, "": PHONES}, None, ""),
        # Of two names, the one that holds numbers.
        ({"phone_type": ["home", "work", "home"], "phone": PHONES}, None, "phone"),
        ({"cell": ["A1", "B2", "C3"], "mobile": PHONES}, None, "mobile"),
        ({"phone": ["", None, " "], "mobile": PHONES}, None, "mobile"),
        ({"phone": ["n/a", "NULL", "-"], "mobile": PHONES}, None, "mobile"),
        # More than half of them, the empty ones aside.
        ({"a": TOWNS, "phone": ["", "", "", *PHONES, "x", "x"]}, None, "phone"),
        ({"a": TOWNS, "phone": [None, 14155552671, 14155552671.0]}, None, "phone"),
        # An empty one by its name, if no other counts.
        ({"town": TOWNS, "mobile": ["", None, "n/a"]}, None, "mobile"),
        ({"contact": PHONES, "mobile": ["", "", ""]}, None, "contact"),
        ({"town": [], "mobile": []}, None, "mobile"),
        # The only one, whatever it holds.
        ({"anything": TOWNS}, None, "anything"),
        ({"order_id": IDS}, "DE", "order_id"),
        # What looks like numbers in Germany, beside a column without a name that says so.
        ({"at": ["2024-01-15", "20240116", "15.01.2024"], "kontakt": GERMAN}, "DE", "kontakt"),
        ({"lat": ["52.520008", "48.137154"], "kontakt": GERMAN}, "DE", "kontakt"),
        ({"nr": ["INV-2024-00123", "RE20240124"], "kontakt": GERMAN}, "DE", "kontakt"),
        ({"x": ["1700000000", "1711111111"], "kontakt": GERMAN}, "DE", "kontakt"),
        # A mobile number without its 0 is like a Unix time; the name decides.
        ({"x": TOWNS, "handy": ["1700000000", "1711111111"]}, "DE", "handy"),
        ({"x": TOWNS, "phone": ["442079460123.0", "4915112345678.00"]}, None, "phone"),
    ],
)
def test_the_column(table: dict[str, Any], region: str | None, name: str) -> None:
    assert chosen(table, region) == name


@pytest.mark.parametrize(
    ("table", "region", "message"),
    [
        ({"id": TOWNS, "phone": PHONES, "mobile": PHONES}, None, "Several .*: 'phone', 'mobile'"),
        (
            {"phone": PHONES, "WhatsApp": PHONES[:1]},
            None,
            "Several columns are .*: 'phone', 'WhatsApp'",
        ),
        ({"phone": PHONES, "Phone": PHONES}, None, "Several columns are .*: 'phone', 'Phone'"),
        (
            {"a": PHONES, "b": TOWNS, "c": PHONES},
            None,
            "none is named like a phone number.*: 'a', 'c'",
        ),
        (
            {"kunde": IDS, "kontakt": GERMAN},
            "DE",
            "none is named like a phone number.*: 'kunde', 'kontakt'",
        ),
        # Named like a number, and something else.
        ({"number": ["INV-1001", "INV-1002"], "a": TOWNS}, "DE", "mostly other values.*: 'number'"),
        ({"phone": ["12A", "12B"], "contact": PHONES}, None, "mostly other values.*: 'phone'"),
        ({"cell": ["2024-01-15"] * 3, "a": TOWNS}, "DE", "mostly other values.*: 'cell'"),
        ({"phone": [*PHONES, "x", "x", "x"], "a": TOWNS}, None, "mostly other values.*: 'phone'"),
        ({"phone": [*PHONES[:1], "x"], "a": TOWNS}, None, "mostly other values.*: 'phone'"),
        ({"phone": GERMAN[:2], "a": TOWNS}, None, "need a default region.*: 'phone'"),
        # An empty one is no reason to take an id for it.
        ({"order_id": IDS, "phone": ["", "", ""]}, "DE", "something else.*: 'order_id'"),
        ({"created_at": IDS, "x": TOWNS}, "DE", "something else.*: 'created_at'"),
        ({"a": TOWNS, "b": IDS}, None, "need a default region.*: 'a', 'b'"),
        ({"phone": [], "mobile": []}, None, "are empty.*: 'phone', 'mobile'"),
        ({}, None, r"In no column are most cells valid numbers\..* region\.$"),
    ],
)
def test_a_doubt_is_an_error_that_names_them(
    table: dict[str, Any], region: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^which column holds the number\\? .*{message}"):
        chosen(table, region)


def test_an_error_shows_no_cell() -> None:
    with pytest.raises(ValueError, match="which column") as raised:
        chosen({"phone": PHONES, "mobile": PHONES})
    assert "555" not in str(raised.value)


NAMES = (
    """
phone|Phone 1|phone_number|MobilePhone|mobilephone|phoneNumber|Phone No.|PHONE-NR|Telephone|cell
Cell Phone|cellphone|Mobile Number|mobile|tel|Tel.|TelNo|msisdn|MSISDN|whatsapp|WhatsApp Number
wa_id|Viber|number|recipient|Home Phone|phone (work)|contact_phone|phone_e164|GSM
Handy|Handynummer|Rufnummer|Telefonnummer|Mobilnummer|téléphone|Téléphone portable|tél|Portable
N° de téléphone|móvil|Teléfono móvil|celular|Número de celular|telefone|Telemóvel|telefono
Cellulare|telefoon|Mobiel|mobil|Mobiltelefon|tlf|puhelin|Puhelinnumero|telefon komórkowy|Komórka
Cep Telefonu|телефон|Номер телефона|Мобильный|мобільний|Сотовый|τηλέφωνο|Κινητό τηλέφωνο
电话|手机号|手機|電話番号|携帯|휴대폰 번호|전화번호|هاتف|رقم الجوال|موبايل|מספר טלפון|फ़ोन नंबर
मोबाइल नंबर|เบอร์โทรศัพท์|Số điện thoại|No HP|Nomor Telepon
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_numbers(name: str) -> None:
    assert chosen({"a": PHONES, name: PHONES, "b": PHONES}) == name


@pytest.mark.parametrize(
    "name",
    """id|name|e-mail|town|hotel|hostel|telex|cellar|excellent|automobile|handle|Invoice Number
order_no|created_at|date|amount|numbered|phone_type|phone id|mobile_verified|is_mobile|has_phone
Phone Country|marcel|parcel|mobility_id|total|panel|atelier|model|Type de téléphone""".replace(
        "\n", "|"
    ).split("|"),
)
def test_names_of_other_things(name: str) -> None:
    with pytest.raises(ValueError, match="none is named like a phone number"):
        chosen({"a": PHONES, name: PHONES, "b": PHONES})


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("+14155552671", None),
        ("14155552671", None),
        (" 44 (20) 7946-0958 ", None),
        (14155552671, None),
        (14155552671.0, None),
        ("442079460123.0", None),
        ("442079460123,00", None),
        ("415.555.2671", "US"),
        ("0171.2345678", "DE"),
        ("+49.1712345678", None),
        ("612.345.678", "ES"),
        ("06.12.34.56.78", "FR"),
        ("20 24 01 55", "DK"),
        ("20240155", "DK"),
        ("201001234567", "EG"),
        ("+1 415 555 2671 ext. 5", None),
        ("tel:+14155552671", None),
    ],
)
def test_a_cell_that_counts(cell: object, region: str | None) -> None:
    assert counts_as_number(cell, region)


DATES = """
2024-01-15|2024/01/15|2024.1.5|15.01.2024|1.2.2024|15/01/2024|01/15/2024|15-01-24|22.11.24|11/22/24
20240115|15012024|01152024|202401|2024-01|202401151030|20240115103000|20240115T103000Z
20240115103000123|2024-01-15 10:30|2024-01-15T10:30:00Z|2024-01-15T10:30:00.123456+02:00
15.01.2024 10:30:00|01/15/2024 10:30 PM|10:30|10:30:00|15-Jan-2024|15. Januar 2024|Jan 15, 2024
Mon, 15 Jan 2024 10:30:00 +0000
"""
DECIMALS = (
    "52.520008|-0.127758|13,404954|1299.90|1,299.90|1.299,90|150000.50|20731144.5|1705312200.123"
)
CODES = "INV-2024-00123|RE20240124|A12|A-10023456|KD_20731144|n/a|12|123||x"


@pytest.mark.parametrize("region", [None, "US", "DE", "GB", "FR", "IN", "CN", "BR"])
@pytest.mark.parametrize(
    "cell",
    [
        *DATES.strip().replace("\n", "|").split("|"),
        *DECIMALS.split("|"),
        *CODES.split("|"),
        *("1700000000", "1700000000000", 1700000000),
        *(None, True, 12.5, 20731144.5, [14155552671], {"a": 1}, "1" * 100_000),
    ],
    ids=lambda cell: str(cell)[:40],
)
def test_a_cell_that_does_not_count(cell: object, region: str | None) -> None:
    assert not counts_as_number(cell, region)
