"""The pages by subject: each function collects facts for one template."""
