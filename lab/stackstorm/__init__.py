"""What runs the pack: st2local, or a real StackStorm named by the environment; and the gateway."""
