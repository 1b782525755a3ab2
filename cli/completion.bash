# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What bash offers behind `ward`.

_ward() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words=$(ward help 2>/dev/null | sed -n 's/^    \([a-z]*\) .*/\1/p')
    elif [[ $before == --profile ]]; then
        words=$(ward help run 2>/dev/null | sed -n 's/^are: \(.*\)\./\1/p')
    elif [[ ${COMP_WORDS[1]} == run && $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
        return
    elif [[ ${COMP_WORDS[1]} == explain ]]; then
        words=$(ward explain 2>/dev/null | sed 's/ .*//')
    elif [[ ${COMP_WORDS[1]} == @(stat|peek|poke) && $word != -* ]]; then
        words=$(cd /proc && echo [0-9]*)
    else
        words=$(ward help "${COMP_WORDS[1]}" 2>/dev/null | sed -n '1s/[][]//gp' | grep -o -e '--[a-z]*')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _ward ward
