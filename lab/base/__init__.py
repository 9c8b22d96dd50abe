"""The root filesystem that every host starts from."""
