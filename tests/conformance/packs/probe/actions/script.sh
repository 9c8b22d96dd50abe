#!/bin/sh
for one in "$@"; do echo "$one"; done
