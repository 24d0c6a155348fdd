"""The step of scoring that needs nobody else: predictions, reasons and rows of a batch of people, on any engine."""
