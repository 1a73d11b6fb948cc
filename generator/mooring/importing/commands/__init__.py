r"""Work out what a container's command starts, by the rules of whatever reads it on the node.

Start at `launch` (a command becomes cplauncher's program, arguments and anchor) and `script` (the newer form: a script
sets COMPARTMENT_ID_ATTACH). Below them, a module for each reader: `kubelet` and `environment` ($(NAME)), `words`
(Windows command lines), `cmd`, and PowerShell in four: `powershell_arguments` (powershell.exe's own options),
`statements` (a text in statements), `powershell_script` (what the statements do), `powershell` (the words of one).
What they do not model raises words.NotUnderstoodError, never a guess.
"""
