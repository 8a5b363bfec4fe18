"""What `generate.py` builds the dashboards from. Python 3 standard library only."""
