"""cicd-render: files of this host that are made from what Consul knows."""
