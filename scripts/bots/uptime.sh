#!/bin/sh
# Tells how this machine does: chat-client bot --name "$(hostname)" scripts/bots/uptime.sh
#
#   !uptime    how long it runs, and its load
while IFS= read -r line; do
    case $line in
        *' '*': !uptime') ;;
        *': !uptime') uptime ;;
    esac
done
