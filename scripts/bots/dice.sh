#!/bin/sh
# Rolls dice: chat-client bot --name dice scripts/bots/dice.sh
#
#   !roll         one die of six sides
#   !roll 3d20    three dice of twenty
set -u

help='say !roll, or !roll 3d20: up to 20 dice of up to 1000 sides'

# A number of 1 to $2, four digits long at most.
is_count() {
    case $1 in '' | 0* | *[!0-9]* | ?????*) return 1 ;; esac
    [ "$1" -le "$2" ]
}

roll() {
    total=0 shown=
    left=$1
    while [ "$left" -gt 0 ]; do
        random=$(od -An -N4 -tu4 /dev/urandom)
        die=$((random % $2 + 1))
        total=$((total + die))
        shown="$shown${shown:+ + }$die"
        left=$((left - 1))
    done
    if [ "$1" -gt 1 ]; then
        echo "$shown = $total"
    else
        echo "$total"
    fi
}

while IFS= read -r line; do
    name=${line%%: *}
    text=${line#*: }
    # Lines of another form than NAME: TEXT have a space before their colon, or none at all.
    case $name in *' '*) continue ;; esac
    case $text in
        '!roll') dice=1d6 ;;
        '!roll '*) dice=${text#!roll } ;;
        *) continue ;;
    esac
    if is_count "${dice%%d*}" 20 && is_count "${dice#*d}" 1000; then
        echo "$name rolled $(roll "${dice%%d*}" "${dice#*d}")"
    else
        echo "$name: $help"
    fi
done
