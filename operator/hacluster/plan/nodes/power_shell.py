"""The script that puts a configuration in place on Windows: PowerShell 5.1, which every one has.

What comes from the spec stands in it in Base64 only: PowerShell takes several characters for quotes
and several for line ends. Packages are Windows features; a restart that one needs is told, and left
to people. A file whose mode leaves nothing to others is for the system and administrators alone.
A command runs in a PowerShell of its own, and its exit code counts.
"""

from collections.abc import Iterator
from typing import Final

from hacluster.plan.nodes.pieces import FileWanted, Parameter, Pieces, encoded

COMMAND_S: Final = 300
"""For one command or check."""
_OTHERS: Final = 0o007

_PRELUDE: Final = r"""Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$changed = New-Object System.Collections.ArrayList

function Read-Text([string]$Encoded) {
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Encoded))
}
function Add-Changed([string]$What) { [void]$changed.Add("hacluster: changed $What") }
function Install-Missing([string]$Encoded) {
    $name = Read-Text $Encoded
    $feature = Get-WindowsFeature -Name $name
    if ($null -eq $feature) { throw "package ${name}: Windows has no such feature" }
    if ($feature.Installed) { return }
    $done = Install-WindowsFeature -Name $name
    if (-not $done.Success) { throw "package ${name}: it could not be installed" }
    if ("$($done.RestartNeeded)" -eq 'Yes') { $name = "$name, in force after a restart" }
    Add-Changed "package $name"
}
function Set-Access([string]$Path, [bool]$IsPrivate) {
    $access = New-Object Security.AccessControl.FileSecurity
    $access.SetAccessRuleProtection($IsPrivate, $false)
    if ($IsPrivate) {
        foreach ($one in 'S-1-5-18', 'S-1-5-32-544') {
            $who = New-Object Security.Principal.SecurityIdentifier($one)
            $rule = New-Object Security.AccessControl.FileSystemAccessRule(
                $who, 'FullControl', 'Allow')
            $access.AddAccessRule($rule)
        }
    }
    [IO.File]::SetAccessControl($Path, $access)
}
function Test-File([string]$Path, [bool]$IsPrivate, [string]$Encoded) {
    if (-not [IO.File]::Exists($Path)) { return $false }
    if ([IO.File]::GetAccessControl($Path).AreAccessRulesProtected -ne $IsPrivate) { return $false }
    $found = [Convert]::ToBase64String([IO.File]::ReadAllBytes($Path))
    return $found -ceq $Encoded
}
function Set-File([string]$EncodedPath, [bool]$IsPrivate, [string]$Encoded) {
    $path = Read-Text $EncodedPath
    if (Test-File $path $IsPrivate $Encoded) { return }
    $folder = [IO.Path]::GetDirectoryName($path)
    [void][IO.Directory]::CreateDirectory($folder)
    $draft = [IO.Path]::Combine($folder, '.hacluster-' + [Guid]::NewGuid().ToString('N'))
    try {
        [IO.File]::Create($draft).Dispose()
        Set-Access $draft $IsPrivate
        [IO.File]::WriteAllBytes($draft, [Convert]::FromBase64String($Encoded))
        if ([IO.File]::Exists($path)) {
            Set-Access $path $IsPrivate
            [IO.File]::Replace($draft, $path, [NullString]::Value)
        } else {
            [IO.File]::Move($draft, $path)
        }
    } finally {
        [IO.File]::Delete($draft)
    }
    Add-Changed "file $path"
}
function Invoke-Limited([string]$Encoded, [string]$Output) {
    $text = [Text.Encoding]::Unicode.GetBytes((Read-Text $Encoded))
    $words = '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-EncodedCommand',
        [Convert]::ToBase64String($text)
    $process = Start-Process powershell.exe -ArgumentList $words -PassThru -NoNewWindow `
        -RedirectStandardOutput $Output -RedirectStandardError "$Output.error"
    [void]$process.Handle
    if ($process.WaitForExit($limit * 1000)) { return $process.ExitCode }
    & taskkill.exe /T /F /PID $process.Id | Out-Null
    throw "a command took longer than $limit s"
}
function Invoke-Missing([int]$Number, [string]$Run, [string]$Check) {
    $output = [IO.Path]::GetTempFileName()
    try {
        if ((Invoke-Limited $Check $output) -eq 0) { return }
        $code = Invoke-Limited $Run $output
        if ($code -ne 0) {
            $said = [IO.File]::ReadAllText($output) + [IO.File]::ReadAllText("$output.error")
            $tail = $said.Substring([Math]::Max(0, $said.Length - 600))
            throw "command ${Number}: it ended with ${code}: $tail"
        }
        if ((Invoke-Limited $Check $output) -ne 0) {
            throw "command ${Number}: it succeeded, and its check still fails"
        }
    } finally {
        [IO.File]::Delete($output)
        [IO.File]::Delete("$output.error")
    }
    Add-Changed "command $Number"
}
"""


def script(head: str, pieces: Pieces) -> str:
    """Return the script; ``head`` is its first line."""
    parameters = ", ".join(
        f"[Parameter(Mandatory)][AllowEmptyString()][string]${one}" for one in pieces.parameters
    )
    calls = "\n".join(f"    {one}" for one in _calls(pieces))
    return (
        f"{head}\nparam({parameters})\n{_PRELUDE}"
        f"$limit = {COMMAND_S}\n$code = 0\ntry {{\n{calls}\n"
        "    Write-Output 'hacluster: in place'\n"
        "} catch {\n"
        '    [Console]::Error.WriteLine("hacluster: failed $_")\n'
        "    $code = 1\n"
        "}\n$changed\nexit $code\n"
    )


def _calls(pieces: Pieces) -> Iterator[str]:
    yield from (f"Install-Missing '{encoded(name)}'" for name in pieces.packages)
    yield from (_file(one) for one in pieces.files)
    for number, (run, check) in enumerate(pieces.commands, start=1):
        yield f"Invoke-Missing {number} '{encoded(run)}' '{encoded(check)}'"


def _file(file: FileWanted) -> str:
    content = file.content
    held = f"${content.name}" if isinstance(content, Parameter) else f"'{content}'"
    private = "$false" if file.mode & _OTHERS else "$true"
    return f"Set-File '{encoded(file.path)}' {private} {held}"
