"""Who gives feedback and recognition to whom: who is outside, one-way streets, units that never speak. Never what was written."""
