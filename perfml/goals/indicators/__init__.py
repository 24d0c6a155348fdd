"""Whether metrics of goals tell anything of what they serve, and which recorded measure stands in nobody's goals."""
