# SPDX-License-Identifier: Apache-2.0
# bash completion for l7guard(8) and l7ctl(8)

_l7guard()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    case $previous in
    -c | --config | -r | --read)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
    -p | --policies | -P | --plugins | -l | --logs)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "-c -r -p -P -l -T -V --config --read --policies \
        --plugins --logs --test --version --help --help-config" -- "$current")
}

_l7ctl()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local commands="status plugins policies flows reload explain"
    case $previous in
    --socket)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
    -p | -P)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return ;;
    --proto)
        mapfile -t COMPREPLY < <(compgen -W "TCP UDP SCTP ICMP" -- "$current")
        return ;;
    --src | --dst | --sport | --http | --tls | --l7)
        return ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    elif [ "${COMP_WORDS[1]}" = explain ]; then
        mapfile -t COMPREPLY < <(compgen -W "-p -P --src --dst --sport --proto --http --tls \
            --other --l7 --batch --json" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "--socket --json" -- "$current")
    fi
}

complete -F _l7guard l7guard
complete -F _l7ctl l7ctl
