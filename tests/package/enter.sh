#!/bin/sh
# What sshd runs on a simulated host: the command, at home in HOME_OF/home, with tools that can stop in the middle.
# STEP is the remote script that the command is, sftp, or other.
cd "$HOME_OF/home" || exit 70
HOME=$(pwd -P)
PATH=$HOME_OF/tools:$TOOLS
STEP=other
case $SSH_ORIGINAL_COMMAND in *sftp-server) STEP=sftp ;; esac
for step in fetch_commit read_metadata read_states build_tree build_package clean_build publish_package prune_packages find_name renew_index; do
    case $SSH_ORIGINAL_COMMAND in *"' $step "*) STEP=$step ;; esac
done
export HOME PATH STEP
[ "$STEP" != sftp ] || exec sftp-server
exec sh -c "$SSH_ORIGINAL_COMMAND"
