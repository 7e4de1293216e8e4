"""The services that Kilonova is measured beside, each in this process."""
