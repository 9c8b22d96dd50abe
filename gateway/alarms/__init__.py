"""The alarms of monitoring systems, each in the form that its system sends."""
