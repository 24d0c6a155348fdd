"""What people answer for: alerts, deliveries, holds, disputes, notices, exports, and oversight of all of it."""
