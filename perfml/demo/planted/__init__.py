"""What is planted beside the causes of risk, each part with its own random stream."""
