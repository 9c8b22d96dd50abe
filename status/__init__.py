"""What runs where, on a page that follows Consul and changes nothing."""
