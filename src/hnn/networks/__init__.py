"""Plain PyTorch modules that know no physics."""
