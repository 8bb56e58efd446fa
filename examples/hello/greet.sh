#!/bin/sh
cat "$GREETING_FILE" "$PWD/built-by.txt"
echo "running as $(id -un) in $PWD"
