"""Tables and lines about trust: deliveries, reconciliation, holds, alerts, notices and the audit log."""
