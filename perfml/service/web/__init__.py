"""The pages for people: HR, managers, employees and data scientists, rendered on the server.

Templates, style and Chinese words stand in ``serve/web``, where a company may replace a file. A page works without script.
"""
