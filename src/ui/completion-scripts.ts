/**
 * The scripts hold no names: each asks `mlops __complete`, which prints one candidate a line, a tab and its description
 * after it where there is one. The last word passed is the one being typed.
 */
const SCRIPTS = {
  bash: `# bash completion for mlops
_mlops() {
  local word=\${COMP_WORDS[COMP_CWORD]} line=() i
  # bash splits words at "@", ":" and "="; put them together again, so that "model@stage" is one word.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    if ((i > 1)) && [[ "\${COMP_WORDS[i]}" == [@:=]* || "\${COMP_WORDS[i-1]}" == *[@:=] ]]; then
      line[\${#line[@]}-1]+=\${COMP_WORDS[i]}
    else
      line+=("\${COMP_WORDS[i]}")
    fi
  done
  # What bash took for an earlier word must not be repeated by what it puts in place of the last one.
  local whole=\${line[\${#line[@]}-1]} prefix candidate
  prefix=\${whole%"$word"}
  if [[ $word == [@:=] ]]; then prefix=$whole; fi
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    COMPREPLY+=("\${candidate#"$prefix"}")
  done < <(mlops __complete -- "\${line[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _mlops mlops
`,
  zsh: `#compdef mlops
_mlops() {
  local -a lines candidates
  local line
  lines=("\${(@f)$(mlops __complete -- "\${(@)words[2,$CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    [[ -n $line ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#candidates} )); then
    _describe 'mlops' candidates
  else
    _files
  fi
}
if [[ $funcstack[1] == _mlops ]]; then
  _mlops "$@"
else
  compdef _mlops mlops
fi
`,
  fish: `# fish completion for mlops
function __mlops_complete
    set -l words (commandline -opc)[2..-1]
    mlops __complete -- $words (commandline -ct) 2>/dev/null
end
complete -c mlops -a '(__mlops_complete)'
`,
};

export type Shell = keyof typeof SCRIPTS;

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
