# Hosts of projects' rings: cicd.provision_host makes each, cicd.retire_host takes it away. See README.md.
terraform {
  required_version = ">= 1.4"
}

variable "hosts" {
  description = "The hosts, by any names that you choose."
  type        = map(object({ project = string, ring = string, provider = string }))
}

# A change of any value retires the host before a new one is made: Terraform runs nothing for the old one with
# create_before_destroy, so that would stay.
resource "terraform_data" "host" {
  for_each         = var.hosts
  input            = each.value
  triggers_replace = each.value

  provisioner "local-exec" {
    command     = "./host.py provision hosts/${self.id}"
    working_dir = path.module
    environment = { CICD_PARAMETERS = jsonencode(self.input) }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "./host.py retire hosts/${self.id}"
    working_dir = path.module
  }
}
