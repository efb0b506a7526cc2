/** `gori completion bash|zsh`: a script for the shell that knows every command and option, written from the commands themselves. */
import { Argument, Command } from 'commander';

/** Adds the command; `root` is the program whose commands are completed. */
export function completionCommand(root: () => Command): Command {
  return new Command('completion')
    .description('print a completion script: eval "$(gori completion bash)"')
    .addArgument(new Argument('<shell>', 'for which shell').choices(['bash', 'zsh']))
    .action((shell: 'bash' | 'zsh') => console.log(completionScript(root(), shell)));
}

/** zsh runs bash's completion by its own compatibility layer. */
export function completionScript(root: Command, shell: 'bash' | 'zsh'): string {
  const cases = paths(root, root.name()).map(([path, words]) => `    ${quote(path)}) words=${quote(words.join(' '))} ;;`);
  const prelude = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${prelude}_gori() {
  local path=gori words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case " ${paths(root, root.name()).map(([path]) => path.replaceAll(' ', '/')).join(' ')} " in *" \${path// //}/$word "*) path="$path $word" ;; esac ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _gori gori`;
}

/** Each command by its path, with the words that may follow it. */
function paths(command: Command, path: string): [path: string, words: string[]][] {
  const words = [...command.commands.map((sub) => sub.name()), ...command.options.flatMap((option) => option.long ?? []), '--help'];
  return [[path, words], ...command.commands.flatMap((sub) => paths(sub, `${path} ${sub.name()}`))];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
