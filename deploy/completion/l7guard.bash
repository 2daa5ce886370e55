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
    mapfile -t COMPREPLY < <(compgen -W "-c -r -p -P -l -T -V -h --config --read --policies \
        --plugins --logs --test --version --help --help-config" -- "$current")
}

_l7ctl()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word command=
    local all="-s -c -h -V --socket --config --json --help --version"
    case $previous in
    -s | --socket | -c | --config | --raw)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
    -p | --policies | -P | --plugins)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return ;;
    --proto)
        mapfile -t COMPREPLY < <(compgen -W "TCP UDP SCTP ICMP ICMPv6" -- "$current")
        return ;;
    --src | --dst | --sport | --node | --limit | --icmp-type | --icmp-code)
        return ;;
    esac
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        status | plugins | policies | lint | flows | reload | explain | help | version)
            command=$word
            break ;;
        esac
    done
    case $command in
    "" | help)
        all+=" status plugins policies lint flows reload explain help version" ;;
    explain)
        # The keywords are those of the loaded inspectors.
        all+=" -p -P --policies --plugins --node --src --dst --sport --proto --icmp-type \
            --icmp-code --l7 --other --raw --batch \
            $(l7ctl help explain 2>/dev/null | sed -n '/^loaded protocols/,$s/^  \(--[^ ]*\).*/\1/p')" ;;
    plugins)
        all+=" -P --plugins" ;;
    policies | lint)
        all+=" -p -P --policies --plugins --node" ;;
    flows)
        all+=" --limit" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$all" -- "$current")
}

complete -F _l7guard l7guard
complete -F _l7ctl l7ctl
