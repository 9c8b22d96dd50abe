"""What a project's developer asks of the pack on a machine without StackStorm and Consul."""
