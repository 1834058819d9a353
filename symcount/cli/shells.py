"""Complete in bash, zsh and fish by click, with the words of this command line.

click's own scripts hand over words as the shell splits them. bash splits at colons, which every
target has, and a space after `models.py:` would end the target. So the shells get scripts of ours,
which hand over the line up to the cursor and take whole words back.
"""

from __future__ import annotations

import os
from typing import Any

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

# What may be continued; everything else is followed by a space.
OPEN = (":", ".", "/", "=")


class _OfALine(ShellComplete):
    """Completion of a line up to the cursor. An answer is lines of `type<tab>word<tab>help`."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        ended = not line or line[-1].isspace()
        return (words, "") if ended or not words else (words[:-1], words[-1])

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        self.ctx_args["obj"] = args  # click forgets arguments before an option without a value
        return super().get_completions(args, incomplete)

    def format_completion(self, item: CompletionItem[Any]) -> str:
        help = " ".join((item.help or "").split())
        return "\t".join((item.type, str(item.value), help))


class Bash(_OfALine):
    """Completion in bash, which replaces what follows its last word break, such as `:` or `=`."""

    name = "bash"
    source_template = r"""
%(complete_func)s() {
    local IFS=$'\n' line type value breaks=$COMP_WORDBREAKS
    local word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    while IFS=$'\t' read -r type value _; do
        if [[ $type == plain ]]; then
            COMPREPLY+=("$value")
        elif [[ $type == dir ]]; then
            compopt -o dirnames
        elif [[ $type == file ]]; then
            compopt -o default
        fi
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete "$1")
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:./=] ]]; then
        compopt -o nospace
    fi
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def complete(self) -> str:
        args, word = self.get_completion_args()
        items = self.get_completions(args, word)
        kept = word.rfind(":") + 1
        for item in items:
            if kept and str(item.value).startswith(word[:kept]):
                item.value = str(item.value)[kept:]
        return "\n".join(map(self.format_completion, items))


class Zsh(_OfALine):
    """Completion in zsh, with help beside each word."""

    name = "zsh"
    source_template = r"""#compdef %(prog_name)s
%(complete_func)s() {
    local type value help line
    local -a ended open shown
    local before="${(j: :)words[1,CURRENT-1]} $PREFIX"
    while IFS=$'\t' read -r type value help; do
        case $type in
            plain)
                if [[ $value == *[:./=] ]]; then
                    open+=("$value")
                else
                    ended+=("$value")
                    shown+=("$value${help:+  -- $help}")
                fi ;;
            dir) _path_files -/ ;;
            file) _files ;;
        esac
    done < <(COMP_LINE="$before" %(complete_var)s=zsh_complete $words[1])
    (( $#open )) && compadd -S '' -a open
    (( $#ended )) && compadd -l -d shown -a ended
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Fish(_OfALine):
    """Completion in fish, which adds no space after `:./=`, and shows help behind a tab."""

    name = "fish"
    source_template = r"""
function %(complete_func)s
    for line in (COMP_LINE=(commandline -cp) %(complete_var)s=fish_complete %(prog_name)s)
        set -l parts (string split \t -- $line)
        switch $parts[1]
            case plain
                printf '%%s\t%%s\n' $parts[2] "$parts[3]"
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


SHELLS: dict[str, type[ShellComplete]] = {kind.name: kind for kind in (Bash, Zsh, Fish)}


def words(ctx: click.Context) -> list[str]:
    """Return the whole words of the line that is completed, without the program's name."""
    return list(ctx.obj or ())


def add() -> None:
    """Register these shells with click."""
    for kind in SHELLS.values():
        add_completion_class(kind)


def script(shell: str, program: str, variable: str) -> str:
    """Return the script that a shell reads to complete the program's command line."""
    source = SHELLS[shell](click.Command(program), {}, program, variable).source()
    return source.strip() + "\n"
