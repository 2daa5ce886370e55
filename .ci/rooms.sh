#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who includes whom (docs/architecture.md), that core/ names no protocol and no packet source, and
# that the files which docs/architecture.md names are there.
set -eu
cd "$(dirname "$0")/.."
bad=0
complain() {
    echo "$1" >&2
    bad=1
}

# The room of an include as it is written in a file: a path below core/, "sdk", or "own".
room_of() { # FILE INCLUDED
    local folder=${1%/*} name=$2
    case $name in
    l7guard/*) echo sdk ;;
    */*)
        if [ -e "core/$name" ]; then
            echo "${name%%/*}"
        elif [ -e "$folder/$name" ]; then
            echo own
        else
            echo unknown
        fi
        ;;
    *) if [ -e "$folder/$name" ]; then echo own; else echo unknown; fi ;;
    esac
}

# What the files of a folder may include with quotes, beside their own folder's.
may() { # FOLDER ROOM...
    local folder=$1 file name room
    shift
    while IFS=: read -r file name; do
        room=$(room_of "$file" "$name")
        case " own $* " in
        *" $room "*) ;;
        *) complain "$file: includes \"$name\" ($room); may: own${*:+, ${*// /, }}" ;;
        esac
        case $name in *..*) complain "$file: includes \"$name\", a path out of its room" ;; esac
    done < <(grep -rHoE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*"' \
        "$folder" | sed -E 's/:[^"]*"([^"]*)"/:\1/')
}

may sdk/include sdk
may plugins sdk
may core/base base sdk
may core/plugin base plugin sdk
may core/flow base flow sdk
may core/policy base policy sdk
may core/engine base plugin flow policy engine sdk
for main in core/*.c; do
    [ -e "$main" ] || continue
    while read -r name; do
        room=$(room_of "$main" "$name")
        case $room in
        engine | base | sdk) ;;
        *) complain "$main: includes \"$name\" ($room); a program includes engine and base" ;;
        esac
    done < <(sed -nE 's/^#include "([^"]*)".*/\1/p' "$main")
done

# A public header pulls in nothing of a system's but the C standard's.
while IFS=: read -r file name; do
    case $name in
    stdint.h | stddef.h | stdbool.h) ;;
    *) complain "$file: includes <$name>; the SDK needs C alone" ;;
    esac
done < <(grep -rHoE '^#include <[^>]*>' sdk/include | sed -E 's/:#include <(.*)>/:\1/')

# Names. Comments may speak of protocols; code may not. The preprocessor takes the comments out.
# .ci/rooms.allow lists the exceptions: a file, an extended regular expression, and why.
while read -r file; do
    while read -r line; do
        allowed=no
        while IFS='|' read -r where what _; do
            [ "$where" = "$file" ] && grep -qE -- "$what" <<<"$line" && allowed=yes
        done < <(grep -v '^#' .ci/rooms.allow)
        [ $allowed = yes ] || complain "$file: names a protocol or a packet source: $line"
    done < <(gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null |
        grep -iE '(^|[^a-z])(http|https|tls|sni|afpacket|pcap|eve)([^a-z]|$)')
done < <(find core -name '*.[ch]' | sort)

# `engine/feed.c` on that page is core/engine/feed.c; other files are named from the top.
for name in $(grep -oE '`[A-Za-z0-9_./-]+\.(c|h|sh|py|md)`' docs/architecture.md | tr -d '`'); do
    [ -e "core/$name" ] || [ -e "$name" ] || complain "docs/architecture.md: no file $name"
done

[ $bad -eq 0 ] && echo "every include is where it may be; core names no protocol"
exit $bad
