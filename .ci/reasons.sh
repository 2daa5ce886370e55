#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every reason word in the sources is explained in docs/operations.md, and every word explained there
# is in the sources; so is every counter and every setting. Reasons are slugs: lower case letters,
# digits, "-".
#
# usage: .ci/reasons.sh        from anywhere; exit status 0, or 1 with the words that are missing
#        .ci/reasons.sh list   print FILE: WORD for every word found
set -euo pipefail
cd "$(dirname "$0")/.."
docs=docs/operations.md
slug='[a-z][a-z0-9]*(-[a-z0-9]+)*'

# A source file without comments, preprocessor lines and newlines, one statement a line.
statements() {
    grep -vE '^[[:space:]]*#' "$1" | gcc -fpreprocessed -dD -E -P -x c - 2>/dev/null |
        tr '\n' ' ' | tr ';{}' '\n'
}

words() { # grep's input to words, one a line
    grep -oE "\"$slug\"" | tr -d '"'
}

# In the core, reasons are in statements that speak of them.
core() {
    statements "$1" |
        grep -E '(reason|why)[a-z_]* *=|refuse[a-z_]*\(|[^a-z](fault|unclaimed|end_by_break|stats_count)\(|"fragment-' |
        words
}

# The protocol nobody recognised; a level of problems; why a flow's record was written.
not_reasons_core='failed|error|forced|shutdown|timeout'

# In an inspector they are returned, passed on and stored in many ways: any word with a "-", and any
# word that is returned. Left out: names of options, headers and codings.
not_reasons='max-(head|pipelined|hello|arguments|key)|content-(range|type)|user-agent|x-[a-z-]+'
inspector() {
    statements "$1" | words | grep -E -- - || true
    statements "$1" | grep -oE "(return|reason =|[?:]) \"$slug\"" | words || true
}

found() {
    local file
    for file in core/engine/*.c core/flow/{defrag,pieces}.c; do
        core "$file" | grep -vxE "$not_reasons_core" | sed "s|^|$file: |" || true
    done
    for file in plugins/*/*.c; do
        case $file in */pattern.c | */example.c) continue ;; esac # they talk to l7ctl explain
        inspector "$file" | grep -vxE "$not_reasons" | sed "s|^|$file: |" || true
    done
}

all=$(found | sort -u)
[ "${1-}" = list ] && echo "$all" && exit 0

# The tables between "## Reasons" and the next heading of that level name words in their first column.
explained=$(sed -n '/^## Reasons/,/^## [^R]/p' "$docs" | grep -E '^\| `' | sed 's/^| \([^|]*\)|.*/\1/' |
    grep -oE "\`$slug\`" | tr -d '`' | sort)
bad=0
while read -r file word; do
    grep -qx -- "$word" <<<"$explained" ||
        { echo "${file%:}: reason \"$word\" is not in $docs" >&2; bad=1; }
done <<<"$all"
for word in $(uniq -d <<<"$explained"); do
    echo "$docs: \"$word\" is explained twice" >&2
    bad=1
done
for word in $explained; do
    grep -qE ": $word\$" <<<"$all" || { echo "$docs: nothing gives the reason \"$word\"" >&2; bad=1; }
done

for name in $(statements core/engine/metrics.c | grep -oE '(number|reasons)\(t, "[a-z_]+"' | cut -d'"' -f2); do
    grep -q "\`l7guard_${name}[\`{]" "$docs" ||
        { echo "core/engine/metrics.c: l7guard_$name is not in $docs" >&2; bad=1; }
done
for key in $(grep -oE '^    \{"[a-z-]+", *(TOP|LIMITS)' core/engine/settings.c | cut -d'"' -f2); do
    grep -q "^| \`$key\` |" "$docs" ||
        { echo "core/engine/settings.c: setting \"$key\" is not in $docs" >&2; bad=1; }
done
[ $bad -eq 0 ] && echo "$(wc -l <<<"$explained") reasons, all explained"
exit $bad
