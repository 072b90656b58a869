"""What would become of a call: asked without placing one."""
