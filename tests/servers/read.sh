#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Apache httpd understood, as it tells a CGI script. SERVER_NAME is the host it chose.
cat >/dev/null
host="$SERVER_NAME"
if [ "$host" = none ]; then # as configured, for requests without one
    host=
fi
read="$REQUEST_METHOD|$host|$PATH_INFO"
if [ "$REQUEST_METHOD" = HEAD ]; then
    printf 'X-Head: %s\r\n' "$read"
fi
printf 'Content-Type: text/plain\r\n\r\n%s' "$read"
