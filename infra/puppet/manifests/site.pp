node default {
  include cicd
}
