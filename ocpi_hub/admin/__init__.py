"""REST for operators: everything that the dashboard and the command line can do."""
