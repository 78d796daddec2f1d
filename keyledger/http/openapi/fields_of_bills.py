"""Fields of bills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

BILLS: Final[Mapping[str, tuple[str, Any]]] = {
    "Bill.position": ("the position applied when the bill was made: later events are not in it", 42),
    "known_at": ("by what the log held up to this position: the one asked for; null: all that was applied", 42),
    "usage_known_at": (
        "by the usage that the log had anchored up to this position: the one asked for; null: all that was collected",
        42,
    ),
    "since": ("the beginning of the period, inclusive", "2026-03-01T00:00:00.000Z"),
    "until": ("the end of the period, exclusive", "2026-04-01T00:00:00.000Z"),
    "time_zone": ("the IANA name of the zone by which hours, days and months were cut", "Europe/Berlin"),
    "tzdata_version": ("the release of the IANA database that the engine has; null where it does not say", "2026c"),
    "Bill.tag": ("the filters that were asked for, each name:value", ["billing_tier:gold"]),
    "group_by": ("by what the lines are grouped", ["customer_id"]),
    "lines": ("the lines of the bucket `keyed`, in the order of their values", None),
    "total": ("the sum of the lines", None),
    "late_lines": ("the bucket `outside_key_life`, by the tags that the keys had or would have had", None),
    "coverage": ("all buckets of the whole period, whatever the tag filter: nothing is hidden", None),
    "Bill.usage": ("which rows of the gateway the bill was made from", None),
    "by": ("a value for each name of `group_by`; null where it has none", {"customer_id": "acme"}),
    "bucket": ("the bucket: the first that fits", "keyed"),
    "inferences": ("distinct inferences; grouped by model, one can be on several lines", 1200),
    "input_tokens": ("tokens that went into models, without cached rows", 350000),
    "output_tokens": ("tokens that came out of models, without cached rows", 81000),
    "cached_input_tokens": ("input tokens of answers from a cache, for which nothing was bought", 12000),
    "cached_output_tokens": ("output tokens of answers from a cache, for which nothing was bought", 3000),
    "cache_read_tokens": ("of the input tokens, those that the provider read from its own cache", 90000),
    "cache_write_tokens": ("of the input tokens, those that the provider wrote to its own cache", 30000),
    "cost_usd": (
        "what the gateway recorded as cost: a plain decimal string, exact; null: not one row has a cost",
        "0.000125",
    ),
    "charges": ("what the price book makes of the usage, in the order of the currencies", None),
    "currency": ("the currency, by ISO 4217", "EUR"),
    "amount": ("a plain decimal string, exact", "12.000125"),
    "unrated": ("rows of models that no price fits, or whose price needs a cost that is not there", 0),
    "unpriced": ("rows that have no cost", 0),
    "Usage.rows": ("how many rows of models and inferences", 2400),
    "fingerprint": ("of the rows: the same rows have the same one", "0123456789abcdef0123456789abcdef"),
    "after_now": ("what of the gateway's rows, in all periods, a wrong clock dated after now", None),
    "AfterNow.rows": ("how many rows, duplicates too", 0),
    "latest": ("the latest instant of these rows; null without any", "2106-02-07T06:28:15.000Z"),
    "conflicting_duplicates": ("ids under which rows came that differ: the greatest counts", 0),
    "BillComparison.base": ("the bill that is compared with, but for its lines and sums", None),
    "BillComparison.current": ("the bill that is compared, but for its lines and sums", None),
    "BillComparison.lines": ("every line that either bill has, in the order of their values", None),
    "BillComparison.total": ("the totals of both bills", None),
    "ComparedBill.position": ("the position applied when the bill was made: later events are not in it", 42),
    "ComparedBill.tag": ("the filters that were asked for, each name:value", ["billing_tier:gold"]),
    "ComparedBill.usage": ("which rows of the gateway the bill was made from", None),
    "base": ("the figures of the base; null where it has no such line", None),
    "current": ("the figures of the current bill; null where it has no such line", None),
    "difference": (
        "current less base, each figure; what a bill lacks counts as nothing; null: neither bill has a cost",
        None,
    ),
    "uncollected": ("rows at the gateway that the journal has not taken yet", 0),
    "anchored_at": (
        "the position of the anchor that covers all usage in the bill; null while some is newer",
        42,
    ),
}
