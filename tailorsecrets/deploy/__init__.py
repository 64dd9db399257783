"""Making a store equal to a config: observe, plan, ask, apply, report."""
