"""The live state: looks, the publisher, those who watch."""
