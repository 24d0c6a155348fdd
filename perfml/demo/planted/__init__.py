"""What is planted in a simulated company after it was written, each part with its own random stream."""
