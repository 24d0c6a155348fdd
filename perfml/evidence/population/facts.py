"""What is known of a person beside the id. Without heavy imports: the service reads it too."""

from __future__ import annotations

import pyarrow as pa

PEOPLE = pa.schema(
    [
        ("employee_id", pa.string()),
        ("name", pa.string()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("manager_name", pa.string()),
        ("role_family", pa.string()),
        ("location", pa.string()),
        ("level", pa.int64()),
        ("tenure_days", pa.int32()),
    ]
)
"""One person at one date; empty where the record does not say."""

PERIODS = pa.schema(
    [
        ("employee_id", pa.string()),
        ("begins", pa.date32()),
        ("ends", pa.date32()),
        ("manager_id", pa.string()),
        ("department", pa.string()),
        ("location", pa.string()),
    ]
)
"""One position of one person from its first day until before ``ends``, which is empty while nothing is known to end it."""
