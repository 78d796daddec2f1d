"""Every call of the API that the client knows. Each function makes one, and its docstring says what it does.

A new call is a function in one of these modules, its answer a type in `keyledger.client.model`.
"""

from __future__ import annotations

from keyledger.client.calls.bills import compare_bills, list_billed_inferences, show_bill, what_if
from keyledger.client.calls.events import list_events
from keyledger.client.calls.keys import (
    cancel_scheduled,
    create_key,
    create_keys,
    edit_key,
    edit_keys,
    list_key_events,
    list_keys,
    resume_key,
    revoke_credential,
    revoke_key,
    rotate_key,
    show_key,
    show_key_usage,
    suspend_key,
    verify_key,
)
from keyledger.client.calls.policy import set_tag_policy, show_tag_policy, try_tag_policy
from keyledger.client.calls.prices import end_price, list_price_events, list_prices, set_price, show_price
from keyledger.client.calls.tokens import create_token, list_tokens, revoke_token, rotate_token, show_token
from keyledger.client.calls.webhooks import (
    create_webhook,
    delete_webhook,
    list_deliveries,
    list_webhooks,
    replay_delivery,
    rotate_webhook,
    show_webhook,
    test_webhook,
)

__all__ = [
    "cancel_scheduled",
    "compare_bills",
    "create_key",
    "create_keys",
    "create_token",
    "create_webhook",
    "delete_webhook",
    "edit_key",
    "edit_keys",
    "end_price",
    "list_billed_inferences",
    "list_deliveries",
    "list_events",
    "list_key_events",
    "list_keys",
    "list_price_events",
    "list_prices",
    "list_tokens",
    "list_webhooks",
    "replay_delivery",
    "resume_key",
    "revoke_credential",
    "revoke_key",
    "revoke_token",
    "rotate_key",
    "rotate_token",
    "rotate_webhook",
    "set_price",
    "set_tag_policy",
    "show_bill",
    "show_key",
    "show_key_usage",
    "show_price",
    "show_tag_policy",
    "show_token",
    "show_webhook",
    "suspend_key",
    "test_webhook",
    "try_tag_policy",
    "verify_key",
    "what_if",
]
