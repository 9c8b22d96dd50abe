"""The REST API, the authentication service and the event stream."""
