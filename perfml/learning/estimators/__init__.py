"""Models of risk and of time to leaving, and their calibration."""
