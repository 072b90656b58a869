"""The console: pages for clerks, an API for machines. ``create_app`` builds both."""
