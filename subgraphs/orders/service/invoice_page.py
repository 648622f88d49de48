"""The page of an invoice, drawn by ReportLab; the same invoice gives the same bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from kernel.money import Money
from subgraphs.orders.domain.invoice import Invoice, written
from subgraphs.orders.domain.order import OrderLine

_FONT: Final = "Vera"
_BOLD: Final = "VeraBd"
_WIDTHS: Final = (80 * mm, 18 * mm, 26 * mm, 26 * mm, 26 * mm)
for _name in (_FONT, _BOLD):
    pdfmetrics.registerFont(TTFont(_name, f"{_name}.ttf"))  # comes with ReportLab, and embeds what it uses


def print_invoice(invoice: Invoice, seller: str) -> bytes:
    """Draw an invoice as PDF."""
    page = BytesIO()
    document = SimpleDocTemplate(page, pagesize=A4, title=invoice.name, author=seller, invariant=1, topMargin=20 * mm)
    document.build([*_head(invoice, seller), _lines(invoice), Spacer(1, 6 * mm), _sums(invoice)])
    return page.getvalue()


def _head(invoice: Invoice, seller: str) -> list[Flowable]:
    order, address = invoice.order, invoice.order.address
    city = f"{address.postal_code} {address.city}".strip()
    buyer = [address.name, address.line1, address.line2, city, address.region, address.country]
    facts = f"Order {order.number} of {order.placed_at:%Y-%m-%d}. Issued {invoice.issued_at:%Y-%m-%d}."
    if invoice.replaces is not None:
        facts += f" It replaces invoice {written(invoice.replaces)}."
    return [
        _text(seller, "Normal"),
        Spacer(1, 8 * mm),
        *(_text(each, "Normal") for each in buyer if each),
        Spacer(1, 8 * mm),
        _text(f"Invoice {invoice.name}", "Heading2"),
        _text(facts, "Normal"),
        Spacer(1, 6 * mm),
    ]


def _lines(invoice: Invoice) -> Table:
    rows = [["Article", "Pieces", "Each", "Net", "Tax"], *map(_row, invoice.lines)]
    shipping = invoice.order.shipping
    rows.append([invoice.order.shipping_method_name, "1", "", _amount(shipping.net), _amount(shipping.tax)])
    return Table(
        rows, colWidths=_WIDTHS, repeatRows=1, style=[*_PLAIN, ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black)]
    )


def _row(line: OrderLine) -> list[object]:
    article = _text(f"{line.name} ({line.sku})", "Normal")
    return [article, str(line.quantity), _amount(line.unit_price), _amount(line.total.net), _amount(line.total.tax)]


def _sums(invoice: Invoice) -> Table:
    order = invoice.order
    rows = [["Net", _amount(order.total.net)], ["Tax", _amount(order.total.tax)]]
    if order.discount:
        rows.insert(0, ["Discount taken off", _amount(order.discount)])
    rows.append(["Total", f"{_amount(order.total.gross)} {order.currency}"])
    width = sum(_WIDTHS)
    last = ("FONT", (0, -1), (-1, -1), _BOLD, 10)
    return Table(rows, colWidths=[width - 50 * mm, 50 * mm], style=[*_PLAIN, last])


_PLAIN: Final = [
    ("FONT", (0, 0), (-1, -1), _FONT, 9),
    ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
]


def _amount(amount: Money) -> str:
    return f"{amount.amount:,}"


def _text(words: str, style: str) -> Paragraph:
    shape = getSampleStyleSheet()[style].clone(style, fontName=_BOLD if style.startswith("Heading") else _FONT)
    return Paragraph(escape(words), shape)
